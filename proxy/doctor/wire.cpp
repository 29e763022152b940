#include "proxy/doctor/wire.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <future>
#include <thread>

#include "config/network.hpp"

namespace pgweir::doctor {
namespace {

constexpr std::array private_blocks{"10.0.0.0/8",    "172.16.0.0/12",  "192.168.0.0/16",
                                    "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
                                    "fc00::/7",      "fe80::/10",      "::1"};

bool is_private(const std::string& text) {
  const auto address = config::parse_address(text);
  if (!address) return false;
  for (const char* const block : private_blocks) {
    std::string error;
    const auto network = config::parse_network(block, error);
    if (network && network->contains(*address)) return true;
  }
  return false;
}

Address address_of(const addrinfo& found) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::getnameinfo(found.ai_addr, found.ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  const auto* const bytes = reinterpret_cast<const Byte*>(found.ai_addr);
  Address address{text.data(), {bytes, bytes + found.ai_addrlen}};
  address.is_private = is_private(address.text);
  return address;
}

Names look_up(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  Names names;
  names.error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next)
    names.addresses.push_back(address_of(*one));
  if (found != nullptr) ::freeaddrinfo(found);
  return names;
}

int milliseconds_until(Deadline deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return left.count() <= 0 ? 0 : static_cast<int>(left.count()) + 1;
}

}  // namespace

Deadline in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

// getaddrinfo() has no deadline. A thread that is late is left behind; the process ends soon.
Names resolve(const std::string& host, std::uint16_t port, Deadline deadline) {
  std::promise<Names> promise;
  std::future<Names> names = promise.get_future();
  std::thread([host, port, to = std::move(promise)]() mutable {
    to.set_value(look_up(host, port));
  }).detach();
  if (names.wait_until(deadline) == std::future_status::ready) return names.get();
  Names late;
  late.timed_out = true;
  return late;
}

int Wire::connect(const Address& address, Deadline deadline) {
  const auto* const to = reinterpret_cast<const sockaddr*>(address.socket.data());
  fd_ = UniqueFd(::socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return errno;
  if (::connect(fd_.get(), to, static_cast<socklen_t>(address.socket.size())) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!wait(POLLOUT, deadline)) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

bool Wire::wait(short events, Deadline deadline) {
  for (;;) {
    pollfd one{fd_.get(), events, 0};
    const int ready = ::poll(&one, 1, milliseconds_until(deadline));
    if (ready > 0) return true;
    if (ready == 0) timed_out_ = true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// Whether OpenSSL only has to be called again once the socket is ready.
bool Wire::again(int result, Deadline deadline) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return wait(POLLIN, deadline);
    case SSL_ERROR_WANT_WRITE:
      return wait(POLLOUT, deadline);
    default:
      return false;
  }
}

std::string Wire::start_tls(SSL_CTX* context, const std::string& host, Deadline deadline) {
  ERR_clear_error();
  ssl_.reset(SSL_new(context));
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd_.get()) != 1) return "libssl refused";
  SSL_set_verify(ssl_.get(), SSL_VERIFY_NONE, nullptr);
  if (!config::parse_address(host)) SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
  for (;;) {
    const int result = SSL_connect(ssl_.get());
    if (result == 1) return {};
    if (again(result, deadline)) continue;
    if (timed_out_) return "no answer in time";
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    return reason == nullptr ? "the server closed the connection" : reason;
  }
}

bool Wire::write(ByteView bytes, Deadline deadline) {
  while (!bytes.empty()) {
    ssize_t sent = 0;
    if (ssl_) {
      sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (sent <= 0 && !again(static_cast<int>(sent), deadline)) return false;
    } else {
      sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR && (errno != EAGAIN || !wait(POLLOUT, deadline))) return false;
    }
    if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Wire::read(ByteBuffer& out, Deadline deadline) {
  std::array<Byte, 8192> chunk;
  for (;;) {
    ssize_t got = 0;
    if (ssl_) {
      got = SSL_read(ssl_.get(), chunk.data(), static_cast<int>(chunk.size()));
      if (got <= 0 && !again(static_cast<int>(got), deadline)) return false;
    } else {
      got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
      if (got == 0) return false;
      if (got < 0 && errno != EINTR && (errno != EAGAIN || !wait(POLLIN, deadline))) return false;
    }
    if (got <= 0) continue;
    out.insert(out.end(), chunk.begin(), chunk.begin() + got);
    return true;
  }
}

}  // namespace pgweir::doctor
