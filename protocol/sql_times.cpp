#include "protocol/sql_times.hpp"

#include <algorithm>
#include <array>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {
namespace {

bool may_be_time(std::string_view literal) {
  static constexpr std::array<std::string_view, 4> words = {"now", "today", "tomorrow", "yesterday"};
  return std::any_of(literal.begin(), literal.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
         std::any_of(words.begin(), words.end(),
                     [literal](std::string_view word) { return folded_find(literal, word); });
}

}  // namespace

bool may_have_time(std::string_view sql) {
  // Where strings end may depend on a setting.
  if (sql.find('\\') != std::string_view::npos) return true;
  SqlTokenizer tokens(sql);
  for (Token token = tokens.next(); token.kind != TokenKind::end; token = tokens.next()) {
    if (token.kind == TokenKind::undecided || token.kind == TokenKind::unterminated) return true;
    if (is_string(token) && may_be_time(token.text)) return true;
  }
  return false;
}

}  // namespace pgweir
