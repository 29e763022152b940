// What is wrong with a configuration, and where: the currency between loading, validation and the operator.
// Thread rule: plain values.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pgweir::config {

enum class Severity { error, warning };

struct Problem {
  std::string file;
  int line = 0;         // from 1; 0: the problem is not tied to a line
  int column = 0;       // from 1, in bytes; 0 as above
  std::string path;     // databases.app.pool.max_size; empty: the whole file
  std::string message;  // never contains a secret
  Severity severity = Severity::error;
  bool operator==(const Problem&) const = default;
};

// "file:line: path: message", and "file:line: path: warning: message". Always one printable line: control
// characters of the file's keys and values are escaped.
std::string to_string(const Problem& problem);

bool has_error(const std::vector<Problem>& problems);

// Where each key of the file stands, by its path, so that later checks can name the line.
struct Location {
  int line = 0;
  int column = 0;
};
struct Locations {
  std::string file;
  std::map<std::string, Location, std::less<>> keys;

  // The place of `path`, or of the closest enclosing section that is in the file.
  Location find(std::string_view path) const;
  bool contains(std::string_view path) const { return keys.contains(path); }
};

// A problem of the key at `path`.
Problem problem_at(const Locations& locations, std::string path, std::string message,
                   Severity severity = Severity::error);

// `parent`.`key`; a key that is not a plain word is quoted, escaped and, when very long, cut.
std::string join_path(std::string_view parent, std::string_view key);

// That a file cannot be read, with its name as it was tried: a relative one starts at the configuration's
// directory.
std::string unreadable(std::string_view file_name, std::string_view error);

// `text` with control characters and quotes escaped, cut after `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 64);

}  // namespace pgweir::config
