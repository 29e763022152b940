// The table of fleet_report_json.hpp: what a person wants to know first.
#include "bench/fleet_report_json.hpp"
#include "bench/text_table.hpp"

namespace pgweir::bench {
namespace {

std::uint64_t count(const Report& target, const char* group, const char* key) {
  return target.at(group).at(key).get<std::uint64_t>();
}

std::string time(const Report& target, const char* group, const char* key) {
  return count(target, group, "count") == 0 ? "-" : milliseconds(target.at(group).at(key).get<double>());
}

std::vector<Row> make_rows(const Report& targets) {
  std::vector<Row> rows;
  auto add = [&](const std::string& title, auto&& cell) {
    Row& row = rows.emplace_back(Row{title});
    for (const Report& target : targets) row.push_back(cell(target));
  };
  auto add_count = [&](const char* title, const char* group, const char* key) {
    add(title, [&](const Report& target) { return grouped(count(target, group, key)); });
  };
  add("", [](const Report& target) { return target.at("name").get<std::string>(); });
  add_count("environments", "environments", "arrived");
  add_count("clients connected at once, highest", "connections", "max");
  add("server connections, highest seen", [](const Report& target) {
    return target.at("server_connections").is_null() ? "not watched"
                                                     : grouped(count(target, "server_connections", "max"));
  });
  add_count("invocations", "invocations", "planned");
  for (const char* key : {"served", "failed", "unfinished", "unstarted", "abandoned", "not_due", "late"})
    add_count((std::string("  ") + key).c_str(), "invocations", key);
  add_count("connections opened", "connections", "opened");
  add_count("  refused", "connections", "refused");
  add_count("  lost while idle or frozen", "connections", "lost");
  for (const char* key : {"p50", "p90", "p99", "p99.9", "max"})
    add(std::string("latency, ") + key,
        [&](const Report& target) { return time(target, "latency_us", key); });
  for (const char* key : {"p50", "p99", "max"})
    add(std::string("connect and log in, ") + key,
        [&](const Report& target) { return time(target, "login_us", key); });
  add("lag of this generator, p99",
      [](const Report& target) { return time(target, "generator_lag_us", "p99"); });
  return rows;
}

std::string failure_lines(const Report& target, const char* group, const char* what) {
  std::string out;
  for (const Report& failure : target.at(group))
    out += target.at("name").get<std::string>() + ": " + grouped(failure.at("count").get<std::uint64_t>()) +
           " " + what + " " + failure.at("code").get<std::string>() + " " +
           failure.at("text").get<std::string>() + " (" + failure.at("stage").get<std::string>() + ")\n";
  return out;
}

}  // namespace

std::string fleet_table(const Report& report) {
  std::string out = render_table(make_rows(report.at("targets")));
  for (const Report& target : report.at("targets")) {
    out += failure_lines(target, "failures", "failed with");
    out += failure_lines(target, "lost_connections", "connections lost with");
    const Report& seen = target.at("server_connections");
    if (seen.is_object() && seen.contains("problem"))
      out += target.at("name").get<std::string>() +
             ": watching the server ended early: " + seen.at("problem").get<std::string>() + "\n";
  }
  return out;
}

}  // namespace pgweir::bench
