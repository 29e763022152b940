// Runs a fleet against one target. One thread, one io_context, however many environments.
#pragma once

#include "bench/fleet_result.hpp"
#include "bench/fleet_schedule.hpp"

namespace pgweir::bench {

// Returns when every environment has come to its end, after the duration and its grace, or soon after SIGINT
// or SIGTERM; the result says which. A second signal ends the process at once. Closes every connection before
// it returns. Checked options only.
// Throws std::runtime_error, with a sentence for the user, when it cannot start at all.
FleetResult run_fleet(const FleetOptions& options, const FleetTarget& target, const QueryMix& mix,
                      const FleetSchedule& schedule);

// Waits. False: a signal has ended it.
bool pause_for(Seconds time);

}  // namespace pgweir::bench
