#include "proxy/code/definition_words.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {
namespace {

using Words = std::initializer_list<std::string_view>;

bool is_in(const std::string& word, Words words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

class WordReader {
 public:
  explicit WordReader(std::string_view source) : source_(source) {}
  // From here on comments are left out. Before, a string may have what looks like the beginning of one.
  WordReader without_comments() const {
    WordReader same = *this;
    same.skips_comments_ = true;
    return same;
  }
  // Empty: there is none.
  std::string next() {
    skip();
    const std::size_t begin = at_;
    while (at_ < source_.size() && is_letter(source_[at_])) ++at_;
    return ascii_lower(source_.substr(begin, at_ - begin));
  }

 private:
  // To the next letter that is no part of an escape (\n).
  void skip() {
    while (at_ < source_.size() && !is_letter(source_[at_])) {
      const std::string_view rest = source_.substr(at_);
      if (skips_comments_ && rest.starts_with("--")) {
        at_ += std::min(rest.size(), rest.find('\n'));
      } else if (skips_comments_ && rest.starts_with("/*")) {
        const std::size_t end = rest.find("*/", 2);
        at_ += end == std::string_view::npos ? rest.size() : end + 2;
      } else {
        at_ += rest[0] == '\\' ? 2 : 1;
      }
    }
  }

  std::string_view source_;
  std::size_t at_ = 0;
  bool skips_comments_ = false;
};

// What stands between CREATE and the kind of what is made. TEMP does not: a temporary view is its client's alone.
bool is_modifier(const std::string& word) {
  return is_in(word, {"constraint", "default", "event", "materialized", "or", "procedural", "recursive",
                      "replace", "trusted"});
}

// As changes_functions() has them for tags. Not ALTER TABLE: functions that make a partition when it is needed are called
// often, and hardly ever make anything that runs code.
bool is_kind_of_code(const std::string& word) {
  return is_in(word, {"aggregate", "cast", "extension", "function", "language", "operator", "owned", "policy",
                      "procedure", "routine", "rule", "schema", "trigger", "view"});
}

}  // namespace

DefinitionWords find_definition_words(std::string_view source) {
  DefinitionWords found;
  WordReader words(source);
  for (std::string verb = words.next(); !verb.empty(); verb = words.next()) {
    if (!is_in(verb, {"alter", "create", "drop"})) continue;
    for (WordReader ahead : {words, words.without_comments()}) {
      std::string kind = ahead.next();
      while (is_modifier(kind)) kind = ahead.next();
      if (is_kind_of_code(kind)) found.change_code = true;
      if (verb == "alter" && is_in(kind, {"database", "role", "user"})) found.change_defaults = true;
    }
  }
  return found;
}

}  // namespace pgweir
