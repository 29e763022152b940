#include "protocol/sql_set_config.hpp"

#include <array>
#include <charconv>

#include "protocol/sql_cursor.hpp"

namespace pgweir {
namespace {

constexpr std::string_view function_name = "set_config";

bool ends_argument(const SqlCursor& cursor) {
  return cursor.at(TokenKind::comma) || cursor.at(TokenKind::close_paren);
}

// The name of a type that takes a literal as it is, perhaps with its schema.
bool accept_neutral_type(SqlCursor& cursor) {
  if (cursor.at_word("pg_catalog") && cursor.following().kind == TokenKind::dot) {
    cursor.advance();
    cursor.advance();
  }
  return cursor.accept_word("text") || cursor.accept_word("varchar") || cursor.accept_word("boolean") ||
         cursor.accept_word("bool");
}

// A cast that changes nothing: ::text, ::varchar without a length, ::boolean.
bool accept_casts(SqlCursor& cursor) {
  while (cursor.at(TokenKind::op) && cursor.current().text == ":" && cursor.following().text == ":") {
    cursor.advance();
    cursor.advance();
    if (!accept_neutral_type(cursor)) return false;
  }
  return true;
}

ConfigArgument read_word_or_value(SqlCursor& cursor) {
  ConfigArgument out;
  const Token& token = cursor.current();
  if (is_string(token)) {
    if (string_value(token, out.text)) out.kind = ConfigArgument::Kind::literal;
  } else if (token.kind == TokenKind::parameter) {
    const char* const end = token.text.data() + token.text.size();
    const auto [at, error] = std::from_chars(token.text.data() + 1, end, out.number);
    if (error == std::errc() && at == end) out.kind = ConfigArgument::Kind::parameter;
  } else if (token.kind == TokenKind::word || token.kind == TokenKind::quoted_identifier) {
    const bool is_boolean = is_word(token, "true") || is_word(token, "false");
    if (identifier_name(token, out.text))
      out.kind = is_boolean ? ConfigArgument::Kind::literal : ConfigArgument::Kind::name;
    if (is_word(token, "null")) out.kind = ConfigArgument::Kind::null;
  }
  if (out.kind != ConfigArgument::Kind::other) cursor.advance();
  return out;
}

// How deep parentheses and CAST around a value are read.
constexpr unsigned wrapping_max = 4;

// 'x', ('x'), text 'x' or CAST('x' AS text), with casts that change nothing. What is not readable is `other`; the
// cursor is then anywhere.
ConfigArgument read_value(SqlCursor& cursor, unsigned depth = wrapping_max) {
  ConfigArgument out;
  const bool is_cast = cursor.at_word("cast") && cursor.following().kind == TokenKind::open_paren;
  if (is_cast) cursor.advance();
  if (depth > 0 && cursor.accept(TokenKind::open_paren)) {
    out = read_value(cursor, depth - 1);
    if (is_cast && !(cursor.accept_word("as") && accept_neutral_type(cursor))) return {};
    if (!cursor.accept(TokenKind::close_paren)) return {};
  } else {
    if (is_string(cursor.following()) && !accept_neutral_type(cursor)) return {};
    out = read_word_or_value(cursor);
  }
  return accept_casts(cursor) ? out : ConfigArgument{};
}

// Moves to the comma or parenthesis after the argument.
ConfigArgument read_argument(SqlCursor& cursor) {
  SqlCursor ahead = cursor;
  const ConfigArgument out = read_value(ahead);
  if (ends_argument(ahead)) {
    cursor = ahead;
    return out;
  }
  std::size_t depth = 0;
  for (; !cursor.at(TokenKind::end); cursor.advance()) {
    if (depth == 0 && ends_argument(cursor)) break;
    if (cursor.at(TokenKind::open_paren) || cursor.at(TokenKind::open_bracket)) ++depth;
    if ((cursor.at(TokenKind::close_paren) || cursor.at(TokenKind::close_bracket)) && depth > 0) --depth;
  }
  return {};
}

// name => or name :=
bool accept_argument_name(SqlCursor& cursor, std::string& name) {
  if (!identifier_name(cursor.current(), name)) return false;
  SqlCursor ahead = cursor;
  ahead.advance();
  if (ahead.current().text == ":") ahead.advance();  // a token of its own
  const bool named = ahead.current().text == "=>" || ahead.current().text == "=";
  if (!named) return false;
  ahead.advance();
  cursor = ahead;
  return true;
}

// Reads a call from after the opening parenthesis to after the closing one. False: it is not readable.
bool read_call(SqlCursor& cursor, SetConfigCall& out) {
  static constexpr std::array<std::string_view, 3> names = {"setting_name", "new_value", "is_local"};
  const std::array<ConfigArgument*, 3> places = {&out.name, &out.value, &out.is_local};
  std::array<bool, 3> filled{};
  for (std::size_t position = 0; position < places.size(); ++position) {
    std::size_t place = position;
    std::string name;
    if (accept_argument_name(cursor, name)) {
      for (place = 0; place < names.size() && names[place] != name;) ++place;
      if (place == names.size()) return false;
    }
    if (filled[place]) return false;
    filled[place] = true;
    *places[place] = read_argument(cursor);
    const bool last = position + 1 == places.size();
    if (!cursor.accept(last ? TokenKind::close_paren : TokenKind::comma)) return false;
  }
  return true;
}

// AS name, or a name alone.
void accept_alias(SqlCursor& cursor) {
  std::string name;
  if (cursor.accept_word("as")) {
    if (identifier_name(cursor.current(), name)) cursor.advance();
    return;
  }
  const bool is_name = cursor.at(TokenKind::quoted_identifier) || cursor.at(TokenKind::word);
  const bool ends_there = cursor.following().kind == TokenKind::comma ||
                          cursor.following().kind == TokenKind::end ||
                          cursor.following().kind == TokenKind::semicolon;
  if (is_name && ends_there) cursor.advance();
}

// SELECT set_config(...) [, ...] to the end. False: it is something else, and `calls` is unspecified.
bool read_plain(SqlCursor cursor, std::vector<SetConfigCall>& calls) {
  if (!cursor.accept_word("select")) return false;
  do {
    if (cursor.at_word("pg_catalog") && cursor.following().kind == TokenKind::dot) {
      cursor.advance();
      cursor.advance();
    }
    if (!names_set_config(cursor.current())) return false;
    cursor.advance();
    SetConfigCall call;
    if (!cursor.accept(TokenKind::open_paren) || !read_call(cursor, call)) return false;
    if (!accept_casts(cursor)) return false;
    calls.push_back(std::move(call));
    accept_alias(cursor);
  } while (cursor.accept(TokenKind::comma));
  return cursor.finish();
}

// How often set_config is in the text, also in strings and comments.
std::size_t mentions(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at + function_name.size() <= text.size(); ++at) {
    if (folded_equals(text.substr(at, function_name.size()), function_name)) ++count;
  }
  return count;
}

}  // namespace

SetConfigUse find_set_config(std::string_view text, SqlDialect dialect) {
  SetConfigUse out;
  out.is_plain = read_plain(SqlCursor(text, dialect), out.calls) && out.calls.size() == mentions(text);
  if (out.is_plain) return out;
  out.calls.clear();
  Token before;
  Token before_that;
  for (SqlCursor cursor(text, dialect); !cursor.at(TokenKind::end);) {
    const Token token = cursor.current();
    if (token.kind == TokenKind::undecided || token.kind == TokenKind::unterminated) out.hides_calls = true;
    if (is_string(token) && folded_find(token.text, function_name)) out.hides_calls = true;
    cursor.advance();
    const bool foreign = before.kind == TokenKind::dot && !is_word(before_that, "pg_catalog") &&
                         before_that.text != "\"pg_catalog\"";
    before_that = before;
    before = token;
    if (!names_set_config(token) || foreign) continue;
    SetConfigCall call;
    if (cursor.accept(TokenKind::open_paren) && read_call(cursor, call)) {
      out.calls.push_back(std::move(call));
    } else {
      out.hides_calls = true;
    }
  }
  // A call in an argument of another is not read, for example.
  if (out.calls.size() < mentions(text)) out.hides_calls = true;
  return out;
}

bool names_set_config(const Token& token) {
  if (token.kind == TokenKind::word) return is_word(token, function_name);
  std::string name;
  return identifier_name(token, name) && name == function_name;
}

std::optional<PlainCall> read_plain_call(std::string_view text, SqlDialect dialect) {
  SqlCursor cursor(text, dialect);
  PlainCall out;
  if (!cursor.accept_word("select") || !identifier_name(cursor.current(), out.name)) return std::nullopt;
  cursor.advance();
  if (cursor.accept(TokenKind::dot)) {
    if (!identifier_name(cursor.current(), out.name)) return std::nullopt;
    cursor.advance();
  }
  if (!cursor.accept(TokenKind::open_paren)) return std::nullopt;
  while (!cursor.accept(TokenKind::close_paren)) {
    if (!out.arguments.empty() && !cursor.accept(TokenKind::comma)) return std::nullopt;
    out.arguments.push_back(read_argument(cursor));
    const ConfigArgument::Kind kind = out.arguments.back().kind;
    // With NULL a STRICT function is not called.
    if (kind == ConfigArgument::Kind::other || kind == ConfigArgument::Kind::null) return std::nullopt;
  }
  accept_alias(cursor);
  if (!cursor.finish()) return std::nullopt;
  return out;
}

std::optional<bool> boolean_value(std::string_view text) {
  for (const std::string_view word : {"true", "t", "on", "yes", "1"}) {
    if (folded_equals(text, word)) return true;
  }
  for (const std::string_view word : {"false", "f", "off", "no", "0"}) {
    if (folded_equals(text, word)) return false;
  }
  return std::nullopt;
}

}  // namespace pgweir
