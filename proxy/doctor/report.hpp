// Findings for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "proxy/documents/finding.hpp"

namespace pgweir::doctor {

// Problems first, then warnings, then checks that could not be made, then those that passed.
void rank(std::vector<Finding>& findings);
std::string as_table(const std::vector<Finding>& findings);
std::string as_json(const std::vector<Finding>& findings);
// 0: no problem; 1: at least one problem; 2 means that the checks could not run.
int exit_code(const std::vector<Finding>& findings);

}  // namespace pgweir::doctor
