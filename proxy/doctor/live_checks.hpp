// L01 to L30: what can be found out from where pgweir runs, by asking.
#pragma once

#include <vector>

#include "config/settings.hpp"
#include "proxy/doctor/finding.hpp"

namespace pgweir::doctor {

struct LiveTarget {
  const config::Settings& settings;
  const config::Database& database;
  const config::User& user;
  std::string through;  // HOST:PORT of a balancer in front of pgweir; empty: none
  unsigned tasks = 2;
};

// One finding of each check, in the order of their numbers. Each probe has a deadline.
std::vector<Finding> run_live_checks(const LiveTarget& target);

}  // namespace pgweir::doctor
