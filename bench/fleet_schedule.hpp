// When what happens in a fleet, decided before the first packet: by the options and the seed alone, never by
// how the server answers. So the load is open-loop, and every target gets the same one.
//
//   arrival            due          due                        due
//   |------------------|------------|~~~~~~~~ frozen ~~~~~~~~~~|----- ... until reaped or the run ends
//   first invocation   next one     asks, then freezes         thaws, because there is an invocation
//
// An environment arrives because an invocation needs it, so its first one is due at once. Times count from
// the start of the run. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/fleet_options.hpp"
#include "bench/query_mix.hpp"
#include "bench/random.hpp"
#include "bench/statistics.hpp"

namespace pgweir::bench {

// What an environment does once it has answered an invocation.
enum class Afterwards { stay, freeze, be_reaped };

struct Invocation {
  Micros due{};
  std::size_t query = 0;      // of the mix
  std::uint64_t numbers = 0;  // seed of the query's placeholders
  Afterwards then = Afterwards::stay;
  bool in_transaction = false;  // freezes between the query and COMMIT
  Micros until{};               // thaws, or is reaped, then; only when it freezes or is reaped

  bool operator==(const Invocation&) const = default;
};

// The invocations of one environment, in their order.
class EnvironmentSchedule {
 public:
  EnvironmentSchedule(const FleetOptions& options, const QueryMix& mix, Micros arrival, std::uint64_t seed);

  // None: no more is due before the end, or the environment has been reaped.
  std::optional<Invocation> next();

 private:
  Micros draw(Seconds mean);

  const FleetOptions* options_;
  const QueryMix* mix_;
  Random random_;
  Micros end_;
  Micros due_;
  std::uint64_t left_;
};

class FleetSchedule {
 public:
  // Both outlive the schedule.
  FleetSchedule(const FleetOptions& options, const QueryMix& mix);

  // Environments that arrive before the end; at most the number asked for.
  std::size_t size() const { return arrivals_.size(); }
  Micros arrival(std::size_t environment) const { return arrivals_[environment]; }
  EnvironmentSchedule environment(std::size_t index) const;

  // Of the whole run. Walks all of it.
  struct Totals {
    std::uint64_t environments = 0;
    std::uint64_t invocations = 0;
    std::uint64_t freezes = 0;  // that thaw again
    std::uint64_t reaped = 0;
    std::uint64_t in_transaction = 0;
    std::uint64_t digest = 0;  // equal for equal schedules
  };
  Totals totals() const;

 private:
  const FleetOptions& options_;
  const QueryMix& mix_;
  std::vector<Micros> arrivals_;
};

}  // namespace pgweir::bench
