// Backend messages out of a byte stream: the load generator's own small framer. It keeps whole messages in
// memory, which the proxy must never do; answers to a burst are short, and a limit says so when they are not.
#pragma once

#include <cstddef>

#include "protocol/bytes.hpp"
#include "protocol/message.hpp"

namespace pgweir::bench {

struct Message {
  char type = 0;
  ByteView body;  // valid until the stream's next write_area()

  bool is(BackendType wanted) const { return type == static_cast<char>(wanted); }
};

class MessageStream {
 public:
  static constexpr std::size_t message_max = 16 * 1024 * 1024;

  enum class Next { message, need_more, malformed };

  // Room for the next read; committed() says how much of it was filled.
  std::span<Byte> write_area();
  void committed(std::size_t count) { end_ += count; }
  // The next complete message, if there is one.
  Next next(Message& out);

 private:
  ByteBuffer buffer_;  // [0, begin_) consumed | [begin_, end_) received | rest free
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace pgweir::bench
