#include <catch2/catch.hpp>

#include "bench/fleet_progress.hpp"
#include "bench/fleet_recorder.hpp"
#include "bench/fleet_report_html.hpp"
#include "bench/fleet_report_json.hpp"
#include "bench/svg_chart.hpp"

using namespace pgweir::bench;
using std::chrono::milliseconds;

namespace {

struct Sample {
  FleetOptions options;
  ParsedMix parsed = parse_query_mix("a 1: SELECT 1\nb 1: SELECT 2\n", "mix");
  FleetRecorder recorder{options, 2};

  Sample() {
    options.targets = {"direct=db:5432"};
    options.password = "very secret";
    options.watch = "host=db password=hidden";
    recorder.result().target = {"direct <b>", "db", 5432};
    recorder.arrived();
    recorder.connected(milliseconds(3), milliseconds(3));
    recorder.started(due(0), milliseconds(1));
    recorder.served(due(0), milliseconds(5), Micros(0));
    recorder.started(due(100), milliseconds(150));
    recorder.served(due(100), milliseconds(1180), milliseconds(1000));
    recorder.started(due(1200), milliseconds(1200));
    recorder.failed(due(1200), milliseconds(1201), Micros(0),
                    {"53300", "too many <clients>", Stage::logging_in});
    recorder.started(due(1300), milliseconds(1300));
    recorder.failed(due(1300), milliseconds(61'300), Micros(0), {"TIMEOUT", "no answer", Stage::querying});
    recorder.unfinished(due(61'000), milliseconds(62'000));
    recorder.unstarted(due(61'500), milliseconds(62'000));
    recorder.abandoned();
    recorder.not_due();
    recorder.lost(milliseconds(62'000), {"57P05", "idle", Stage::thawing});
    ServerConnections seen;
    seen.max = 17;
    seen.samples = 40;
    seen.course.push_back({Clock::time_point{}, 1});
    recorder.result().server_connections = seen;
    recorder.result().series.server.set(milliseconds(300), 17);
  }

  static Invocation due(int ms) {
    Invocation out;
    out.due = milliseconds(ms);
    out.query = 1;
    return out;
  }

  Report report() { return make_fleet_report(options, parsed.mix, {}, {recorder.result()}); }
};

}  // namespace

TEST_CASE("every invocation of a fleet is counted once") {
  const Report report = Sample().report();
  const Report& counts = report.at("targets").at(0).at("invocations");
  CHECK(counts.at("planned") == 8);
  CHECK(counts.at("served") == 2);
  CHECK(counts.at("failed") == 2);
  for (const char* key : {"unfinished", "unstarted", "abandoned", "not_due"}) CHECK(counts.at(key) == 1);
  CHECK(counts.at("late") == 2);
}

TEST_CASE("latency counts from when an invocation was due, for all that had to wait") {
  const Report report = Sample().report();
  const Report& target = report.at("targets").at(0);
  // 5 and 80 ms served (the second one was frozen for a second), 60 s timeout, 1 s unfinished, 0.5 s
  // unstarted.
  CHECK(target.at("latency_us").at("count") == 5);
  CHECK(target.at("latency_us").at("max") == 60'000'000);
  CHECK(target.at("latency_us").at("p50").get<double>() == Approx(500'000).epsilon(0.01));
  CHECK(target.at("error_latency_us").at("count") == 1);
  CHECK(target.at("queries").at(1).at("latency_us").at("count") == 5);
  CHECK(target.at("queries").at(0).at("latency_us").at("count") == 0);
}

TEST_CASE("failures and lost connections of a fleet are told by their codes") {
  const Report report = Sample().report();
  const Report& target = report.at("targets").at(0);
  CHECK(target.at("failures_by_code").at("53300") == 1);
  CHECK(target.at("failures_by_code").at("TIMEOUT") == 1);
  CHECK(target.at("lost_connections").at(0).at("stage") == "thawing");
  CHECK(target.at("connections").at("max") == 1);
}

TEST_CASE("the series of a fleet add up to its counts") {
  const Report report = Sample().report();
  const Report& series = report.at("targets").at(0).at("series");
  CHECK(series.at("interval_us") == 200'000);
  auto sum = [&](const char* key) {
    std::uint64_t out = 0;
    for (const Report& value : series.at(key)) out += value.get<std::uint64_t>();
    return out;
  };
  CHECK(sum("due") == 5);
  CHECK(sum("served") == 2);
  CHECK(sum("failed") == 2);
  CHECK(series.at("server_connections") == Report({0, 17}));
  CHECK(series.at("latency_p99_us").at(1).is_null());
}

TEST_CASE("all series of a fleet last as long as the run") {
  Sample sample;
  sample.recorder.ended(std::chrono::seconds(70));
  const Report report = sample.report();
  const Report& target = report.at("targets").at(0);
  CHECK(target.at("wall_us") == 70'000'000);
  for (const char* key : {"due", "served", "failed", "latency_p99_us", "connections"})
    CHECK(target.at("series").at(key).size() == 351);
}

TEST_CASE("no report of a fleet tells a secret") {
  const Report report = Sample().report();
  for (const std::string& text : {report.dump(), fleet_table(report), fleet_html(report)}) {
    CHECK(text.find("secret") == std::string::npos);
    CHECK(text.find("hidden") == std::string::npos);
  }
}

TEST_CASE("the table of a fleet shows its targets side by side") {
  Report report = Sample().report();
  report["targets"].push_back(report["targets"][0]);
  report["targets"][1]["name"] = "pooled";
  const std::string table = fleet_table(report);
  CHECK(table.find("direct") < table.find("pooled"));
  CHECK(table.find("60,000.0 ms") == std::string::npos);
  CHECK(table.find("60000.0 ms") != std::string::npos);
  CHECK(table.find("pooled: 1 failed with 53300 too many <clients> (logging in)") != std::string::npos);
  CHECK(table.find("pooled: 1 connections lost with 57P05 idle (thawing)") != std::string::npos);
}

TEST_CASE("the page of a fleet needs nothing else, and text in it is text") {
  const std::string page = fleet_html(Sample().report());
  CHECK(page.rfind("<!DOCTYPE html>", 0) == 0);
  for (const char* title :
       {"Server connections", "Invocations", "Failed invocations", "Latency by percentile"})
    CHECK(page.find(title) != std::string::npos);
  CHECK(page.find("53300") != std::string::npos);
  CHECK(page.find("direct &lt;b&gt;") != std::string::npos);
  CHECK(page.find("<b>") == std::string::npos);
  CHECK(page.find("<clients>") == std::string::npos);
  for (const char* outside : {"http:", "https:", "src=", "href=", "@import", "nan", "inf"}) {
    INFO(outside);
    CHECK(page.find(outside) == std::string::npos);
  }
}

TEST_CASE("a fleet that was ended before it began still has a page and a table") {
  const FleetOptions options;
  const ParsedMix parsed = parse_query_mix(default_query_mix(), "mix");
  const Report none = make_fleet_report(options, parsed.mix, {}, {});
  CHECK(fleet_html(none).find("</html>") != std::string::npos);
  const FleetRecorder nothing(options, parsed.mix.size());
  const Report empty = make_fleet_report(options, parsed.mix, {}, {nothing.result()});
  CHECK(fleet_html(empty).find("</html>") != std::string::npos);
  CHECK(!fleet_table(empty).empty());
}

TEST_CASE("a chart leaves gaps where there is no value") {
  Chart chart{"t", "x", "y", false, {}, {{"a", 0, false, {{0, 1}, {1, NAN}, {2, 3}, {3, 4}}}}};
  const std::string svg = svg_chart(chart);
  const std::string path = svg.substr(svg.find("class=\"line s0\""));
  CHECK(std::count(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(path.find("/>")), 'M') == 2);
}

TEST_CASE("an interval is the shortest round one that a chart can show") {
  CHECK(interval_for(milliseconds(10)) == milliseconds(100));
  CHECK(interval_for(std::chrono::seconds(24)) == milliseconds(100));
  CHECK(interval_for(std::chrono::seconds(25)) == milliseconds(200));
  CHECK(interval_for(std::chrono::hours(24)) == std::chrono::seconds(500));
}

TEST_CASE("a level holds until it changes, and a peak within an interval is kept") {
  LevelSeries series(milliseconds(100));
  series.set(milliseconds(10), 5);
  series.set(milliseconds(20), 2);
  series.set(milliseconds(350), 3);
  CHECK(series.values() == std::vector<std::uint64_t>{5, 2, 2, 3});
}

TEST_CASE("the progress of a fleet is one line") {
  const Sample sample;
  const std::string line =
      fleet_progress_line("direct", sample.recorder.result(), std::chrono::seconds(7), Seconds(30));
  CHECK(line.find("direct 7/30 s: 1 environments") == 0);
  CHECK(line.find('\n') == std::string::npos);
}
