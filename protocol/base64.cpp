#include "protocol/base64.hpp"

namespace pgweir {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The value of a digit, 0 to 63, or -1.
int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

// The last group may end in one or two '='.
std::size_t padding_of(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

}  // namespace

void append_base64(ByteView bytes, std::string& out) {
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) {
      out.push_back(k <= count ? alphabet[group >> (18 - 6 * k) & 63] : '=');
    }
  }
}

std::string to_base64(ByteView bytes) {
  std::string out;
  append_base64(bytes, out);
  return out;
}

bool from_base64(std::string_view text, ByteBuffer& out) {
  out.clear();
  if (text.size() % 4 != 0) return false;
  const std::size_t digits = text.size() - padding_of(text);
  std::uint32_t pending = 0;  // at most 14 bits matter; older ones are shifted out
  unsigned pending_bits = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const int value = value_of(text[i]);
    if (value < 0) return false;
    pending = pending << 6 | static_cast<std::uint32_t>(value);
    pending_bits += 6;
    if (pending_bits < 8) continue;
    pending_bits -= 8;
    out.push_back(static_cast<Byte>(pending >> pending_bits));
  }
  return (pending & ((1u << pending_bits) - 1)) == 0;
}

}  // namespace pgweir
