#include "protocol/startup_options.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pgweir {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Takes words off the front of a command line.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  // False at the end of the line. A word may be empty: a lone backslash makes one, as in PostgreSQL.
  bool next(std::string& word) {
    word.clear();
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    if (rest_.empty()) return false;
    while (!rest_.empty() && !is_space(rest_.front())) {
      if (rest_.front() == '\\') {
        rest_.remove_prefix(1);
        if (rest_.empty()) break;  // PostgreSQL drops a backslash that escapes nothing
      }
      word.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    return true;
  }

 private:
  std::string_view rest_;
};

Errc store_setting(std::string_view assignment, std::vector<StartupParameter>& out) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) return Errc::bad_options;
  std::string name(assignment.substr(0, equals));
  std::replace(name.begin(), name.end(), '-', '_');
  out.push_back({std::move(name), std::string(assignment.substr(equals + 1))});
  return Errc::ok;
}

}  // namespace

Errc parse_startup_options(std::string_view options, std::vector<StartupParameter>& out) {
  Words words(options);
  std::string word;
  while (words.next(word)) {
    const std::string_view text = word;
    if (!text.starts_with("-c") && !text.starts_with("--")) return Errc::bad_options;
    std::string_view assignment = text.substr(2);
    // getopt takes the next word, whatever it looks like, as the argument of a bare -c.
    if (text == "-c") {
      if (!words.next(word)) return Errc::bad_options;
      assignment = word;
    }
    if (const Errc e = store_setting(assignment, out); e != Errc::ok) return e;
  }
  return Errc::ok;
}

}  // namespace pgweir
