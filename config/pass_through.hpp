// Users who are not in the file: which of them a database takes, and what such a database must be like. Their
// password is told to pgweir and judged by the server.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"
#include "config/settings.hpp"

namespace pgweir::config {

// The entry under `databases` by which this user may come to this database with a password that the server
// judges; null: not at all. Users of the file and of the console never.
const Database* pass_through_of(const Settings& settings, std::string_view database, std::string_view user);

// `*` stands for any characters, none included.
bool matches_pattern(std::string_view pattern, std::string_view name);

struct PassThroughProblem {
  std::string path;
  std::string message;
};

std::vector<PassThroughProblem> check_pass_through(const Settings& settings);

}  // namespace pgweir::config
