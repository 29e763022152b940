#include "proxy/explain_calls.hpp"

#include <algorithm>
#include <array>

#include "protocol/sql_tokenizer.hpp"
#include "proxy/session_state.hpp"

namespace pgweir {
namespace {

// Tokens of a call that are looked at.
constexpr int arguments_max = 200;

constexpr std::array<std::string_view, 4> transaction_locks = {
    "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared", "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared"};

// The tokenizer stands behind the opening parenthesis.
SetConfigCall read_set_config(SqlTokenizer tokens) {
  SetConfigCall call;
  std::array<Token, 3> firsts;  // of each argument
  std::array<Token, 3> lasts;
  std::array<int, 3> sizes{};  // in tokens
  std::size_t argument = 0;
  int depth = 1;
  for (int n = 0; n < arguments_max && argument < firsts.size(); ++n) {
    const Token token = tokens.next();
    if (token.kind == TokenKind::open_paren || token.kind == TokenKind::open_bracket) ++depth;
    if (token.kind == TokenKind::close_paren || token.kind == TokenKind::close_bracket) --depth;
    if (token.kind == TokenKind::end || depth == 0) break;
    if (token.kind == TokenKind::comma && depth == 1) {
      ++argument;
    } else {
      if (sizes[argument]++ == 0) firsts[argument] = token;
      lasts[argument] = token;
    }
  }
  std::string name;
  if (sizes[0] == 1 && string_value(firsts[0], name)) call.name = fold(name);
  call.local = depth == 0 && is_word(lasts[2], "true") && (sizes[2] == 1 || is_word(firsts[2], "is_local"));
  return call;
}

}  // namespace

ExplainedCalls explain_calls(std::string_view text) {
  ExplainedCalls calls;
  SqlTokenizer tokens(text);
  std::string called;
  for (Token token = tokens.next(); token.kind != TokenKind::end; token = tokens.next()) {
    if (token.kind == TokenKind::open_paren && !called.empty()) {
      calls.transaction_lock |=
          std::find(transaction_locks.begin(), transaction_locks.end(), called) != transaction_locks.end();
      if (called == "set_config" && calls.set_config.size() < ExplainedCalls::set_config_max)
        calls.set_config.push_back(read_set_config(tokens));
    }
    if (!identifier_name(token, called)) called.clear();
  }
  return calls;
}

}  // namespace pgweir
