#include "bench/fleet_options.hpp"

#include <limits>

#include <catch2/catch.hpp>

using namespace pgweir::bench;

namespace {

FleetOptions good_options() {
  FleetOptions options;
  options.targets = {"direct=127.0.0.1:5432"};
  return options;
}

}  // namespace

TEST_CASE("the defaults of a fleet are in order once there is a target") {
  CHECK(check(good_options()).empty());
  CHECK(check(FleetOptions{}).size() == 1);
}

TEST_CASE("a target is a name, a host and a port") {
  FleetOptions options;
  options.targets = {"direct=db.internal:5432", "v6=[::1]:6432"};
  REQUIRE(check(options).empty());
  const auto targets = parse_targets(options);
  REQUIRE(targets.size() == 2);
  CHECK(targets[0].name == "direct");
  CHECK(targets[0].host == "db.internal");
  CHECK(targets[0].port == 5432);
  CHECK(targets[1].host == "::1");
}

TEST_CASE("what is not a target is named") {
  for (const char* bad : {"", "a", "a=b", "a=b:", "a=b:0", "a=b:65536", "a=b:x", "=b:1", "a=:1", "h:5432",
                          "a=b:1 ", "a=/run/postgresql:5432"}) {
    FleetOptions options;
    options.targets = {bad};
    INFO(bad);
    REQUIRE(check(options).size() == 1);
    CHECK(check(options).front() == std::string("--target ") + bad + " is not NAME=HOST:PORT");
  }
}

TEST_CASE("two targets cannot have the same name, and there are at most eight") {
  FleetOptions options;
  options.targets = {"a=b:1", "a=c:1"};
  CHECK(check(options).size() == 1);
  options.targets.clear();
  for (char name = 'a'; name <= 'i'; ++name) options.targets.push_back(std::string(1, name) + "=h:1");
  CHECK(check(options).size() == 1);
}

TEST_CASE("each wrong argument of a fleet is named") {
  struct Case {
    const char* argument;
    void (*spoil)(FleetOptions&);
  };
  const Case cases[] = {
      {"--user", [](FleetOptions& o) { o.user.clear(); }},
      {"--database", [](FleetOptions& o) { o.database = std::string("a\0b", 3); }},
      {"--environments", [](FleetOptions& o) { o.environments = 0; }},
      {"--environments", [](FleetOptions& o) { o.environments = 100'001; }},
      {"--burst", [](FleetOptions& o) { o.burst = o.environments + 1; }},
      {"--arrival-rate", [](FleetOptions& o) { o.arrival_rate = 0; }},
      {"--arrival-rate", [](FleetOptions& o) { o.arrival_rate = std::numeric_limits<double>::quiet_NaN(); }},
      {"--ramp", [](FleetOptions& o) { o.ramp = Seconds(-1); }},
      {"--duration", [](FleetOptions& o) { o.duration = Seconds(0); }},
      {"--duration", [](FleetOptions& o) { o.duration = Seconds(std::numeric_limits<double>::infinity()); }},
      {"--invocation-rate", [](FleetOptions& o) { o.invocation_rate = 0; }},
      {"--think-time", [](FleetOptions& o) { o.think_time = Seconds(-1); }},
      {"--freeze is", [](FleetOptions& o) { o.freeze = 1.1; }},
      {"--freeze-in-transaction", [](FleetOptions& o) { o.freeze_in_transaction = -0.1; }},
      {"--freeze-time", [](FleetOptions& o) { o.freeze_time = Seconds(0); }},
      {"--reap", [](FleetOptions& o) { o.reap = std::numeric_limits<double>::quiet_NaN(); }},
      {"--timeout", [](FleetOptions& o) { o.timeout = std::chrono::seconds(0); }},
      {"--grace", [](FleetOptions& o) { o.grace = Seconds(-1); }},
      {"--pause", [](FleetOptions& o) { o.pause = Seconds(-1); }},
      {"--source-addresses", [](FleetOptions& o) { o.source_addresses = 251; }},
      {"invocations in all",
       [](FleetOptions& o) {
         o.environments = 10'000;
         o.invocation_rate = 1000;
       }},
  };
  for (const Case& c : cases) {
    FleetOptions options = good_options();
    c.spoil(options);
    const auto problems = check(options);
    INFO(c.argument);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().find(c.argument) != std::string::npos);
  }
}

TEST_CASE("a think time takes the place of the invocation rate") {
  FleetOptions options = good_options();
  options.invocation_rate = 4;
  CHECK(options.interval() == Seconds(0.25));
  options.think_time = Seconds(2);
  CHECK(options.interval() == Seconds(2));
}
