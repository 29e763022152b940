// What contradicts itself about AWS in settings that are each fine alone; part of validate().
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"
#include "config/settings.hpp"

namespace pgweir::config {

struct AwsProblem {
  std::string path;
  std::string message;
  Severity severity = Severity::error;
};

std::vector<AwsProblem> check_aws(const Settings& settings);

// arn:PARTITION:iam::ACCOUNT:role/NAME, as STS lets a role be recognised: without the role's path.
bool is_role_arn(std::string_view text);

}  // namespace pgweir::config
