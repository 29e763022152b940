#include "bench/fleet_report_json.hpp"

#include <array>
#include <cstdio>

namespace pgweir::bench {
namespace {

constexpr std::array percents = {1.0,  5.0,  10.0, 25.0, 50.0,  75.0,  90.0,
                                 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999};

Report summary_json(const LatencyHistogram& histogram) {
  Report out{{"count", histogram.count()}};
  if (histogram.count() == 0) return out;
  out["mean"] = histogram.mean().count();
  out["p50"] = histogram.percentile(50).count();
  out["p90"] = histogram.percentile(90).count();
  out["p95"] = histogram.percentile(95).count();
  out["p99"] = histogram.percentile(99).count();
  out["p99.9"] = histogram.percentile(99.9).count();
  out["max"] = histogram.max().count();
  return out;
}

// [percent, microseconds], as far as there are samples enough to tell them from the maximum.
Report distribution_json(const LatencyHistogram& histogram) {
  Report out = Report::array();
  for (const double percent : percents) {
    if (static_cast<double>(histogram.count()) * (100 - percent) < 100) break;
    out.push_back({percent, histogram.percentile(percent).count()});
  }
  return out;
}

std::string hexadecimal(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

Report options_json(const FleetOptions& options) {
  Report out;
  out["user"] = options.user;
  out["database"] = options.database_name();
  out["environments"] = options.environments;
  out["burst"] = options.burst;
  out["arrival_rate"] = options.arrival_rate;
  out["ramp"] = options.ramp.count();
  out["duration"] = options.duration.count();
  out["invocations"] = options.invocations;
  out["invocation_interval"] = options.interval().count();
  out["spacing"] = spacing_names[static_cast<std::size_t>(options.spacing)];
  out["connections"] = connections_names[static_cast<std::size_t>(options.connections)];
  out["freeze"] = options.freeze;
  out["freeze_in_transaction"] = options.freeze_in_transaction;
  out["freeze_time"] = options.freeze_time.count();
  out["reap"] = options.reap;
  out["reaping"] = reaping_names[static_cast<std::size_t>(options.reaping)];
  out["timeout"] = options.timeout.count();
  out["grace"] = options.grace.count();
  out["mix_file"] = options.mix_file.empty() ? Report(nullptr) : Report(options.mix_file);
  return out;
}

Report schedule_json(const FleetOptions& options, const FleetSchedule::Totals& planned) {
  return {{"seed", options.seed},
          {"digest", hexadecimal(planned.digest)},
          {"environments", planned.environments},
          {"invocations", planned.invocations},
          {"freezes", planned.freezes},
          {"reaped", planned.reaped},
          {"frozen_in_transaction", planned.in_transaction}};
}

Report invocations_json(const FleetResult& result) {
  const InvocationCounts& counts = result.invocations;
  return {{"planned", counts.sum()},       {"served", counts.served},
          {"failed", counts.failed},       {"unfinished", counts.unfinished},
          {"unstarted", counts.unstarted}, {"abandoned", counts.abandoned},
          {"not_due", counts.not_due},     {"late", result.late}};
}

Report queries_json(const QueryMix& mix, const FleetResult& result) {
  Report out = Report::array();
  for (std::size_t i = 0; i < result.queries.size(); ++i)
    out.push_back({{"name", mix.name(i)},
                   {"weight", mix.weight(i)},
                   {"served", result.queries[i].served},
                   {"failed", result.queries[i].failed},
                   {"latency_us", summary_json(result.queries[i].latency)}});
  return out;
}

Report by_code(const FailureTable& failures) {
  Report out = Report::object();
  for (const FailureCount& group : failures.sorted()) {
    Report& count = out[group.failure.code];
    count = (count.is_null() ? std::size_t{0} : count.get<std::size_t>()) + group.count;
  }
  return out;
}

Report server_connections_json(const std::optional<ServerConnections>& seen) {
  if (!seen) return nullptr;
  Report out{{"before", seen->course.empty() ? 0 : seen->course.front().count},
             {"max", seen->max},
             {"samples", seen->samples}};
  if (!seen->problem.empty()) out["problem"] = seen->problem;
  return out;
}

Report series_json(const FleetSeries& series) {
  Report p50 = Report::array();
  Report p99 = Report::array();
  for (const LatencyHistogram& histogram : series.latency.values()) {
    const bool any = histogram.count() > 0;
    p50.push_back(any ? Report(histogram.percentile(50).count()) : Report(nullptr));
    p99.push_back(any ? Report(histogram.percentile(99).count()) : Report(nullptr));
  }
  return {{"interval_us", series.due.interval().count()},
          {"due", series.due.values()},
          {"served", series.served.values()},
          {"failed", series.failed.values()},
          {"latency_p50_us", p50},
          {"latency_p99_us", p99},
          {"connections", series.connections.values()},
          {"server_connections", series.server.values()}};
}

Report target_json(const QueryMix& mix, const FleetResult& result) {
  const EnvironmentCounts& environments = result.environments;
  const ConnectionCounts& connections = result.connections;
  Report out;
  out["name"] = result.target.name;
  out["address"] = result.target.host + ":" + std::to_string(result.target.port);
  out["interrupted"] = result.interrupted;
  out["wall_us"] = result.wall.count();
  out["invocations"] = invocations_json(result);
  out["environments"] = {{"arrived", environments.arrived},
                         {"frozen", environments.frozen},
                         {"frozen_in_transaction", environments.frozen_in_transaction},
                         {"thawed", environments.thawed},
                         {"reaped", environments.reaped}};
  out["connections"] = {{"opened", connections.opened},
                        {"refused", connections.refused},
                        {"lost", connections.lost},
                        {"max", connections.max}};
  out["latency_us"] = summary_json(result.latency);
  out["latency_us"]["distribution"] = distribution_json(result.latency);
  out["error_latency_us"] = summary_json(result.error_latency);
  out["start_delay_us"] = summary_json(result.start_delay);
  out["login_us"] = summary_json(result.login);
  out["generator_lag_us"] = summary_json(result.lag);
  out["queries"] = queries_json(mix, result);
  out["failures_by_code"] = by_code(result.failures);
  out["failures"] = failures_json(result.failures);
  out["lost_connections"] = failures_json(result.losses);
  out["server_connections"] = server_connections_json(result.server_connections);
  out["series"] = series_json(result.series);
  return out;
}

}  // namespace

Report make_fleet_report(const FleetOptions& options, const QueryMix& mix,
                         const FleetSchedule::Totals& planned, const std::vector<FleetResult>& results) {
  Report report;
  report["options"] = options_json(options);
  report["schedule"] = schedule_json(options, planned);
  report["targets"] = Report::array();
  for (const FleetResult& result : results) report["targets"].push_back(target_json(mix, result));
  return report;
}

}  // namespace pgweir::bench
