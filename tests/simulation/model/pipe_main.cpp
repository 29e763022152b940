// One server of the model on a local TCP port, in real time: for compare.py, which holds its answers against
// a PostgreSQL's. It answers as the version of its argument does. Prints pgweir's own questions as it knows
// them (name, blank, text), then the port.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <vector>

#include "tests/simulation/model/own_questions.hpp"
#include "tests/simulation/model/session.hpp"

namespace {

using namespace pgweir::simulation;

struct Connection {
  int fd;
  std::unique_ptr<ModelSession> session;
  bool eof = false;
};

void set_up(ModelCluster& cluster) {
  cluster.add_role("postgres", {.superuser = true});
  cluster.add_role("app", {.superuser = true});
  cluster.add_role("team", {.superuser = true});
  cluster.add_role("plain", {.superuser = false, .can_login = true, .member_of = {"crew"}});
  cluster.add_role("crew", {.superuser = false, .can_login = false});
  cluster.add_database("postgres");
  cluster.add_database("model");
}

int listen_locally() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 64) != 0) return -1;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

// False: the connection is over.
bool serve(Connection& connection, bool readable) {
  std::array<pgweir::Byte, 65536> bytes{};
  if (readable) {
    const ssize_t size = read(connection.fd, bytes.data(), bytes.size());
    if (size <= 0) return false;
    connection.session->receive({bytes.data(), static_cast<std::size_t>(size)});
  }
  connection.session->advance(std::chrono::steady_clock::now());
  const pgweir::ByteBuffer out = connection.session->take_output();
  for (std::size_t sent = 0; sent < out.size();) {
    const ssize_t size = send(connection.fd, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) return false;
    sent += static_cast<std::size_t>(size);
  }
  return !connection.session->is_closed();
}

void run(int listener, const char* version) {
  ModelCluster cluster(version);
  set_up(cluster);
  std::vector<Connection> connections;
  Pid next_pid = 1000;
  while (true) {
    std::vector<pollfd> fds{{listener, POLLIN, 0}};
    for (const Connection& connection : connections) fds.push_back({connection.fd, POLLIN, 0});
    poll(fds.data(), fds.size(), 5);
    for (std::size_t i = connections.size(); i > 0; --i) {
      Connection& connection = connections[i - 1];
      if (serve(connection, fds[i].revents != 0)) continue;
      close(connection.fd);
      connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
    if (fds[0].revents == 0) continue;
    const int fd = accept(listener, nullptr, nullptr);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections.push_back({fd, std::make_unique<ModelSession>(cluster, next_pid, next_pid + 7)});
    ++next_pid;
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s SERVER_VERSION\n", arguments[0]);
    return 2;
  }
  for (const NamedQuestion& question : whole_questions())
    std::printf("%.*s %.*s\n", static_cast<int>(question.name.size()), question.name.data(),
                static_cast<int>(question.text.size()), question.text.data());
  const int listener = listen_locally();
  if (listener < 0) return 1;
  run(listener, arguments[1]);
}
