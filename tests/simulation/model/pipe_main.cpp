// One server of the model on a local TCP port, in real time: for compare.py, which holds its answers against
// a PostgreSQL's. It answers as the version of its first argument does. The second, if there is one, says what state it is
// in: `standby`, or why it lets nobody in; the third is what was done to it before. At each SIGHUP it takes no writes any more,
// or takes them again. Prints pgweir's own questions as it
// knows them (name, blank, text), then the port.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/frontend.hpp"
#include "protocol/startup.hpp"
#include "tests/simulation/model/own_questions.hpp"
#include "tests/simulation/model/session.hpp"

namespace {

using namespace pgweir::simulation;

struct Connection {
  int fd;
  std::unique_ptr<ModelSession> session;
  bool eof = false;
};

struct NamedRefusal {
  std::string_view name;
  LoginRefusal why;
};
// It takes no writes, and takes them again.
volatile std::sig_atomic_t wants_reload = 0;

constexpr NamedRefusal refusals[] = {{"too_many_clients", LoginRefusal::too_many_clients},
                                     {"starting_up", LoginRefusal::starting_up},
                                     {"shutting_down", LoginRefusal::shutting_down},
                                     {"no_hot_standby", LoginRefusal::no_hot_standby}};

void set_up(ModelCluster& cluster) {
  cluster.add_role("postgres", {.superuser = true});
  cluster.add_role("app", {.superuser = true});
  cluster.add_role("team", {.superuser = true});
  cluster.add_role("plain", {.superuser = false, .can_login = true, .member_of = {"crew"}});
  cluster.add_role("crew", {.superuser = false, .can_login = false});
  cluster.add_role("limited", {.superuser = false, .connections_max = 1});
  for (const char* const name : {"hashed", "clear"}) cluster.add_role(name, {.password = "secret"});
  for (const char* const name : {"hashed", "unset", "ghost"}) cluster.set_method(name, LoginMethod::md5);
  cluster.add_role("unset");
  cluster.add_role("locked", {.can_login = false, .password = "secret"});
  cluster.set_method("locked", LoginMethod::md5);
  cluster.set_method("clear", LoginMethod::cleartext);
  cluster.set_method("barred", LoginMethod::reject);
  cluster.add_role("barred");
  cluster.add_database("postgres");
  cluster.add_database("model");
  cluster.add_database("small", {.connections_max = 1});
  cluster.add_database("closed", {.allows_connections = false});
}

// Says what was done to it before. False: there is no such state.
bool put_into(ModelCluster& cluster, std::string_view state, std::string_view done_before) {
  ModelSession session(cluster, 1, 1);
  pgweir::ByteBuffer bytes;
  pgweir::write_startup_message(bytes, 0, "app", "model", {});
  pgweir::write_query(bytes, done_before);
  session.receive(bytes);
  if (state == "standby") {
    cluster.in_recovery = true;
    return true;
  }
  for (const NamedRefusal& refusal : refusals) {
    if (refusal.name == state) cluster.login_refusal = refusal.why;
  }
  return cluster.login_refusal.has_value();
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

void run(int listener, ModelCluster& cluster) {
  std::vector<Connection> connections;
  Pid next_pid = 1000;
  while (true) {
    std::vector<pollfd> fds{{listener, POLLIN, 0}};
    for (const Connection& connection : connections) fds.push_back({connection.fd, POLLIN, 0});
    poll(fds.data(), fds.size(), 5);
    if (wants_reload != 0) {
      wants_reload = 0;
      cluster.reload_read_only(!cluster.default_read_only());
    }
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
  if (count < 2 || count > 4) {
    std::fprintf(stderr, "usage: %s SERVER_VERSION [STATE [SQL]]\n", arguments[0]);
    return 2;
  }
  ModelCluster cluster(arguments[1]);
  set_up(cluster);
  if (count > 2 && !put_into(cluster, arguments[2], count > 3 ? arguments[3] : "")) {
    std::fprintf(stderr, "there is no state %s\n", arguments[2]);
    return 2;
  }
  for (const NamedQuestion& question : whole_questions())
    std::printf("%.*s %.*s\n", static_cast<int>(question.name.size()), question.name.data(),
                static_cast<int>(question.text.size()), question.text.data());
  std::signal(SIGHUP, [](int) { wants_reload = 1; });
  const int listener = listen_locally();
  if (listener < 0) return 1;
  run(listener, cluster);
}
