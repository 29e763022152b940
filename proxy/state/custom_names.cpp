#include "proxy/state/custom_names.hpp"

#include <algorithm>

#include "protocol/sql_set_config.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {
namespace {

// How deep strings within strings are read as code.
constexpr unsigned nesting_max = 3;
// Longer names are possible on the server, but what is so long and only guessed is something else.
constexpr std::size_t guessed_name_max = 256;

// Follows the tokens of one text for the two ways to name a setting: set_config('a.b' ...) and SET a.b.
class NameScan {
 public:
  NameScan(std::string_view text, bool bound, std::vector<std::string>& names, unsigned depth = nesting_max)
      : tokens_(text), bound_(bound), names_(names), depth_(depth) {}
  bool run();

 private:
  void argument(const Token& token);
  void remember(std::string_view name);
  void code(const Token& token);
  void set_target(Token token);

  SqlTokenizer tokens_;
  const bool bound_;
  std::vector<std::string>& names_;
  const unsigned depth_;
  bool all_known_ = true;
};

bool NameScan::run() {
  bool called = false;
  bool opened = false;  // the last token opened the arguments of set_config
  for (Token token = tokens_.next(); token.kind != TokenKind::end; token = tokens_.next()) {
    if (opened) argument(token);
    opened = called && token.kind == TokenKind::open_paren;
    called = names_set_config(token);
    if (token.kind == TokenKind::undecided) all_known_ = false;
    if (is_word(token, "set")) set_target(token);
    if (!opened && depth_ > 0) code(token);
  }
  return all_known_;
}

// The whole argument has to be a literal: 'app.' || x is another name.
void NameScan::argument(const Token& token) {
  std::string name;
  SqlTokenizer ahead = tokens_;
  const bool alone = ahead.next().kind == TokenKind::comma;
  const bool literal = alone && token.kind == TokenKind::string && string_value(token, name);
  const bool read = literal || (alone && bound_ && token.kind == TokenKind::parameter);
  all_known_ = all_known_ && read;
  if (literal && name.find('.') != std::string::npos) remember(name);
}

void NameScan::remember(std::string_view name) {
  remember_name(names_, ascii_lower(name));
}

// A string may be code that is run: the names in it are worth a question.
void NameScan::code(const Token& token) {
  const bool is_string = token.kind == TokenKind::string || token.kind == TokenKind::escape_string ||
                         token.kind == TokenKind::dollar_string;
  std::string text;
  if (is_string && token.text.find('.') != std::string_view::npos && string_value(token, text))
    NameScan(text, false, names_, depth_ - 1).run();
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
  if (name.find('.') != std::string::npos) remember(name);
}

}  // namespace

void remember_name(std::vector<std::string>& names, std::string name) {
  const auto place = std::lower_bound(names.begin(), names.end(), name);
  if (place == names.end() || *place != name) names.insert(place, std::move(name));
}

bool find_custom_names(std::string_view text, bool bound, std::vector<std::string>& names) {
  return NameScan(text, bound, names).run();
}

bool guess_bound_name(std::vector<std::string>& names, std::string_view value) {
  const std::size_t dot = value.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == value.size()) return true;
  if (value.size() > guessed_name_max || !is_word_start(value.front())) return true;
  const auto fits = [](char c) { return is_word_part(c) || c == '.'; };
  if (!std::all_of(value.begin(), value.end(), fits)) return true;
  if (names.size() >= guessed_names_max) return false;
  remember_name(names, ascii_lower(value));
  return true;
}

bool guess_custom_names(std::vector<std::string>& names, std::string_view text) {
  SqlTokenizer tokens(text);
  std::string value;
  bool fits = true;
  for (Token token = tokens.next(); token.kind != TokenKind::end; token = tokens.next()) {
    if (token.text.find('.') != std::string_view::npos && string_value(token, value))
      fits = guess_bound_name(names, value) && fits;
  }
  return fits;
}

}  // namespace pgweir
