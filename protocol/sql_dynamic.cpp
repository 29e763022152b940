#include "protocol/sql_dynamic.hpp"

#include <string>

#include "protocol/sql_named.hpp"
#include "protocol/sql_scan.hpp"

namespace pgweir {
namespace {

// The string of a DO, a string in it, and a string in that: EXECUTE 'explain ...' in EXECUTE '...'.
constexpr int depth_max = 3;

bool may_be_named(std::string_view text) {
  return folded_find(text, "execute") || folded_find(text, "deallocate");
}

// Statements with parameters have none, and are the ones that come again and again.
bool may_have_string(std::string_view text) {
  if (text.find('\'') != std::string_view::npos) return true;
  for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    if (at + 1 < text.size() && (text[at + 1] < '0' || text[at + 1] > '9')) return true;
  }
  return false;
}

// Behind the verb: what format() or || puts there.
bool is_put_together(SqlTokenizer tokens) {
  const Token next = tokens.next();
  return next.kind == TokenKind::end || next.kind == TokenKind::unterminated || next.text.starts_with('%');
}

bool is_named(std::string_view sql) {
  const Verb verb = leading_verb(sql);
  if (verb == Verb::explain || verb == Verb::create) return executes_named(sql).found;
  if (verb != Verb::execute && verb != Verb::deallocate) return false;
  SqlTokenizer tokens(sql);
  tokens.next();
  return is_put_together(tokens) || parse_named(sql).has_value();
}

bool gives(std::string_view text, SqlDialect dialect, int depth) {
  if (!may_have_string(text) || !may_be_named(text)) return false;
  SqlTokenizer tokens(text, dialect);
  std::string value;
  for (Token token = tokens.next(); token.kind != TokenKind::end; token = tokens.next()) {
    if (!is_string(token) || !string_value(token, value)) continue;
    if (is_named_statement(value) || (depth > 0 && gives(value, dialect, depth - 1))) return true;
  }
  return false;
}

}  // namespace

bool is_named_statement(std::string_view sql) {
  if (!may_be_named(sql)) return false;
  StatementSplitter statements(sql);
  for (SqlStatement part; statements.next(part);) {
    if (is_named(part.text)) return true;
  }
  return false;
}

bool gives_named_statement(std::string_view text, SqlDialect dialect) {
  return gives(text, dialect, depth_max);
}

}  // namespace pgweir
