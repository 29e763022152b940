// The values of identifier and string tokens, where they can be told without the server.
#include "protocol/sql_tokenizer.hpp"

#include <algorithm>

namespace pgweir {

namespace {

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Replaces doubled quotes, and joins the lines of a string that goes on in the next line. False: there is a comment
// between two of them.
bool undouble(std::string_view content, char quote, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] != quote) {
      out.push_back(content[i]);
      continue;
    }
    ++i;
    if (i < content.size() && content[i] == quote) {
      out.push_back(quote);
      continue;
    }
    while (i < content.size() && is_sql_space(content[i])) ++i;
    if (i >= content.size() || content[i] != quote) return false;
  }
  return true;
}

// Digits of the given base at `at`, at most `count_max`; returns how many there were.
std::size_t digits(std::string_view text, std::size_t at, std::size_t count_max, int base,
                   std::uint32_t& value) {
  std::size_t count = 0;
  value = 0;
  for (; count < count_max && at + count < text.size(); ++count) {
    const int digit = hex_digit(text[at + count]);
    if (digit < 0 || digit >= base) break;
    value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
  }
  return count;
}

// Reads one escape; `at` is after the backslash, and is moved after the escape.
bool unescape_one(std::string_view text, std::size_t& at, std::string& out) {
  if (at >= text.size()) return false;
  const char c = text[at++];
  std::uint32_t value = 0;
  std::size_t count = 0;
  switch (c) {
    case 'b':
      out.push_back('\b');
      return true;
    case 'f':
      out.push_back('\f');
      return true;
    case 'n':
      out.push_back('\n');
      return true;
    case 'r':
      out.push_back('\r');
      return true;
    case 't':
      out.push_back('\t');
      return true;
    case 'v':  // an escape since PostgreSQL 17 only
      return false;
    case 'x':
      count = digits(text, at, 2, 16, value);
      if (count == 0) {
        out.push_back('x');
        return true;
      }
      break;
    case 'u':
    case 'U':
      count = c == 'u' ? 4 : 8;
      if (digits(text, at, count, 16, value) != count) return false;
      break;
    default:
      if (c < '0' || c > '7') {
        out.push_back(c);
        return true;
      }
      --at;
      count = digits(text, at, 3, 8, value);
      if (value > 0xff) return false;
  }
  at += count;
  // Bytes above 0x7f are taken in the server's encoding, which is not known here; NUL is an error.
  if (value == 0 || value > 0x7f) return false;
  out.push_back(static_cast<char>(value));
  return true;
}

bool unescape(std::string_view content, std::string& out) {
  out.clear();
  for (std::size_t at = 0; at < content.size();) {
    const char c = content[at++];
    if (c == '\\') {
      if (!unescape_one(content, at, out)) return false;
      continue;
    }
    out.push_back(c);
    if (c != '\'') continue;
    if (at >= content.size() || content[at++] != '\'') return false;
  }
  return true;
}

// Cuts like PostgreSQL, which does so in the server's encoding: a character above 0x7f may take up to four
// bytes there.
bool cut_identifier(std::string& name) {
  const auto ascii = static_cast<std::size_t>(std::count_if(name.begin(), name.end(), is_ascii));
  const std::size_t others = name.size() - ascii;
  if (others > 0) return ascii + 4 * others <= identifier_size_max;
  if (name.size() > identifier_size_max) name.resize(identifier_size_max);
  return true;
}

// Reads one escape of U&"...", such as \0061, \+000061 or \\, with another character for the backslash perhaps.
bool unescape_unicode(std::string_view content, char escape, std::size_t& at, std::string& out) {
  if (at < content.size() && content[at] == escape) {
    out.push_back(content[at++]);
    return true;
  }
  const bool is_long = at < content.size() && content[at] == '+';
  const std::size_t count = is_long ? 6 : 4;
  at += is_long ? 1 : 0;
  std::uint32_t value = 0;
  // Others are taken in the server's encoding, which is not known here; NUL is an error.
  if (digits(content, at, count, 16, value) != count || value == 0 || value > 0x7f) return false;
  at += count;
  out.push_back(static_cast<char>(value));
  return true;
}

// UESCAPE '.', which follows the closing quote. False: it is another line of a string, or not surely the clause.
bool read_uescape(std::string_view clause, char& escape) {
  constexpr std::string_view word = "uescape";
  if (clause.size() < word.size() + 3 || clause.find("--") != std::string_view::npos) return false;
  const std::string_view quoted = clause.substr(clause.size() - 3);
  clause.remove_suffix(quoted.size());
  while (!clause.empty() && is_sql_space(clause.back())) clause.remove_suffix(1);
  const bool is_named =
      clause.size() >= word.size() && folded_equals(clause.substr(clause.size() - word.size()), word);
  if (!is_named || quoted.front() != '\'' || quoted.back() != '\'') return false;
  escape = quoted[1];
  return true;
}

// U&"..." or U&'...', perhaps with UESCAPE '.'.
bool unicode_value(std::string_view text, char quote, std::string& out) {
  out.clear();
  char escape = '\\';
  std::size_t end = 3;
  for (; end < text.size(); ++end) {
    if (text[end] != quote) continue;
    if (end + 1 == text.size() || text[end + 1] != quote) break;
    ++end;
  }
  const std::string_view content = text.substr(3, end - 3);
  if (end + 1 < text.size() && !read_uescape(text.substr(end + 1), escape)) return false;
  for (std::size_t at = 0; at < content.size();) {
    const char c = content[at++];
    if (c == escape) {
      if (!unescape_unicode(content, escape, at, out)) return false;
      continue;
    }
    out.push_back(c);
    if (c == quote) ++at;  // doubled
  }
  return true;
}

}  // namespace

bool identifier_name(const Token& token, std::string& out) {
  if (token.kind == TokenKind::word) {
    if (!std::all_of(token.text.begin(), token.text.end(), is_ascii)) return false;
    out = ascii_lower(token.text.substr(0, identifier_size_max));
    return true;
  }
  if (token.kind == TokenKind::unicode_identifier)
    return unicode_value(token.text, '"', out) && !out.empty() && cut_identifier(out);
  if (token.kind != TokenKind::quoted_identifier || token.text.size() < 3) return false;
  return undouble(token.text.substr(1, token.text.size() - 2), '"', out) && cut_identifier(out);
}

bool string_value(const Token& token, std::string& out) {
  std::string_view text = token.text;
  if (token.kind == TokenKind::string) return undouble(text.substr(1, text.size() - 2), '\'', out);
  if (token.kind == TokenKind::escape_string) {
    if (text.front() != '\'') text.remove_prefix(1);
    return unescape(text.substr(1, text.size() - 2), out);
  }
  if (token.kind == TokenKind::unicode_string) return unicode_value(token.text, '\'', out);
  if (token.kind != TokenKind::dollar_string) return false;
  const std::size_t delimiter = text.find('$', 1) + 1;
  out = text.substr(delimiter, text.size() - 2 * delimiter);
  return true;
}

}  // namespace pgweir
