#include "protocol/bytes.hpp"

#include <cassert>
#include <cstring>

namespace pgweir {

Errc Reader::u8(std::uint8_t& out) {
  if (rest_.empty()) return Errc::truncated;
  out = rest_[0];
  rest_ = rest_.subspan(1);
  return Errc::ok;
}

Errc Reader::u16(std::uint16_t& out) {
  if (rest_.size() < 2) return Errc::truncated;
  out = load_u16(rest_.data());
  rest_ = rest_.subspan(2);
  return Errc::ok;
}

Errc Reader::u32(std::uint32_t& out) {
  if (rest_.size() < 4) return Errc::truncated;
  out = load_u32(rest_.data());
  rest_ = rest_.subspan(4);
  return Errc::ok;
}

Errc Reader::bytes(std::size_t count, ByteView& out) {
  if (rest_.size() < count) return Errc::truncated;
  out = rest_.first(count);
  rest_ = rest_.subspan(count);
  return Errc::ok;
}

Errc Reader::skip(std::size_t count) {
  ByteView ignored;
  return bytes(count, ignored);
}

Errc Reader::cstring(std::string_view& out) {
  if (rest_.empty()) return Errc::missing_terminator;
  const void* nul = std::memchr(rest_.data(), 0, rest_.size());
  if (nul == nullptr) return Errc::missing_terminator;
  const auto size = static_cast<std::size_t>(static_cast<const Byte*>(nul) - rest_.data());
  out = as_text(rest_.first(size));
  rest_ = rest_.subspan(size + 1);
  return Errc::ok;
}

Writer& Writer::u8(std::uint8_t v) {
  out_.push_back(v);
  return *this;
}

Writer& Writer::u16(std::uint16_t v) {
  const Byte b[] = {static_cast<Byte>(v >> 8), static_cast<Byte>(v)};
  return raw(b);
}

Writer& Writer::u32(std::uint32_t v) {
  Byte b[4];
  store_u32(b, v);
  return raw(b);
}

Writer& Writer::raw(ByteView bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return *this;
}

Writer& Writer::text(std::string_view s) {
  return raw(as_bytes(s));
}

Writer& Writer::cstring(std::string_view s) {
  assert(s.find('\0') == std::string_view::npos);
  return text(s).u8(0);
}

Writer& Writer::begin_message(char type) {
  u8(static_cast<std::uint8_t>(type));
  return begin_untyped();
}

Writer& Writer::begin_untyped() {
  length_at_ = out_.size();
  return u32(0);
}

Writer& Writer::end_message() {
  store_u32(out_.data() + length_at_, static_cast<std::uint32_t>(out_.size() - length_at_));
  return *this;
}

}  // namespace pgweir
