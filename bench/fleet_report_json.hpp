// What a fleet did, for machines. The table and the page are made from this JSON, so it holds all they show.
#pragma once

#include <string>
#include <vector>

#include "bench/fleet_result.hpp"
#include "bench/fleet_schedule.hpp"
#include "bench/report.hpp"

namespace pgweir::bench {

// Times are in microseconds where a key ends in _us, otherwise in seconds. Never contains the password or the
// watch conninfo.
Report make_fleet_report(const FleetOptions& options, const QueryMix& mix,
                         const FleetSchedule::Totals& planned, const std::vector<FleetResult>& results);

// For a terminal: a column for each target; below it the failures.
std::string fleet_table(const Report& report);

}  // namespace pgweir::bench
