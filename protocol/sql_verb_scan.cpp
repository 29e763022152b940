// VerbScan: the tokenizer's rules once more, byte by byte, for text that is never in memory as a whole. Bulk
// (strings, comments, dollar quotes) is skipped with searches; the rest is one step for each token's start
// and end.
#include <algorithm>

#include "protocol/sql_scan.hpp"

namespace pgweir {

namespace {

bool is_newline(char c) {
  return c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t find_or_end(std::string_view piece, std::string_view chars, std::size_t at) {
  return std::min(chars.size() == 1 ? piece.find(chars.front(), at) : piece.find_first_of(chars, at),
                  piece.size());
}

}  // namespace

void VerbScan::note(TokenKind kind, std::string_view word) {
  if (tracker_.note(kind, word) == StatementTracker::Step::verb) verbs_.insert(tracker_.verb());
}

void VerbScan::note_word() {
  note(TokenKind::word, {buffer_.data(), std::min(buffered_, buffer_.size())});
  mode_ = Mode::ground;
}

void VerbScan::append(char c) {
  if (buffered_ < buffer_.size()) buffer_[buffered_] = c;
  ++buffered_;
}

void VerbScan::open_string(Quote quote) {
  note(TokenKind::string);
  mode_ = Mode::string;
  quote_ = quote;
  escaped_ = false;
}

void VerbScan::feed(ByteView bytes) {
  const std::string_view piece = as_text(bytes);
  std::size_t at = 0;
  while (at < piece.size()) at = step(piece, at);
}

VerbSet VerbScan::finish() {
  if (mode_ == Mode::word) note_word();
  if (mode_ == Mode::unicode_prefix) note_word();
  const bool lone = mode_ == Mode::minus || mode_ == Mode::slash || mode_ == Mode::dollar;
  if (lone) note(TokenKind::other);
  mode_ = Mode::stopped;
  return verbs_;
}

std::size_t VerbScan::step(std::string_view piece, std::size_t at) {
  const char c = piece[at];
  switch (mode_) {
    case Mode::ground:
      return step_ground(piece, at);
    case Mode::word:
      return step_word(piece, at);
    case Mode::unicode_prefix:
      if (c == '\'') {
        open_string(Quote::plain);
        return at + 1;
      }
      if (c == '"') {
        note(TokenKind::unicode_identifier);
        mode_ = Mode::name;
        return at + 1;
      }
      note_word();
      note(TokenKind::op);
      return at;
    case Mode::number:
    case Mode::number_fraction:
    case Mode::parameter:
      return step_number(piece, at);
    case Mode::minus:
      mode_ = c == '-' ? Mode::line_comment : Mode::ground;
      if (c != '-') note(TokenKind::op);
      return c == '-' ? at + 1 : at;
    case Mode::slash:
      mode_ = c == '*' ? Mode::block_comment : Mode::ground;
      previous_ = 0;
      depth_ = 1;
      if (c != '*') note(TokenKind::op);
      return c == '*' ? at + 1 : at;
    case Mode::line_comment:
    case Mode::block_comment:
      return step_comment(piece, at);
    case Mode::string:
      return step_string(piece, at);
    case Mode::string_quote:
    case Mode::string_gap:
    case Mode::string_minus:
    case Mode::string_comment:
      return step_string_gap(piece, at);
    case Mode::name:
      at = find_or_end(piece, "\"", at);
      if (at == piece.size()) return at;
      mode_ = Mode::ground;
      return at + 1;
    case Mode::dollar:
      return step_dollar(piece, at);
    case Mode::dollar_body:
      return step_dollar_body(piece, at);
    case Mode::stopped:
      break;
  }
  return piece.size();
}

std::size_t VerbScan::step_ground(std::string_view piece, std::size_t at) {
  const char c = piece[at];
  if (is_sql_space(c)) return at + 1;
  if (is_word_start(c) || c == '$') {
    mode_ = c == '$' ? Mode::dollar : Mode::word;
    buffered_ = 0;
    if (c != '$') append(c);
    return at + 1;
  }
  if (is_digit(c)) {
    note(TokenKind::number);
    mode_ = Mode::number;
    return at + 1;
  }
  switch (c) {
    case '\'':
      open_string(dialect_.standard_conforming_strings ? Quote::plain : Quote::escape);
      break;
    case '"':
      note(TokenKind::quoted_identifier);
      mode_ = Mode::name;
      break;
    case '-':
      mode_ = Mode::minus;
      break;
    case '/':
      mode_ = Mode::slash;
      break;
    case ';':
      note(TokenKind::semicolon);
      break;
    case '(':
      note(TokenKind::open_paren);
      break;
    case ')':
      note(TokenKind::close_paren);
      break;
    default:
      note(TokenKind::other);
  }
  return at + 1;
}

// A word of one letter may turn out to be the prefix of a string.
std::size_t VerbScan::step_word(std::string_view piece, std::size_t at) {
  for (; at < piece.size() && is_word_part(piece[at]); ++at) append(piece[at]);
  if (at == piece.size()) return at;
  const char c = piece[at];
  const char prefix = buffered_ == 1 ? static_cast<char>(buffer_[0] | 0x20) : '\0';
  if (c == '\'' && prefix == 'e') {
    open_string(Quote::escape);
    return at + 1;
  }
  if (c == '\'' && (prefix == 'b' || prefix == 'x')) {
    open_string(Quote::bits);
    return at + 1;
  }
  if (c == '&' && prefix == 'u') {
    mode_ = Mode::unicode_prefix;
    return at + 1;
  }
  note_word();
  return at;
}

std::size_t VerbScan::step_number(std::string_view piece, std::size_t at) {
  if (mode_ == Mode::parameter) {
    while (at < piece.size() && is_digit(piece[at])) ++at;
  } else {
    while (at < piece.size() && is_word_part(piece[at]) && piece[at] != '$') ++at;
    if (at < piece.size() && piece[at] == '.' && mode_ == Mode::number) {
      mode_ = Mode::number_fraction;
      return at + 1;
    }
  }
  if (at < piece.size()) mode_ = Mode::ground;
  return at;
}

std::size_t VerbScan::step_comment(std::string_view piece, std::size_t at) {
  if (mode_ == Mode::line_comment) {
    at = find_or_end(piece, "\n\r", at);
    if (at < piece.size()) mode_ = Mode::ground;
    return at;
  }
  for (; at < piece.size(); ++at) {
    const char c = piece[at];
    if (previous_ == '*' && c == '/') {
      previous_ = 0;
      if (--depth_ > 0) continue;
      mode_ = Mode::ground;
      return at + 1;
    }
    const bool opens = previous_ == '/' && c == '*';
    if (opens) ++depth_;
    previous_ = opens ? '\0' : c;
  }
  return at;
}

std::size_t VerbScan::step_string(std::string_view piece, std::size_t at) {
  if (escaped_) {
    escaped_ = false;
    return at + 1;
  }
  at = find_or_end(piece, quote_ == Quote::escape ? std::string_view("\\'") : std::string_view("'"), at);
  if (at == piece.size()) return at;
  if (piece[at] == '\\') {
    escaped_ = true;
  } else {
    mode_ = Mode::string_quote;
    newline_seen_ = false;
  }
  return at + 1;
}

// See continuation() in sql_tokenizer.cpp.
std::size_t VerbScan::step_string_gap(std::string_view piece, std::size_t at) {
  if (mode_ == Mode::string_comment) {
    at = find_or_end(piece, "\n\r", at);
    if (at < piece.size()) mode_ = Mode::string_gap;
    return at;
  }
  const char c = piece[at];
  if (mode_ == Mode::string_minus) {
    if (c == '-') {
      mode_ = Mode::string_comment;
      return at + 1;
    }
    note(TokenKind::op);
    mode_ = Mode::ground;
    return at;
  }
  const bool doubled = c == '\'' && mode_ == Mode::string_quote && quote_ != Quote::bits;
  if (doubled || (c == '\'' && newline_seen_)) {
    mode_ = Mode::string;
    return at + 1;
  }
  if (is_sql_space(c) || c == '-') {
    mode_ = c == '-' ? Mode::string_minus : Mode::string_gap;
    newline_seen_ |= is_newline(c);
    return at + 1;
  }
  mode_ = Mode::ground;
  return at;
}

std::size_t VerbScan::step_dollar(std::string_view piece, std::size_t at) {
  if (buffered_ == 0 && is_digit(piece[at])) {
    note(TokenKind::parameter);
    mode_ = Mode::parameter;
    return at;
  }
  for (; at < piece.size() && is_word_part(piece[at]) && piece[at] != '$'; ++at) append(piece[at]);
  if (at == piece.size()) return at;
  if (piece[at] != '$') {
    // Not a dollar quote: a lone '$', and what was taken for a tag is a word.
    note(TokenKind::other);
    mode_ = buffered_ > 0 ? Mode::word : Mode::ground;
    return at;
  }
  if (buffered_ > buffer_.size()) {
    verbs_.insert(Verb::undecided);
    mode_ = Mode::stopped;
    return at;
  }
  note(TokenKind::dollar_string);
  mode_ = Mode::dollar_body;
  matched_ = 0;
  return at + 1;
}

// The closing delimiter is $tag$ and a tag holds no '$', so a mismatch starts over at the next '$'.
std::size_t VerbScan::step_dollar_body(std::string_view piece, std::size_t at) {
  for (; at < piece.size(); ++at) {
    if (matched_ == 0) {
      at = find_or_end(piece, "$", at);
      if (at == piece.size()) return at;
      matched_ = 1;
      continue;
    }
    const char c = piece[at];
    if (matched_ <= buffered_) {
      matched_ = c == buffer_[matched_ - 1] ? matched_ + 1 : c == '$' ? 1 : 0;
      continue;
    }
    if (c == '$') {
      mode_ = Mode::ground;
      return at + 1;
    }
    matched_ = 0;
  }
  return at;
}

}  // namespace pgweir
