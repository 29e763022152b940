#include "proxy/explain/explain_calls.hpp"

#include <algorithm>
#include <array>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {
namespace {

constexpr std::array<std::string_view, 4> transaction_locks = {
    "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared", "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared"};

}  // namespace

ExplainedCalls explain_calls(std::string_view text) {
  ExplainedCalls calls;
  SqlTokenizer tokens(text);
  std::string called;
  for (Token token = tokens.next(); token.kind != TokenKind::end; token = tokens.next()) {
    if (token.kind == TokenKind::open_paren && !called.empty()) {
      calls.transaction_lock |=
          std::find(transaction_locks.begin(), transaction_locks.end(), called) != transaction_locks.end();
    }
    if (!identifier_name(token, called)) called.clear();
  }
  return calls;
}

}  // namespace pgweir
