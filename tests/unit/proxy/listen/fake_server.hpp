// A PostgreSQL server that says what the test tells it to: a listening socket on loopback, and its
// connections. Everything happens on the test's thread; each wait has a bound.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "protocol/authentication.hpp"
#include "protocol/error_response.hpp"
#include "proxy/net/unique_fd.hpp"

namespace pgweir::testing {

inline constexpr int patience_ms = 20'000;

inline bool becomes_readable(int fd, int timeout_ms) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, timeout_ms) == 1;
}

// One connection, as the server sees it.
class FakeBackend {
 public:
  explicit FakeBackend(UniqueFd fd) : fd_(std::move(fd)) {
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  // What a connection begins with, a login or a cancel request, but for its length.
  ByteBuffer opening() {
    const std::uint32_t size = load_u32(read(4).data());
    return read(size - 4);
  }
  void log_in() {
    opening();
    let_in();
  }
  // Any password will do.
  void ask_password() {
    opening();
    ByteBuffer out;
    write_authentication_md5(out, {});
    say(out);
  }
  void take_password() {
    REQUIRE(read(1)[0] == 'p');
    read(load_u32(read(4).data()) - 4);
  }
  void let_in() {
    ByteBuffer out;
    write_authentication_ok(out);
    Writer(out).begin_message('K').u32(4711).u32(42).end_message();
    say(out);
    ready();
  }

  // The text of the next message, which has to be a Query. "X" for a Terminate, "EOF" at the end.
  std::string query() {
    char type = 0;
    if (!becomes_readable(fd_.get(), patience_ms)) return "silence";
    if (::recv(fd_.get(), &type, 1, 0) != 1) return "EOF";
    const std::uint32_t size = load_u32(read(4).data());
    const ByteBuffer body = read(size - 4);
    if (type == 'X') return "X";
    REQUIRE(type == 'Q');
    return std::string(as_text(body).substr(0, body.size() - 1));
  }
  bool is_silent() { return !becomes_readable(fd_.get(), 0); }

  void complete(std::string_view tag) {
    ByteBuffer out;
    Writer(out).begin_message('C').cstring(tag).end_message();
    say(out);
    ready();
  }
  void empty() {
    ByteBuffer out;
    Writer(out).begin_message('I').end_message();
    say(out);
    ready();
  }
  void refuse(std::string_view code) {
    ByteBuffer out;
    write_error_response(out, {"ERROR", code, "no"});
    say(out);
    ready();
  }
  void notify(std::string_view channel, std::string_view payload) { say(notification(channel, payload)); }
  void ready() {
    ByteBuffer out;
    Writer(out).begin_message('Z').u8('I').end_message();
    say(out);
  }
  void say(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      REQUIRE(n > 0);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }
  // False: the peer has taken nothing for this long.
  bool can_say(int timeout_ms) {
    pollfd entry{fd_.get(), POLLOUT, 0};
    return ::poll(&entry, 1, timeout_ms) == 1;
  }
  void close() { fd_.reset(); }

  static ByteBuffer notification(std::string_view channel, std::string_view payload) {
    ByteBuffer out;
    Writer(out).begin_message('A').u32(99).cstring(channel).cstring(payload).end_message();
    return out;
  }

 private:
  ByteBuffer read(std::size_t size) {
    ByteBuffer out(size);
    for (std::size_t done = 0; done < size;) {
      REQUIRE(becomes_readable(fd_.get(), patience_ms));
      const ssize_t n = ::recv(fd_.get(), out.data() + done, size - done, 0);
      REQUIRE(n > 0);
      done += static_cast<std::size_t>(n);
    }
    return out;
  }

  UniqueFd fd_;
};

class FakeServer {
 public:
  FakeServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(fd_.get(), 8) == 0);
    REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  std::uint16_t port() const { return port_; }

  FakeBackend accept() {
    REQUIRE(becomes_readable(fd_.get(), patience_ms));
    return FakeBackend(UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
  bool nobody_knocks() { return !becomes_readable(fd_.get(), 0); }

 private:
  UniqueFd fd_;
  std::uint16_t port_ = 0;
};

}  // namespace pgweir::testing
