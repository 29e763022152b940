// Cuts a byte stream into messages, without owning a byte of it.
//
//   input:  | tail of a large message | header body | header body | header bo
//   pieces:   last                      whole         whole         (need_more: carry these to the next read)
//
// A message whose body fits `whole_max` of its rule is handed out only when it is complete, so that the
// caller sees all of it, and a peer that dies inside it leaves no trace on the other side. A larger one of a
// streamable type is handed out in pieces as they arrive: memory stays constant for any size. A larger one of
// any other type has to be whole up to `body_max`, above which it is an error.
#pragma once

#include <array>

#include "protocol/bytes.hpp"
#include "protocol/message.hpp"

namespace pgweir {

// PostgreSQL's own limits (src/include/libpq/libpq.h: PQ_SMALL_MESSAGE_LIMIT, PQ_LARGE_MESSAGE_LIMIT). A
// longer message makes a server drop the connection, so it must not reach a pooled one.
constexpr std::uint32_t small_body_max = 10'000 - message_length_size;
constexpr std::uint32_t large_body_max = 0x3fffffff - 1 - message_length_size;
// What fits a StringInfo of the server (MaxAllocSize less a terminator) can come as one message.
constexpr std::uint32_t server_body_max = 0x3fffffff - 1;
// Up to here an error or a description from a server is looked at whole. Of a longer one, only the first bytes
// are.
constexpr std::uint32_t whole_body_max = 16 * 1024;
// The same for a text or values of a client: what is in them may change its session. Longer ones carry data.
constexpr std::uint32_t query_whole_body_max = 1024 * 1024;
// Statement texts are kept for other backends, so a Parse has to be whole.
constexpr std::uint32_t parse_body_max = 64 * 1024 * 1024;
// ParameterStatus, NotificationResponse and the like from a server are kept whole too.
constexpr std::uint32_t server_whole_body_max = 1024 * 1024;

struct LengthRule {
  std::uint32_t body_min;
  std::uint32_t body_max;
  std::uint32_t whole_max;  // below body_max: larger ones are streamed
};

// The rule of each message that one side may send.
class LengthRules {
 public:
  constexpr explicit LengthRules(const LengthRule* (*rule_of)(char type)) {
    for (int type = 0; type < 256; ++type) by_type_[type] = rule_of(static_cast<char>(type));
  }
  // nullptr: this side must not send the type.
  const LengthRule* operator()(char type) const { return by_type_[static_cast<unsigned char>(type)]; }

 private:
  std::array<const LengthRule*, 256> by_type_{};
};

extern const LengthRules frontend_rule;
extern const LengthRules backend_rule;

// A whole message, or a part of a streamed one.
struct Piece {
  char type = 0;
  bool first = false;           // starts with the header
  bool last = false;            // the message ends here
  std::uint32_t body_size = 0;  // of the whole message
  ByteView bytes;               // header included when `first`; lives as long as the input

  bool whole() const { return first && last; }
  ByteView body() const { return first ? bytes.subspan(message_header_size) : bytes; }
};

enum class FrameStatus { piece, need_more, error };

class Framer {
 public:
  explicit Framer(const LengthRules& rule_of) : rule_of_(&rule_of) {}

  // Takes the next piece off the front of `input`. need_more: what is left of `input` (nothing, a part of a
  // header, or a part of a message that has to be whole) must be offered again with more after it.
  // error: see errc(); the stream cannot be read any further.
  FrameStatus next(ByteView& input, Piece& out);

  // Whether the stream is between two messages: everything handed out so far was complete.
  bool at_boundary() const { return streaming_left_ == 0; }
  Errc errc() const { return errc_; }

 private:
  FrameStatus fail(Errc e);
  FrameStatus continue_stream(ByteView& input, Piece& out);

  const LengthRules* rule_of_;
  Errc errc_ = Errc::ok;
  char streaming_type_ = 0;
  std::uint32_t streaming_body_ = 0;
  std::size_t streaming_left_ = 0;
};

}  // namespace pgweir
