// What the tests of this directory share: an environment made of two maps, and problems as lines of text.
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace pgweir::config {

struct FakeEnvironment {
  std::map<std::string, std::string> variables;
  std::map<std::string, FileContent> files;

  Environment environment() const {
    return {
        [this](const std::string& name) -> std::optional<std::string> {
          const auto found = variables.find(name);
          return found == variables.end() ? std::nullopt : std::optional(found->second);
        },
        [this](const std::string& path, std::size_t) -> FileContent {
          const auto found = files.find(path);
          return found == files.end() ? FileContent{{}, "No such file or directory", false} : found->second;
        }};
  }
};

using Lines = std::vector<std::string>;

inline Lines lines_of(const std::vector<Problem>& problems) {
  Lines lines;
  for (const Problem& problem : problems) lines.push_back(to_string(problem));
  return lines;
}

inline LoadResult load(std::string_view yaml, const FakeEnvironment& fake = {}) {
  return load_text(yaml, "f", fake.environment());
}
inline Lines problems_of(std::string_view yaml, const FakeEnvironment& fake = {}) {
  return lines_of(load(yaml, fake).problems);
}

// The least that is valid, on the first two lines; `more` begins on line 3.
inline std::string with(std::string_view more) {
  return "databases: {app: {host: db}}\nusers: {u: {password: p}}\n" + std::string(more);
}
// The same for keys of the database `app`, in flow style; its line is 1.
inline std::string with_database(std::string_view keys) {
  return "databases: {app: {host: db, " + std::string(keys) + "}}\nusers: {u: {password: p}}\n";
}
// The same for keys of the user `u`; its line is 2.
inline std::string with_user(std::string_view keys) {
  return "databases: {app: {host: db}}\nusers: {u: {" + std::string(keys) + "}}\n";
}

}  // namespace pgweir::config
