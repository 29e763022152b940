// Durations of the file: a whole number and a unit, 250ms, 30s, 10m, 1h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"

namespace pgweir::config {

// A year: anything longer is a slip of the keyboard, and sums of deadlines stay far from overflow.
inline constexpr Millis duration_max = std::chrono::hours{8760};

struct DurationResult {
  std::optional<Millis> value;
  std::string error;  // set exactly when `value` is not
};

DurationResult parse_duration(std::string_view text);

// The shortest exact spelling: 90000 ms is "90s", 0 is "0s".
std::string to_string(Millis duration);

}  // namespace pgweir::config
