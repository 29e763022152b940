// What the tests of both logins share: bytes that arrive whole or one by one, and cutting what was sent into
// messages.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "protocol/bytes.hpp"
#include "protocol/message.hpp"

namespace pgweir::test {

// Feeds a login like a connection does: what it does not take is offered again with more behind it.
template <class Login>
class Feeder {
 public:
  using Step = typename Login::Step;

  Feeder(Login& login, bool bytewise) : login_(login), bytewise_(bytewise) {}

  // The last step: need_bytes, or whatever ends or interrupts the exchange.
  Step receive(ByteView bytes) {
    Step step = Step::need_bytes;
    const std::size_t portion = bytewise_ ? 1 : bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += portion) {
      const ByteView part = bytes.subspan(at, portion);
      input_.insert(input_.end(), part.begin(), part.end());
      step = run();
      if (step != Step::need_bytes) {
        input_.insert(input_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at + portion), bytes.end());
        break;
      }
    }
    return step;
  }

  // Calls feed() for as long as it has something to send.
  Step run() {
    for (int calls = 0; calls < 1000; ++calls) {
      ByteView rest = input_;
      const Step step = login_.feed(rest, reply_);
      input_.assign(rest.begin(), rest.end());
      if (step != Step::send) return step;
    }
    FAIL("a login that never stops sending");
    return Step::refused;
  }

  // What was sent since the last call.
  ByteBuffer sent() { return std::exchange(reply_, {}); }
  const ByteBuffer& input() const { return input_; }

 private:
  Login& login_;
  bool bytewise_;
  ByteBuffer input_;
  ByteBuffer reply_;
};

struct Message {
  char type;
  ByteBuffer body;
};

inline std::vector<Message> messages(ByteView bytes) {
  std::vector<Message> out;
  while (!bytes.empty()) {
    REQUIRE(bytes.size() >= message_header_size);
    const std::size_t size = std::size_t{1} + load_u32(bytes.data() + 1);
    REQUIRE(bytes.size() >= size);
    const ByteView body = bytes.subspan(message_header_size, size - message_header_size);
    out.push_back({static_cast<char>(bytes[0]), ByteBuffer(body.begin(), body.end())});
    bytes = bytes.subspan(size);
  }
  return out;
}

inline ByteBuffer operator+(ByteBuffer a, const ByteBuffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace pgweir::test
