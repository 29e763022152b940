// The clock for deadlines and ages. Pure.
#pragma once

#include <chrono>

namespace pgweir {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

// Whether a time limit is over that began at `since`; 0: there is no limit.
constexpr bool has_passed(TimePoint now, TimePoint since, std::chrono::milliseconds limit) {
  return limit.count() > 0 && now - since >= limit;
}

}  // namespace pgweir
