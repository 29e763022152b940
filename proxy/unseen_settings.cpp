#include "proxy/unseen_settings.hpp"

#include <cstring>

#include "protocol/sql_tokenizer.hpp"
#include "proxy/session_state.hpp"

namespace pgweir {
namespace {

constexpr std::string_view set_config = "set_config";
constexpr std::size_t underscore_at = 3;

constexpr VerbSet runs_code{Verb::do_, Verb::call, Verb::undecided};

}  // namespace

bool may_set_unseen(std::string_view text, VerbSet verbs) {
  if (verbs.intersects(runs_code)) return true;
  // Underscores are rare in SQL, so this is one memchr most of the time.
  for (std::size_t at = text.find('_'); at != std::string_view::npos; at = text.find('_', at + 1)) {
    if (at < underscore_at) continue;
    if (folded_equals(text.substr(at - underscore_at, set_config.size()), set_config)) return true;
  }
  return false;
}

bool find_custom_names(std::string_view text, VerbSet verbs, std::vector<std::string>& names) {
  bool all_known = !verbs.intersects(runs_code);
  SqlTokenizer tokens(text);
  bool called = false;    // the last token was set_config
  bool argument = false;  // the last token opened its arguments
  for (Token token = tokens.next(); token.kind != TokenKind::end; token = tokens.next()) {
    if (argument) {
      std::string name;
      const bool literal = token.kind == TokenKind::string && string_value(token, name);
      all_known = all_known && literal;
      if (literal && name.find('.') != std::string::npos) names.push_back(fold(name));
    }
    argument = called && token.kind == TokenKind::open_paren;
    called = is_word(token, set_config) || token.text == "\"set_config\"";
  }
  return all_known;
}

}  // namespace pgweir
