// The clock for deadlines and ages. Pure.
#pragma once

#include <chrono>

namespace pgweir {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

}  // namespace pgweir
