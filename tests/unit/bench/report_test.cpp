#include "bench/report.hpp"

#include <catch2/catch.hpp>

#include "bench/progress.hpp"

using namespace pgweir::bench;

namespace {

BurstResult sample_result() {
  BurstResult result;
  result.served = 17;
  result.failed = 1983;
  result.connected_max = 17;
  result.wall = Micros(1'234'000);
  result.connect_times = {Micros(1000), Micros(2500)};
  for (int i = 0; i < 1983; ++i) result.failures.add({"53300", "too many clients", Stage::logging_in});
  result.server_connections = ServerConnections{17, 40, ""};
  return result;
}

BurstOptions sample_options() {
  BurstOptions options;
  options.clients = 2000;
  options.password = "very secret";
  options.watch = "host=db password=hidden";
  return options;
}

}  // namespace

TEST_CASE("a report has the counts, the times in microseconds and the failures") {
  const Report report = make_report(sample_options(), sample_result());
  CHECK(report.at("clients") == 2000);
  CHECK(report.at("served") == 17);
  CHECK(report.at("connect_us").at("p50") == 1000);
  CHECK(report.at("transaction_us").at("count") == 0);
  CHECK(report.at("server_connections").at("max") == 17);
  CHECK(report.at("failures").at(0).at("count") == 1983);
}

TEST_CASE("a report tells no secret") {
  const std::string text = make_report(sample_options(), sample_result()).dump();
  CHECK(text.find("secret") == std::string::npos);
  CHECK(text.find("hidden") == std::string::npos);
}

TEST_CASE("the table shows reports side by side, with dashes where nothing was measured") {
  const Report report = make_report(sample_options(), sample_result());
  const std::string table = report_table({{"direct", report}, {"pooled", report}});
  CHECK(table.find("direct") < table.find("pooled"));
  CHECK(table.find("pooled") < table.find('\n'));
  CHECK(table.find("1,983") != std::string::npos);
  CHECK(table.find("2.5 ms") != std::string::npos);
  CHECK(table.find("direct: 1,983 failed with 53300 too many clients (logging in)") != std::string::npos);
  CHECK(table.find(" -") != std::string::npos);
}

TEST_CASE("a table of something else is an error") {
  CHECK_THROWS_AS(report_table({{"x", Report{{"clients", 1}}}}), nlohmann::json::exception);
}

TEST_CASE("the progress line fits a terminal at any count") {
  BurstResult result;
  result.served = 500'000;
  result.failed = 300'000;
  result.connected_now = 200'000;
  CHECK(progress_line(result, 1'000'000, std::chrono::hours(1)).size() <= 79);
  CHECK(progress_line({}, 1000, {}).find("0 served") != std::string::npos);
}
