#include "protocol/sql_named.hpp"

#include "protocol/sql_cursor.hpp"

namespace pgweir {

namespace {

bool read_name(SqlCursor& cursor, NamedStatement& out) {
  if (!identifier_name(cursor.current(), out.name)) return false;
  out.name_offset = cursor.current().offset;
  out.name_size = cursor.current().text.size();
  cursor.advance();
  return true;
}

bool read_arguments(SqlCursor& cursor, std::string_view text, NamedStatement& out) {
  return !cursor.at(TokenKind::open_paren) || cursor.parenthesized(text, out.arguments);
}

bool parse_prepare(SqlCursor& cursor, std::string_view text, NamedStatement& out) {
  out.verb = NamedVerb::prepare;
  // PREPARE TRANSACTION 'gid'; "transaction" is a possible name as well.
  if (cursor.at_word("transaction") && is_string(cursor.following())) return false;
  if (!read_name(cursor, out) || !read_arguments(cursor, text, out)) return false;
  if (!cursor.accept_word("as")) return false;

  const std::size_t start = cursor.current().offset;
  std::size_t end = start;
  std::size_t parens = 0;
  for (; !cursor.at(TokenKind::end); cursor.advance()) {
    const Token& token = cursor.current();
    if (token.kind == TokenKind::unterminated || token.kind == TokenKind::undecided) return false;
    if (token.kind == TokenKind::semicolon && parens == 0) break;
    if (token.kind == TokenKind::open_paren) ++parens;
    if (token.kind == TokenKind::close_paren && parens > 0) --parens;
    end = token.offset + token.text.size();
  }
  out.body = text.substr(start, end - start);
  return !out.body.empty() && cursor.finish();
}

bool parse_execute(SqlCursor& cursor, std::string_view text, NamedStatement& out) {
  out.verb = NamedVerb::execute;
  return read_name(cursor, out) && read_arguments(cursor, text, out) && cursor.finish();
}

bool parse_deallocate(SqlCursor& cursor, NamedStatement& out) {
  out.verb = NamedVerb::deallocate;
  // In DEALLOCATE prepare the word is a name, in DEALLOCATE PREPARE x it is not.
  if (cursor.at_word("prepare") && cursor.following().kind != TokenKind::end &&
      cursor.following().kind != TokenKind::semicolon) {
    cursor.advance();
  }
  if (cursor.accept_word("all")) {
    out.verb = NamedVerb::deallocate_all;
    return cursor.finish();
  }
  return read_name(cursor, out) && cursor.finish();
}

// EXPLAIN [ANALYZE] [VERBOSE] or EXPLAIN (options).
bool skip_explain(SqlCursor& cursor, std::string_view text) {
  if (!cursor.accept_word("explain")) return true;
  std::string_view options;
  if (cursor.at(TokenKind::open_paren)) return cursor.parenthesized(text, options);
  if (!cursor.accept_word("analyze")) cursor.accept_word("analyse");
  cursor.accept_word("verbose");
  return true;
}

// CREATE ... TABLE name [...] AS EXECUTE: the first AS outside parentheses belongs to the statement, since a
// reserved word cannot come earlier; any later one may be a column's label.
bool skip_create_as(SqlCursor& cursor, std::string_view text) {
  if (!cursor.accept_word("create")) return true;
  std::string_view columns;
  while (!cursor.at_statement_end()) {
    if (cursor.accept_word("as")) return cursor.at_word("execute");
    if (!cursor.at(TokenKind::open_paren)) {
      cursor.advance();
    } else if (!cursor.parenthesized(text, columns)) {
      return false;
    }
  }
  return false;
}

}  // namespace

std::optional<NamedStatement> parse_named(std::string_view text, SqlDialect dialect) {
  SqlCursor cursor(text, dialect);
  NamedStatement out;
  bool understood = false;
  if (cursor.accept_word("prepare")) {
    understood = parse_prepare(cursor, text, out);
  } else if (cursor.accept_word("execute")) {
    understood = parse_execute(cursor, text, out);
  } else if (cursor.accept_word("deallocate")) {
    understood = parse_deallocate(cursor, out);
  }
  if (!understood) return std::nullopt;
  return out;
}

ExecutedName executes_named(std::string_view text, SqlDialect dialect) {
  SqlCursor cursor(text, dialect);
  if (!skip_explain(cursor, text) || !skip_create_as(cursor, text)) return {};
  if (!cursor.accept_word("execute")) return {};
  NamedStatement out;
  out.verb = NamedVerb::execute;
  // WITH [NO] DATA may follow in CREATE TABLE AS.
  const bool understood =
      read_name(cursor, out) && read_arguments(cursor, text, out) && cursor.skip_statement();
  if (!understood) return {true, std::nullopt};
  return {true, out};
}

std::optional<DiscardTarget> parse_discard(std::string_view text, SqlDialect dialect) {
  SqlCursor cursor(text, dialect);
  if (!cursor.accept_word("discard")) return std::nullopt;
  std::optional<DiscardTarget> target;
  if (cursor.at_word("all")) target = DiscardTarget::all;
  if (cursor.at_word("plans")) target = DiscardTarget::plans;
  if (cursor.at_word("sequences")) target = DiscardTarget::sequences;
  if (cursor.at_word("temp") || cursor.at_word("temporary")) target = DiscardTarget::temporary;
  cursor.advance();
  return cursor.finish() ? target : std::nullopt;
}

}  // namespace pgweir
