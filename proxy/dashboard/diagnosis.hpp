// What is the matter with a pool, in one line for an operator who was asleep a minute ago. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/base/facts.hpp"

namespace pgweir {

// In the order in which pools are shown.
enum class PoolCondition : std::uint8_t {
  down,       // the server refuses logins or is away, and no connection is left
  saturated,  // clients have been waiting for a second or longer
  limited,    // the server takes no further connection
  paused,
  burst,     // clients wait, and get their turn within a second
  disabled,  // clients that are there may stay
  waited,    // no client waits any more
  ok,
  idle,
  retired,  // no longer configured, but not empty yet
};
// One word.
std::string_view to_string(PoolCondition condition);

struct Diagnosis {
  PoolCondition condition = PoolCondition::ok;
  std::string text;
};

struct DiagnosisInput {
  const PoolFacts& pool;
  bool disabled = false;
  bool had_queries = false;  // in the last minute
  std::optional<double> transactions_per_second{};
  PoolDurations last_minute{};
  TimePoint now{};
  std::chrono::system_clock::time_point wall{};  // the same moment
};

// A client that waits longer than this is not part of a passing burst.
constexpr std::chrono::milliseconds saturated_wait{1'000};
// Waiting that is worth telling of when it is over.
constexpr std::chrono::milliseconds notable_wait{100};
// Logins are tried anew after login_backoff_max and end within pool.connect_timeout, so a failure that is
// older means that no new server connection has been needed since.
constexpr std::chrono::seconds login_try_gap{5};

Diagnosis diagnose(const DiagnosisInput& input);

}  // namespace pgweir
