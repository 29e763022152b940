// Views of bytes, and the bounds-checked reader and the writer of message fields.
// Wire integers are big-endian (PostgreSQL documentation, chapter 55.6, "Message Data Types").
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/errc.hpp"

namespace pgweir {

using Byte = std::uint8_t;
using ByteView = std::span<const Byte>;
using ByteBuffer = std::vector<Byte>;

inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const Byte*>(text.data()), text.size()};
}

inline std::uint32_t load_u32(const Byte* p) {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}
inline std::uint16_t load_u16(const Byte* p) {
  return static_cast<std::uint16_t>(p[0] << 8 | p[1]);
}
inline void store_u32(Byte* p, std::uint32_t v) {
  p[0] = static_cast<Byte>(v >> 24);
  p[1] = static_cast<Byte>(v >> 16);
  p[2] = static_cast<Byte>(v >> 8);
  p[3] = static_cast<Byte>(v);
}

// Reads fields from the front of a view. Nothing is copied; what it returns lives as long as the view.
// After an error the position is unspecified: stop reading.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  Errc u8(std::uint8_t& out);
  Errc u16(std::uint16_t& out);
  Errc u32(std::uint32_t& out);
  Errc bytes(std::size_t count, ByteView& out);
  // A NUL-terminated string, without its NUL.
  Errc cstring(std::string_view& out);
  Errc skip(std::size_t count);
  // ok when everything was read, trailing_bytes otherwise.
  Errc end() const { return rest_.empty() ? Errc::ok : Errc::trailing_bytes; }

  ByteView rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

 private:
  ByteView rest_;
};

// Appends fields and whole messages to a buffer that the caller owns.
class Writer {
 public:
  explicit Writer(ByteBuffer& out) : out_(out) {}

  Writer& u8(std::uint8_t v);
  Writer& u16(std::uint16_t v);
  Writer& u32(std::uint32_t v);
  Writer& raw(ByteView bytes);
  Writer& text(std::string_view s);     // without terminator
  Writer& cstring(std::string_view s);  // with terminator; `s` must not contain NUL

  // Opens a typed message (type byte, length to be filled in); end_message() fills the length in.
  // A message of more than 1 GiB is a programming error of the caller, who has checked its sizes.
  Writer& begin_message(char type);
  Writer& begin_untyped();  // StartupMessage and its relatives have no type byte
  Writer& end_message();

 private:
  ByteBuffer& out_;
  std::size_t length_at_ = 0;
};

}  // namespace pgweir
