// What a burst did, for machines (JSON) and for people (a table made from that JSON, of one or several
// bursts).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/burst_options.hpp"
#include "bench/burst_result.hpp"

namespace pgweir::bench {

using Report = nlohmann::ordered_json;

// Times are in microseconds, as the keys say. Never contains the password or the watch conninfo.
Report make_report(const BurstOptions& options, const BurstResult& result);

// Each group with its count, the most frequent first.
Report failures_json(const FailureTable& failures);

struct NamedReport {
  std::string name;  // heading of its column
  Report report;
};

// One column each; below it every failure with its count. Throws nlohmann::json::exception when a report is
// not one that make_report() made.
std::string report_table(const std::vector<NamedReport>& reports);

}  // namespace pgweir::bench
