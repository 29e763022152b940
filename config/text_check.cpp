#include "config/text_check.hpp"

#include <cstdint>
#include <string>

#include "config/load.hpp"

namespace pgweir::config {

namespace {

bool is_forbidden_control(unsigned char c) {
  return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

// The length of the UTF-8 sequence at the front of `text`, 0 if there is none (RFC 3629: no overlong forms,
// no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  std::uint32_t minimum = 0;
  std::uint32_t code = 0;
  if ((first & 0xe0) == 0xc0) {
    length = 2, minimum = 0x80, code = first & 0x1fu;
  } else if ((first & 0xf0) == 0xe0) {
    length = 3, minimum = 0x800, code = first & 0x0fu;
  } else if ((first & 0xf8) == 0xf0) {
    length = 4, minimum = 0x10000, code = first & 0x07u;
  } else {
    return 0;
  }
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code >= minimum && code <= 0x10ffff && !surrogate ? length : 0;
}

}  // namespace

std::optional<Problem> check_text(std::string_view text, std::string_view file) {
  const auto problem = [&](int line, int column, std::string message) {
    return Problem{std::string(file), line, column, {}, std::move(message), Severity::error};
  };
  if (text.size() > document_bytes_max) {
    return problem(0, 0, "larger than the limit of " + std::to_string(document_bytes_max) + " bytes");
  }
  int line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size();) {
    const int column = static_cast<int>(i - line_start) + 1;
    if (is_forbidden_control(static_cast<unsigned char>(text[i]))) {
      return problem(line, column, "a control character; in a quoted value write it as an escape");
    }
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) return problem(line, column, "not valid UTF-8");
    if (text[i] == '\n') ++line, line_start = i + 1;
    i += length;
  }
  return std::nullopt;
}

}  // namespace pgweir::config
