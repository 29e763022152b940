// The clock that deadlines and ages are told by. Pure.
#pragma once

#include <chrono>

namespace pgweir {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

}  // namespace pgweir
