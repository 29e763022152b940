// What a burst did: filled while it runs, printed by report.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "bench/failure.hpp"
#include "bench/statistics.hpp"

namespace pgweir::bench {

// What pg_stat_activity showed. Sampling can miss a peak shorter than the interval; the sample count says how
// closely it looked.
struct ServerConnections {
  struct Sample {
    Clock::time_point at;
    std::size_t count;
  };
  static constexpr std::size_t course_max = 1'000'000;  // samples kept: more than five hours

  std::size_t max = 0;
  std::size_t samples = 0;
  std::string problem;           // why the sampling ended early; empty when it did not
  std::vector<Sample> course{};  // all of them, up to that limit
};

struct BurstResult {
  std::size_t served = 0;
  std::size_t failed = 0;
  std::size_t connected_now = 0;
  std::size_t connected_max = 0;  // logged in at the same time
  FailureTable failures;
  std::vector<Micros> connect_times;  // from connect() to ReadyForQuery
  std::vector<Micros> transaction_times;
  Micros wall{};
  std::optional<ServerConnections> server_connections;  // empty: not watched
};

}  // namespace pgweir::bench
