// The peer of a Transport in a unit test: the other end of a socket pair, which never blocks.
#pragma once

#include <sys/socket.h>

#include <array>
#include <catch2/catch.hpp>

#include "protocol/bytes.hpp"
#include "proxy/net/unique_fd.hpp"

namespace pgweir::test {

inline std::array<int, 2> socket_pair() {
  std::array<int, 2> fds{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
  return fds;
}

class FarEnd {
 public:
  explicit FarEnd(int fd) : fd_(fd) {}

  void send(ByteView bytes) {
    REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  // All that has arrived since the last look.
  ByteBuffer received() {
    ByteBuffer all;
    std::array<Byte, 4096> part{};
    for (ssize_t size = 0; (size = ::recv(fd_.get(), part.data(), part.size(), 0)) >= 0;) {
      if (size == 0) has_ended_ = true;
      if (size == 0) break;
      all.insert(all.end(), part.begin(), part.begin() + size);
    }
    return all;
  }
  // Whether the peer has closed its direction; known after received() has met it.
  bool has_ended() const { return has_ended_; }
  void end() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  bool has_ended_ = false;
};

}  // namespace pgweir::test
