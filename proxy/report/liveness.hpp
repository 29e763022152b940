// Whether the process lives: every worker's loop turns. A database has no say in it, so that a supervisor
// that restarts dead processes never restarts one that only waits for its database. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "proxy/base/clock.hpp"

namespace pgweir {

// A loop turns many times in a second. A machine without CPU to spare may hold it up for a moment; a loop
// that has not turned for this long is stuck, and so are all of its clients.
constexpr std::chrono::milliseconds worker_stuck_after{5'000};

struct Liveness {
  bool alive = true;
  std::string text;  // for /healthz: "ok", or which workers are stuck and since when
};

// `last_turns`: of each worker, when its loop has last turned.
Liveness judge_liveness(const std::vector<TimePoint>& last_turns, TimePoint now);

}  // namespace pgweir
