// How long a model server takes for what it does.
#pragma once

#include "tests/simulation/kernel/timeline.hpp"

namespace pgweir::simulation {

struct ServerPace {
  SimTime shortest = std::chrono::microseconds(20);
  SimTime longest = std::chrono::microseconds(400);
  double slow_login = 0;  // the chance that a login takes up to `slow_login_max`
  SimTime slow_login_max = std::chrono::seconds(3);
  double cancel_meets_next = 0;  // that such a request meets a statement that has just arrived
  SimTime slow_cancel{};         // a request to cancel may take up to this long
};

}  // namespace pgweir::simulation
