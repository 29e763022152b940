#include "protocol/sql_tokenizer.hpp"

#include <algorithm>
#include <array>

namespace pgweir {

namespace {

constexpr std::uint8_t class_space = 1;
constexpr std::uint8_t class_word_start = 2;
constexpr std::uint8_t class_word_part = 4;
constexpr std::uint8_t class_operator = 8;
constexpr std::uint8_t class_digit = 16;

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  // Vertical tab is white space since PostgreSQL 16 and a syntax error before.
  for (unsigned char c : std::string_view(" \t\n\v\f\r")) table[c] |= class_space;
  for (unsigned char c : std::string_view("~!@#^&|`?+-*/%<>=")) table[c] |= class_operator;
  for (unsigned c = 'a'; c <= 'z'; ++c) {
    table[c] |= class_word_start | class_word_part;
    table[c - 'a' + 'A'] |= class_word_start | class_word_part;
  }
  for (unsigned c = 0x80; c <= 0xff; ++c) table[c] |= class_word_start | class_word_part;
  table['_'] |= class_word_start | class_word_part;
  for (unsigned c = '0'; c <= '9'; ++c) table[c] |= class_word_part | class_digit;
  table['$'] |= class_word_part;
  return table;
}
constexpr auto classes = make_classes();

bool has_class(char c, std::uint8_t mask) {
  return (classes[static_cast<unsigned char>(c)] & mask) != 0;
}
bool is_digit(char c) {
  return has_class(c, class_digit);
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// One past the `*/` that closes the comment opened at `at`; comments nest.
std::size_t block_comment_end(std::string_view text, std::size_t at) {
  std::size_t depth = 1;
  at += 2;
  while (at + 1 < text.size()) {
    if (text[at] == '*' && text[at + 1] == '/') {
      at += 2;
      if (--depth == 0) return at;
    } else if (text[at] == '/' && text[at + 1] == '*') {
      at += 2;
      ++depth;
    } else {
      ++at;
    }
  }
  return text.size();
}

std::size_t line_end(std::string_view text, std::size_t at) {
  return std::min(text.find_first_of("\n\r", at), text.size());
}

// One past the quote that closes a string whose content starts at `at`, or npos.
std::size_t string_end(std::string_view text, std::size_t at, TokenKind kind) {
  const bool escapes = kind == TokenKind::escape_string;
  const bool doubles = kind != TokenKind::bit_string;
  while (at < text.size()) {
    at = escapes ? text.find_first_of("\\'", at) : text.find('\'', at);
    if (at == std::string_view::npos) return at;
    if (text[at] == '\\') {
      at += 2;
    } else if (doubles && at + 1 < text.size() && text[at + 1] == '\'') {
      at += 2;
    } else {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

// Strings separated by white space (and line comments) with at least one line break are one string. Returns
// where the next part's content starts, or npos.
std::size_t continuation(std::string_view text, std::size_t at) {
  bool newline = false;
  while (at < text.size()) {
    if (has_class(text[at], class_space)) {
      newline |= text[at] == '\n' || text[at] == '\r';
      ++at;
    } else if (text.substr(at, 2) == "--") {
      at = line_end(text, at);
    } else {
      return newline && text[at] == '\'' ? at + 1 : std::string_view::npos;
    }
  }
  return std::string_view::npos;
}

}  // namespace

bool is_sql_space(char c) {
  return has_class(c, class_space);
}
bool is_word_start(char c) {
  return has_class(c, class_word_start);
}
bool is_word_part(char c) {
  return has_class(c, class_word_part);
}
bool is_operator_char(char c) {
  return has_class(c, class_operator);
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

void SqlTokenizer::skip_blank() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (has_class(c, class_space)) {
      ++at_;
    } else if (c == '-' && text_.substr(at_, 2) == "--") {
      at_ = line_end(text_, at_);
    } else if (c == '/' && text_.substr(at_, 2) == "/*") {
      at_ = block_comment_end(text_, at_);
    } else {
      return;
    }
  }
}

Token SqlTokenizer::finish(TokenKind kind, std::size_t start, std::size_t end) {
  at_ = end;
  return {kind, text_.substr(start, end - start), start};
}

Token SqlTokenizer::next() {
  skip_blank();
  const std::size_t start = at_;
  if (start >= text_.size()) return finish(TokenKind::end, text_.size(), text_.size());
  const char c = text_[start];
  if (is_word_start(c)) return word(start);
  switch (c) {
    case ',':
      return finish(TokenKind::comma, start, start + 1);
    case ';':
      return finish(TokenKind::semicolon, start, start + 1);
    case '(':
      return finish(TokenKind::open_paren, start, start + 1);
    case ')':
      return finish(TokenKind::close_paren, start, start + 1);
    case '[':
      return finish(TokenKind::open_bracket, start, start + 1);
    case ']':
      return finish(TokenKind::close_bracket, start, start + 1);
    case ':':
      return finish(TokenKind::op, start, start + 1);
    case '\'':
      return quoted(dialect_.standard_conforming_strings ? TokenKind::string : TokenKind::escape_string,
                    start, start);
    case '"':
      return quoted_name(TokenKind::quoted_identifier, start, start);
    case '$':
      return dollar(start);
    case '.':
      if (start + 1 < text_.size() && is_digit(text_[start + 1])) return number(start);
      return finish(TokenKind::dot, start, start + 1);
    default:
      break;
  }
  if (is_digit(c)) return number(start);
  if (is_operator_char(c)) return op(start);
  return finish(TokenKind::other, start, start + 1);
}

// A word, or the prefix letter of a string. N'...' is the word "n" and a string, which is how PostgreSQL
// reads it.
Token SqlTokenizer::word(std::size_t start) {
  const char after = start + 1 < text_.size() ? text_[start + 1] : '\0';
  const char first = lower(text_[start]);
  if (after == '\'') {
    if (first == 'e') return quoted(TokenKind::escape_string, start, start + 1);
    if (first == 'b' || first == 'x') return quoted(TokenKind::bit_string, start, start + 1);
  } else if (after == '&' && first == 'u' && start + 2 < text_.size()) {
    if (text_[start + 2] == '\'') return with_uescape(quoted(TokenKind::unicode_string, start, start + 2));
    if (text_[start + 2] == '"')
      return with_uescape(quoted_name(TokenKind::unicode_identifier, start, start + 2));
  }
  std::size_t end = start + 1;
  while (end < text_.size() && is_word_part(text_[end])) ++end;
  return finish(TokenKind::word, start, end);
}

Token SqlTokenizer::quoted(TokenKind kind, std::size_t start, std::size_t open) {
  std::size_t content = open + 1;
  for (;;) {
    const std::size_t end = string_end(text_, content, kind);
    if (end == std::string_view::npos) return finish_unterminated(start);
    content = continuation(text_, end);
    if (content == std::string_view::npos) return finish(kind, start, end);
  }
}

// A clause that says which character escapes belongs to the token: U&"d!0061ta" UESCAPE '!'.
Token SqlTokenizer::with_uescape(const Token& token) {
  const std::size_t end = at_;
  if (is_word(next(), "uescape") && next().kind == TokenKind::string)
    return finish(token.kind, token.offset, at_);
  at_ = end;
  return token;
}

Token SqlTokenizer::quoted_name(TokenKind kind, std::size_t start, std::size_t open) {
  std::size_t at = open + 1;
  for (;;) {
    at = text_.find('"', at);
    if (at == std::string_view::npos) return finish_unterminated(start);
    if (at + 1 >= text_.size() || text_[at + 1] != '"') return finish(kind, start, at + 1);
    at += 2;
  }
}

// $1, $$...$$, $tag$...$tag$, or a lone '$' that no valid statement has.
Token SqlTokenizer::dollar(std::size_t start) {
  std::size_t at = start + 1;
  if (at < text_.size() && is_digit(text_[at])) {
    while (at < text_.size() && is_digit(text_[at])) ++at;
    return finish(TokenKind::parameter, start, at);
  }
  while (at < text_.size() && is_word_part(text_[at]) && text_[at] != '$') ++at;
  if (at >= text_.size() || text_[at] != '$') return finish(TokenKind::other, start, start + 1);
  const std::size_t tag_size = at - start - 1;
  if (tag_size > dollar_tag_max) return finish(TokenKind::undecided, start, text_.size());

  const std::string_view delimiter = text_.substr(start, tag_size + 2);
  const std::size_t close = text_.find(delimiter, at + 1);
  if (close == std::string_view::npos) return finish_unterminated(start);
  return finish(TokenKind::dollar_string, start, close + delimiter.size());
}

// Reads digits, letters and one dot; an exponent's sign starts over. What this accepts beyond PostgreSQL's
// numbers is an error on the server.
Token SqlTokenizer::number(std::size_t start) {
  std::size_t at = start + 1;
  bool dot = false;
  for (; at < text_.size(); ++at) {
    const char c = text_[at];
    if (is_word_part(c) && c != '$') continue;
    if (c == '.' && !dot) {
      dot = true;
      continue;
    }
    const bool exponent = (c == '+' || c == '-') && lower(text_[at - 1]) == 'e' && at + 1 < text_.size() &&
                          is_digit(text_[at + 1]);
    if (!exponent) break;
    dot = false;
  }
  return finish(TokenKind::number, start, at);
}

// Operators are split before every + and -: "=-5" must be "=" and "-5" (PostgreSQL strips trailing signs as
// well), and the names of other operators are not needed here.
Token SqlTokenizer::op(std::size_t start) {
  std::size_t at = start + 1;
  for (; at < text_.size() && is_operator_char(text_[at]); ++at) {
    if (text_[at] == '+' || text_[at] == '-' || text_.substr(at, 2) == "/*") break;
  }
  return finish(TokenKind::op, start, at);
}

}  // namespace pgweir
