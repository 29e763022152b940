#include "proxy/custom_names.hpp"

#include <algorithm>

#include "protocol/sql_tokenizer.hpp"
#include "proxy/session_state.hpp"

namespace pgweir {
namespace {

constexpr std::string_view set_config = "set_config";

bool is_set_config(const Token& token) {
  return is_word(token, set_config) ||
         (token.kind == TokenKind::quoted_identifier && token.text == "\"set_config\"");
}

// Follows the tokens of one text for the two ways to name a setting: set_config('a.b' ...) and SET a.b.
class NameScan {
 public:
  NameScan(std::string_view text, std::vector<std::string>& names) : tokens_(text), names_(names) {}
  bool run();

 private:
  void argument(const Token& token);
  void set_target(Token token);

  SqlTokenizer tokens_;
  std::vector<std::string>& names_;
  bool all_known_ = true;
};

bool NameScan::run() {
  bool called = false;
  bool opened = false;  // the last token opened the arguments of set_config
  for (Token token = tokens_.next(); token.kind != TokenKind::end; token = tokens_.next()) {
    if (opened) argument(token);
    opened = called && token.kind == TokenKind::open_paren;
    called = is_set_config(token);
    if (token.kind == TokenKind::undecided || is_word(token, "execute")) all_known_ = false;
    if (is_word(token, "set")) set_target(token);
  }
  return all_known_;
}

void NameScan::argument(const Token& token) {
  std::string name;
  const bool literal = token.kind == TokenKind::string && string_value(token, name);
  all_known_ = all_known_ && literal;
  if (literal && name.find('.') != std::string::npos) remember_name(names_, fold(name));
}

// SET [SESSION | LOCAL] a.b; also UPDATE t SET a.b, where the name asks for a setting that does not exist.
void NameScan::set_target(Token token) {
  SqlTokenizer ahead = tokens_;
  token = ahead.next();
  if (is_word(token, "session") || is_word(token, "local")) token = ahead.next();
  std::string name;
  if (!identifier_name(token, name)) return;
  for (token = ahead.next(); token.kind == TokenKind::dot; token = ahead.next()) {
    std::string part;
    if (!identifier_name(ahead.next(), part)) return;
    name += '.' + part;
  }
  if (name.find('.') != std::string::npos) remember_name(names_, fold(name));
}

}  // namespace

void remember_name(std::vector<std::string>& names, std::string name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

bool find_custom_names_in_code(std::string_view body, std::vector<std::string>& names) {
  const bool calls_nothing = !scan_facts(body).contains(SqlFact::calls_unknown_function);
  return NameScan(body, names).run() && calls_nothing;
}

bool find_custom_names(std::string_view text, const SqlEffects& effects, std::vector<std::string>& names) {
  bool all_known = !effects.verbs.intersects({Verb::call, Verb::undecided});
  if (!effects.verbs.contains(Verb::do_)) return NameScan(text, names).run() && all_known;
  SqlTokenizer tokens(text);
  for (Token token = tokens.next(); token.kind != TokenKind::end; token = tokens.next()) {
    std::string body;
    const bool is_string = token.kind == TokenKind::dollar_string || token.kind == TokenKind::string ||
                           token.kind == TokenKind::escape_string;
    if (is_string && string_value(token, body)) {
      all_known = find_custom_names_in_code(body, names) && all_known;
    } else if (is_string) {
      all_known = false;
    }
  }
  return NameScan(text, names).run() && all_known;
}

}  // namespace pgweir
