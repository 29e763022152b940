#include "bench/fleet_report_html.hpp"

#include <cmath>
#include <limits>

#include "bench/svg_chart.hpp"
#include "bench/text_table.hpp"

namespace pgweir::bench {
namespace {

// Light and dark; the colours of the lines differ in lightness, too, and further targets begin anew.
constexpr const char* style_sheet = R"(
:root { color-scheme: light dark; --text: #1c2430; --soft: #5b6673; --grid: #dfe4ea; --back: #fff }
@media (prefers-color-scheme: dark) { :root { --text: #e4e9ef; --soft: #98a4b1; --grid: #303a45; --back: #14191f } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 1500px; margin: 2em auto; padding: 0 1.5em }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }
table { border-collapse: collapse } td, th { padding: .2em .9em .2em 0; text-align: right; font-weight: normal }
td:first-child, th:first-child, .texts td { text-align: left }
th { color: var(--soft); border-bottom: 1px solid var(--grid) }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(480px, 1fr)); gap: 1.5em }
svg { width: 100%; height: auto } svg text { font-size: 12px; fill: var(--soft) }
svg .title { font-size: 14px; font-weight: 600; fill: var(--text) }
path { fill: none; stroke-width: 1 } .axis { stroke: var(--soft) } .grid { stroke: var(--grid) }
.line { stroke-width: 1.8 } .dashed { stroke-dasharray: 4 4; opacity: .7 }
.s0 { stroke: #c2410c } .s1 { stroke: #0369a1 } .s2 { stroke: #15803d } .s3 { stroke: #a21caf }
.s4 { stroke: #b45309 } .s5 { stroke: #0f766e } .s6 { stroke: #be123c } .s7 { stroke: #4d7c0f }
.note { color: var(--soft) }
)";

constexpr const char* reading_help =
    R"(<p class="note">Latency counts from the moment an invocation was due, whether or not
its environment could begin then. Invocations that ran into the timeout or still waited when the run ended are in it, as long
as they had waited; those that were told an error are not. Time for which an environment was frozen does not count.
Every target got the same schedule, one target after the other.</p>
)";

std::string name_of(const Report& target) {
  return target.at("name").get<std::string>();
}

std::string cell(const std::string& text, const char* tag = "td") {
  return std::string("<") + tag + ">" + html_escaped(text) + "</" + tag + ">";
}

std::string count_text(const Report& value) {
  return value.is_null() ? "-" : grouped(value.get<std::uint64_t>());
}

std::string time_text(const Report& summary, const char* key) {
  return summary.at("count") == 0 ? "-" : milliseconds(summary.at(key).get<double>());
}

// 'key: value' pairs of the options, as they were.
std::string options_line(const Report& report) {
  std::string out;
  for (const auto& [key, value] : report.at("options").items())
    if (!value.is_null())
      out += (out.empty() ? "" : " &middot; ") + html_escaped(key) + " " +
             html_escaped(value.is_string() ? value.get<std::string>() : value.dump());
  const Report& schedule = report.at("schedule");
  return "<p class=\"note\">" + out + " &middot; seed " + schedule.at("seed").dump() + " &middot; schedule " +
         html_escaped(schedule.at("digest").get<std::string>()) + "</p>\n";
}

std::string summary_table(const Report& targets) {
  std::string out = "<table><tr>";
  for (const char* title : {"target", "invocations", "served", "failed", "unfinished", "unstarted",
                            "abandoned", "late", "p50", "p99", "p99.9", "max", "log in p99",
                            "clients, highest", "server connections, highest", "generator lag p99"})
    out += cell(title, "th");
  out += "</tr>\n";
  for (const Report& target : targets) {
    out += "<tr>" + cell(name_of(target) + " (" + target.at("address").get<std::string>() +
                         (target.at("interrupted") == true ? ", interrupted)" : ")"));
    const Report& counts = target.at("invocations");
    for (const char* key : {"planned", "served", "failed", "unfinished", "unstarted", "abandoned", "late"})
      out += cell(count_text(counts.at(key)));
    for (const char* key : {"p50", "p99", "p99.9", "max"})
      out += cell(time_text(target.at("latency_us"), key));
    out += cell(time_text(target.at("login_us"), "p99"));
    out += cell(count_text(target.at("connections").at("max")));
    const Report& seen = target.at("server_connections");
    out += cell(seen.is_null() ? "not watched" : count_text(seen.at("max")));
    out += cell(time_text(target.at("generator_lag_us"), "p99")) + "</tr>\n";
  }
  return out + "</table>\n";
}

std::string failure_table(const Report& targets) {
  std::string rows;
  for (const Report& target : targets)
    for (const auto& [group, what] : {std::pair{"failures", "invocation failed"},
                                      std::pair{"lost_connections", "connection found closed"}})
      for (const Report& failure : target.at(group))
        rows += "<tr>" + cell(name_of(target)) + cell(count_text(failure.at("count"))) + cell(what) +
                cell(failure.at("code").get<std::string>()) + cell(failure.at("stage").get<std::string>()) +
                cell(failure.at("text").get<std::string>()) + "</tr>\n";
  if (rows.empty()) return "<p>None.</p>\n";
  std::string heading;
  for (const char* title : {"target", "count", "what", "SQLSTATE or cause", "while", "text"})
    heading += cell(title, "th");
  return "<table class=\"texts\"><tr>" + heading + "</tr>\n" + rows + "</table>\n";
}

std::string query_table(const Report& targets) {
  std::string out = "<table><tr>";
  for (const char* title : {"target", "query", "weight", "served", "failed", "p50", "p99", "max"})
    out += cell(title, "th");
  out += "</tr>\n";
  for (const Report& target : targets)
    for (const Report& query : target.at("queries")) {
      out += "<tr>" + cell(name_of(target)) + cell(query.at("name").get<std::string>());
      for (const char* key : {"weight", "served", "failed"}) out += cell(count_text(query.at(key)));
      for (const char* key : {"p50", "p99", "max"}) out += cell(time_text(query.at("latency_us"), key));
      out += "</tr>\n";
    }
  return out + "</table>\n";
}

// One line for each target out of the series `key`, its values multiplied by `factor`.
std::vector<ChartLine> lines_of(const Report& targets, const char* key, double factor, bool dashed = false) {
  std::vector<ChartLine> out;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Report& series = targets[i].at("series");
    const double step = series.at("interval_us").get<double>() / 1e6;
    ChartLine line{name_of(targets[i]) + (dashed ? std::string(", ") + key : ""), i, dashed, {}};
    double at = 0;
    for (const Report& value : series.at(key)) {
      line.points.emplace_back(
          at, value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>() * factor);
      at += step;
    }
    if (!line.points.empty()) out.push_back(std::move(line));
  }
  return out;
}

std::string over_time(const Report& targets, const char* key, const char* title, const char* unit,
                      double factor, bool log_y = false) {
  Chart chart{title, "seconds", unit, log_y, {}, lines_of(targets, key, factor)};
  return svg_chart(chart);
}

// All targets have the same schedule, so what was due is drawn once.
std::string throughput(const Report& targets, double per_second) {
  Chart chart{"Invocations", "seconds", "per second", false, {}, lines_of(targets, "served", per_second)};
  const auto due = lines_of(Report::array({targets[0]}), "due", per_second, true);
  for (ChartLine line : due) {
    line.name = "due";
    line.color = 7;
    chart.lines.push_back(std::move(line));
  }
  return svg_chart(chart);
}

// The further to the right, the rarer: each step of ten is one more nine.
std::string percentiles(const Report& targets) {
  auto place = [](double percent) { return -std::log10(1 - percent / 100); };
  Chart chart{"Latency by percentile", "percentile", "ms", true, {}, {}};
  for (const auto& [percent, label] :
       {std::pair{0.0, "0"}, std::pair{50.0, "50"}, std::pair{90.0, "90"}, std::pair{99.0, "99"},
        std::pair{99.9, "99.9"}, std::pair{99.99, "99.99"}, std::pair{99.999, "99.999"}})
    chart.x_ticks.emplace_back(place(percent), label);
  double furthest = 1;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    ChartLine line{name_of(targets[i]), i, false, {}};
    for (const Report& point : targets[i].at("latency_us").at("distribution"))
      line.points.emplace_back(place(point.at(0).get<double>()), point.at(1).get<double>() / 1000);
    if (!line.points.empty()) furthest = std::max(furthest, line.points.back().first);
    chart.lines.push_back(std::move(line));
  }
  while (chart.x_ticks.size() > 1 && chart.x_ticks.back().first > furthest + 1e-9) chart.x_ticks.pop_back();
  return svg_chart(chart);
}

std::string charts(const Report& targets) {
  const double per_second = 1e6 / targets[0].at("series").at("interval_us").get<double>();
  std::string out = "<div class=\"charts\">\n";
  out += over_time(targets, "server_connections", "Server connections", "connections", 1);
  out += over_time(targets, "connections", "Connected clients", "clients", 1);
  out += throughput(targets, per_second);
  out += over_time(targets, "failed", "Failed invocations", "per second", per_second);
  out += percentiles(targets);
  out += over_time(targets, "latency_p99_us", "Latency, p99, by the time when due", "ms", 0.001, true);
  return out + "</div>\n";
}

}  // namespace

std::string fleet_html(const Report& report) {
  const Report& targets = report.at("targets");
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>Fleet benchmark</title><style>";
  out += style_sheet;
  out += "</style></head><body>\n<h1>Fleet benchmark</h1>\n" + options_line(report);
  if (!targets.empty()) {
    out += summary_table(targets) + reading_help + charts(targets);
    out += "<h2>Failures</h2>\n" + failure_table(targets) + "<h2>Queries</h2>\n" + query_table(targets);
  }
  return out + "</body></html>\n";
}

}  // namespace pgweir::bench
