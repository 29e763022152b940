// Findings for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "proxy/documents/finding.hpp"

namespace pgweir::doctor {

// Problems first, then warnings, then what could not be looked at, then what is well.
void rank(std::vector<Finding>& findings);
std::string as_table(const std::vector<Finding>& findings);
std::string as_json(const std::vector<Finding>& findings);
// 0: nothing wrong; 1: at least one problem; 2 is for not being able to run.
int exit_code(const std::vector<Finding>& findings);

}  // namespace pgweir::doctor
