// Which of the failed logins of a pool get a line in the log. Pure.
#pragma once

#include <chrono>

#include "proxy/base/clock.hpp"

namespace pgweir {

class LoginFailureLog {
 public:
  // While an outage lasts there is a line in every minute: an alarm that counts lines by the minute must not
  // take silence for its end.
  static constexpr std::chrono::milliseconds interval_max{30'000};

  // The first failure of an outage, then the 2nd, 4th, 8th ...: enough to see, too few to fill a disk. Then
  // there is a line whenever the last one is too old.
  bool wants_line(unsigned failures_in_a_row, TimePoint now) {
    const bool is_power_of_two = (failures_in_a_row & (failures_in_a_row - 1)) == 0;
    if (!is_power_of_two && now - last_line_ < interval_max) return false;
    last_line_ = now;
    return true;
  }

 private:
  TimePoint last_line_{};
};

}  // namespace pgweir
