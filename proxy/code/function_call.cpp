#include "proxy/code/function_call.hpp"

#include <algorithm>
#include <array>

#include "protocol/sql_facts.hpp"
#include "proxy/code/builtin_functions.hpp"
#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

bool is_name(const Token& token) {
  return token.kind == TokenKind::word || token.kind == TokenKind::quoted_identifier ||
         token.kind == TokenKind::unicode_identifier;
}

}  // namespace

CallKind CallTracker::note(const Token& token) {
  CallKind kind = CallKind::none;
  // A statement's first word is never the name of a function: EXPLAIN (ANALYZE), VALUES (1).
  const bool calls = token.kind == TokenKind::open_paren && is_name(previous_) &&
                     before_name_.kind != TokenKind::end && before_name_.kind != TokenKind::semicolon;
  if (calls) kind = call();
  follow(token);
  return kind;
}

void CallTracker::follow(const Token& token) {
  if (is_name(token)) {
    const bool qualified = previous_.kind == TokenKind::dot;
    qualifier_ = qualified ? before_previous_ : Token{};
    if (!qualified) before_name_ = previous_;
  }
  before_previous_ = previous_;
  previous_ = token;
}

CallKind CallTracker::call() {
  if (defines()) return CallKind::none;
  if (!is_ascii(previous_.text) || !identifier_name(previous_, name_)) return CallKind::unreadable;
  const bool in_pg_catalog =
      !is_name(qualifier_) || is_word(qualifier_, "pg_catalog") || qualifier_.text == "\"pg_catalog\"";
  if (!in_pg_catalog) return CallKind::other;
  // A quoted or qualified name is no keyword.
  const bool may_be_keyword = previous_.kind == TokenKind::word && !is_name(qualifier_);
  if (may_be_keyword ? is_harmless_builtin(name_) : is_harmless_function(name_)) return CallKind::none;
  if (has_own_fact(name_)) return CallKind::fact;
  FunctionEffects effects;
  return find_builtin(name_, effects) ? CallKind::known : CallKind::other;
}

// After these words a name with a parenthesis is a table and its columns, a prepared statement, a CTE or an
// alias. EXECUTE is not one of them, as it takes an expression in PL/pgSQL.
bool CallTracker::defines() const {
  static constexpr std::array<std::string_view, 10> words = {
      "into", "as", "table", "copy", "with", "only", "recursive", "prepare", "references", "exists"};
  return before_name_.kind == TokenKind::word &&
         std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return is_word(before_name_, w); });
}

}  // namespace pgweir
