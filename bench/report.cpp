#include "bench/report.hpp"

#include <cstdint>

#include "bench/text_table.hpp"

namespace pgweir::bench {
namespace {

Report summary_json(const std::vector<Micros>& samples) {
  const Summary summary = summarize(samples);
  Report out{{"count", summary.count}};
  if (summary.count == 0) return out;
  out["p50"] = summary.p50.count();
  out["p95"] = summary.p95.count();
  out["p99"] = summary.p99.count();
  out["max"] = summary.max.count();
  return out;
}

std::string count_of(const Report& report, const char* key) {
  return grouped(report.at(key).get<std::uint64_t>());
}

std::string time_of(const Report& report, const char* group, const char* key) {
  const Report& summary = report.at(group);
  return summary.at("count").get<std::uint64_t>() == 0 ? "-" : milliseconds(summary.at(key).get<double>());
}

std::string server_connections_of(const Report& report) {
  const Report& seen = report.at("server_connections");
  return seen.is_null() ? "not watched" : count_of(seen, "max");
}

std::vector<Row> make_rows(const std::vector<NamedReport>& reports) {
  std::vector<Row> rows;
  auto add = [&](const std::string& title, auto&& cell) {
    Row& row = rows.emplace_back(Row{title});
    for (const NamedReport& named : reports) row.push_back(cell(named.report));
  };
  Row& heading = rows.emplace_back(Row{""});
  for (const NamedReport& named : reports) heading.push_back(named.name);
  add("clients", [](const Report& r) { return count_of(r, "clients"); });
  add("served", [](const Report& r) { return count_of(r, "served"); });
  add("failed", [](const Report& r) { return count_of(r, "failed"); });
  add("clients connected at once, highest", [](const Report& r) { return count_of(r, "connected_max"); });
  add("server connections, highest seen", server_connections_of);
  for (const char* key : {"p50", "p95", "p99", "max"})
    add(std::string("connect and log in, ") + key,
        [&](const Report& r) { return time_of(r, "connect_us", key); });
  for (const char* key : {"p50", "p95", "p99", "max"})
    add(std::string("transaction, ") + key,
        [&](const Report& r) { return time_of(r, "transaction_us", key); });
  add("wall time", [](const Report& r) { return milliseconds(r.at("wall_us").get<double>()); });
  return rows;
}

std::string failure_lines(const NamedReport& named) {
  std::string out;
  for (const Report& failure : named.report.at("failures"))
    out += named.name + ": " + count_of(failure, "count") + " failed with " +
           failure.at("code").get<std::string>() + " " + failure.at("text").get<std::string>() + " (" +
           failure.at("stage").get<std::string>() + ")\n";
  const Report& seen = named.report.at("server_connections");
  if (seen.is_object() && seen.contains("problem"))
    out += named.name + ": watching the server ended early: " + seen.at("problem").get<std::string>() + "\n";
  return out;
}

}  // namespace

Report make_report(const BurstOptions& options, const BurstResult& result) {
  Report report;
  report["target"] = options.host + ":" + std::to_string(options.port);
  report["user"] = options.user;
  report["database"] = options.database_name();
  report["clients"] = options.clients;
  report["rate"] = options.rate;
  report["transactions_per_client"] = options.transactions;
  report["hold"] = options.hold;
  report["served"] = result.served;
  report["failed"] = result.failed;
  report["connected_max"] = result.connected_max;
  report["wall_us"] = result.wall.count();
  report["connect_us"] = summary_json(result.connect_times);
  report["transaction_us"] = summary_json(result.transaction_times);
  report["server_connections"] = nullptr;
  if (const auto& seen = result.server_connections) {
    report["server_connections"] = Report{{"max", seen->max}, {"samples", seen->samples}};
    if (!seen->problem.empty()) report["server_connections"]["problem"] = seen->problem;
  }
  report["failures"] = failures_json(result.failures);
  return report;
}

Report failures_json(const FailureTable& failures) {
  Report out = Report::array();
  for (const FailureCount& group : failures.sorted())
    out.push_back({{"count", group.count},
                   {"code", group.failure.code},
                   {"text", group.failure.text},
                   {"stage", to_string(group.failure.stage)}});
  return out;
}

std::string report_table(const std::vector<NamedReport>& reports) {
  std::string out = render_table(make_rows(reports));
  for (const NamedReport& named : reports) out += failure_lines(named);
  return out;
}

}  // namespace pgweir::bench
