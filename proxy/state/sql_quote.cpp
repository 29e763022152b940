#include "proxy/state/sql_quote.hpp"

#include <algorithm>

namespace pgweir {
namespace {

// Whether the text is valid UTF-8; text in another encoding hardly ever is.
bool is_utf8(std::string_view text) {
  std::size_t follow = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xC0) == 0x80;
    if (continues != (follow > 0)) return false;
    if (continues) {
      --follow;
    } else if (byte >= 0x80) {
      if (byte < 0xC2 || byte > 0xF4) return false;
      follow = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
    }
  }
  return follow == 0;
}

}  // namespace

// Backslashes are ordinary characters in E-less literals only with standard_conforming_strings on; E'' means
// the same in both cases.
std::string quote_literal(std::string_view text) {
  const bool escapes = text.find('\\') != std::string_view::npos;
  std::string quoted = escapes ? "E'" : "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted += '\'';
}

std::string quote_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted += '"';
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The server reads a Query in the client_encoding that it has when the Query arrives. At a prelude that is
// the last client's, and in some encodings (SJIS, BIG5, GBK) a part of a character looks like a backslash. So
// what is not ASCII is spelled in hexadecimal.
std::string text_expression(std::string_view text) {
  if (is_ascii(text)) return quote_literal(text);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string sql = "pg_catalog.convert_from(pg_catalog.decode('";
  for (const char c : text) {
    sql += digits[static_cast<unsigned char>(c) >> 4];
    sql += digits[static_cast<unsigned char>(c) & 15];
  }
  return sql +=
         is_utf8(text) ? "','hex'),'UTF8')" : "','hex'),pg_catalog.current_setting('client_encoding'))";
}

}  // namespace pgweir
