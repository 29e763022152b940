// The live checks, L01 and so on: what can be found out from where pgweir runs, by asking.
#pragma once

#include <vector>

#include "proxy/doctor/live_target.hpp"
#include "proxy/documents/finding.hpp"

namespace pgweir::doctor {

// One finding for each check, in the order of their numbers. Each probe has a deadline.
std::vector<Finding> run_live_checks(const LiveTarget& target);

}  // namespace pgweir::doctor
