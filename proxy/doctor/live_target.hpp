// What the live checks are about.
#pragma once

#include <string>

#include "config/settings.hpp"

namespace pgweir::doctor {

struct LiveTarget {
  const config::Settings& settings;
  const config::Database& database;
  const config::User& user;
  std::string through;  // HOST:PORT of a balancer in front of pgweir; empty: none
  unsigned tasks = 2;
};

}  // namespace pgweir::doctor
