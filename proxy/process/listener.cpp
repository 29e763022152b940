#include "proxy/process/listener.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <system_error>

#include "proxy/base/log.hpp"
#include "proxy/net/listen_failure.hpp"
#include "proxy/net/socket_options.hpp"
#include "proxy/net/takeover.hpp"
#include "proxy/session/session_directory.hpp"
#include "proxy/worker/connect.hpp"
#include "proxy/worker/spawn.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// A burst of clients waits in the kernel until it is accepted; the kernel cuts this to net.core.somaxconn.
constexpr int backlog = 16'384;

// A Lambda environment that was frozen or reaped says nothing, so the kernel asks now and then whether it is
// still there.
constexpr Keepalive client_keepalive{.idle_s = 60, .interval_s = 10, .probes = 3};

UniqueFd listen_on(const std::string& host, std::uint16_t port, bool shares_port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
      error != 0) {
    throw std::runtime_error(listen_failure("listen", host, port, 0, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  UniqueFd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd) {
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    // Accepted sockets inherit these (Linux), so none costs a call for each client.
    configure_tcp(fd.get(), client_keepalive);
  }
  if (fd && shares_port) share_port(fd.get());
  if (!fd || ::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd.get(), backlog) != 0) {
    const std::error_code error(errno, std::system_category());
    throw std::runtime_error(listen_failure("listen", host, port, error.value(), error.message()));
  }
  if (shares_port) take_over(fd.get());
  return fd;
}

std::string text_of_address(const sockaddr_storage& address, socklen_t size) {
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
  const int error = ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host,
                                  service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV);
  return error == 0 ? std::string(host) + ":" + service : "unknown";
}

bool is_exhaustion(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Listener::Listener(const std::string& host, std::uint16_t port, bool shares_port)
    : socket_(listen_on(host, port, shares_port)) {}

void Listener::start(Worker& worker, const SessionDirectories& sessions) {
  worker_ = &worker;
  sessions_ = &sessions;
  spawn(worker, run(shared_from_this(), worker, sessions));
}

void Listener::stop() {
  worker_->post([self = shared_from_this()] {
    self->stopped_ = true;
    // Clients that have connected before are told why they are not served, rather than left without an
    // answer.
    for (int i = 0; i < backlog / accepts_per_turn && self->slot_ != nullptr; ++i) {
      if (!self->accept_some(*self->sessions_) || !self->slot_->readable()) break;
    }
    ::shutdown(self->socket_.get(), SHUT_RDWR);
  });
}

Task<> Listener::run(std::shared_ptr<Listener> /*self*/, Worker& worker, const SessionDirectories& sessions) {
  Waker waker(worker.reactor());
  slot_ = worker.reactor().attach(socket_.get(), &waker);
  while (!stopped_ && slot_ != nullptr) {
    if (!accept_some(sessions)) {
      worker.counters().accept_pauses.add();
      TimedWaker clock(worker, pause);
      while (!clock.expired()) co_await clock.waker().wait();
    } else if (slot_->readable()) {
      waker.wake();
      co_await waker.wait();
    } else {
      co_await waker.wait();
    }
  }
  if (slot_ != nullptr) worker.reactor().detach(socket_.get(), slot_);
  socket_.reset();
}

bool Listener::accept_some(const SessionDirectories& sessions) {
  for (int i = 0; i < accepts_per_turn; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    UniqueFd fd(
        ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      const auto least = std::min_element(sessions.all().begin(), sessions.all().end(),
                                          [](const auto& a, const auto& b) { return a->size() < b->size(); });
      (*least)->adopt_client(std::move(fd), text_of_address(address, size));
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO) continue;
    if (is_exhaustion(errno)) {
      log::warning("accept_paused", {{"reason", "out of descriptors or memory"}});
      return false;
    }
    slot_->set_unreadable();
    return true;
  }
  return true;
}

}  // namespace pgweir
