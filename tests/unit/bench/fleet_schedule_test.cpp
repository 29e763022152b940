#include "bench/fleet_schedule.hpp"

#include <cmath>
#include <limits>
#include <set>

#include <catch2/catch.hpp>

using namespace pgweir::bench;

namespace {

const QueryMix& mix() {
  static const ParsedMix parsed = parse_query_mix(default_query_mix(), "built-in");
  return parsed.mix;
}

FleetOptions options_with(void (*change)(FleetOptions&)) {
  FleetOptions options;
  options.environments = 2000;
  options.arrival_rate = 200;
  options.duration = Seconds(60);
  change(options);
  return options;
}

std::vector<Invocation> all_of(EnvironmentSchedule schedule) {
  std::vector<Invocation> out;
  while (const auto invocation = schedule.next()) out.push_back(*invocation);
  return out;
}

std::size_t arrived_before(const FleetSchedule& schedule, double seconds) {
  std::size_t count = 0;
  while (count < schedule.size() && Seconds(schedule.arrival(count)).count() < seconds) ++count;
  return count;
}

}  // namespace

TEST_CASE("the same seed makes the same schedule, another seed another one") {
  const FleetOptions options = options_with([](FleetOptions& o) {
    o.freeze = 0.3;
    o.freeze_in_transaction = 0.5;
    o.reap = 0.1;
  });
  const FleetSchedule schedule(options, mix()), again(options, mix());
  CHECK(schedule.totals().digest == again.totals().digest);
  CHECK(all_of(schedule.environment(77)) == all_of(again.environment(77)));
  CHECK(all_of(schedule.environment(77)) != all_of(schedule.environment(78)));
  FleetOptions other = options;
  other.seed = 2;
  CHECK(FleetSchedule(other, mix()).totals().digest != schedule.totals().digest);
}

TEST_CASE("environments arrive at the rate, random or even") {
  for (const Spacing spacing : {Spacing::poisson, Spacing::even}) {
    FleetOptions options = options_with([](FleetOptions&) {});
    options.spacing = spacing;
    const FleetSchedule schedule(options, mix());
    CHECK(schedule.size() == 2000);
    CHECK(static_cast<double>(arrived_before(schedule, 5)) == Approx(1000).epsilon(0.1));
    CHECK(Seconds(schedule.arrival(1999)).count() == Approx(10).epsilon(0.1));
  }
}

TEST_CASE("a burst arrives at once, the others at the rate behind it") {
  const FleetOptions options = options_with([](FleetOptions& o) { o.burst = 1500; });
  const FleetSchedule schedule(options, mix());
  CHECK(schedule.arrival(1499) == Micros(0));
  CHECK(schedule.arrival(1500) > Micros(0));
  CHECK(Seconds(schedule.arrival(1999)).count() == Approx(2.5).epsilon(0.2));
}

TEST_CASE("a ramp grows in a straight line") {
  // rate * t^2 / (2 * ramp): 250 after 5 s, 1000 after 10 s, 200 per second from then on.
  const FleetOptions options = options_with([](FleetOptions& o) {
    o.ramp = Seconds(10);
    o.spacing = Spacing::even;
  });
  const FleetSchedule schedule(options, mix());
  CHECK(static_cast<double>(arrived_before(schedule, 5)) == Approx(250).margin(2));
  CHECK(static_cast<double>(arrived_before(schedule, 10)) == Approx(1000).margin(2));
  CHECK(static_cast<double>(arrived_before(schedule, 12)) == Approx(1400).margin(2));
}

TEST_CASE("whoever would arrive after the end does not") {
  const FleetOptions options = options_with([](FleetOptions& o) { o.duration = Seconds(1); });
  const FleetSchedule schedule(options, mix());
  CHECK(schedule.size() < 260);
  CHECK(schedule.size() > 140);
}

TEST_CASE("invocations are due at their rate, the first at the arrival, none after the end") {
  const FleetOptions options = options_with([](FleetOptions& o) { o.invocation_rate = 5; });
  const FleetSchedule schedule(options, mix());
  std::size_t count = 0;
  double seconds = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    const auto invocations = all_of(schedule.environment(i));
    REQUIRE(!invocations.empty());
    CHECK(invocations.front().due == schedule.arrival(i));
    CHECK(invocations.back().due < Micros(60'000'000));
    for (std::size_t k = 1; k < invocations.size(); ++k) CHECK(invocations[k].due >= invocations[k - 1].due);
    count += invocations.size();
    seconds += 60 - Seconds(schedule.arrival(i)).count();
  }
  CHECK(static_cast<double>(count) / seconds == Approx(5).epsilon(0.03));
}

TEST_CASE("random gaps are exponential: their deviation is their mean") {
  const FleetOptions options = options_with([](FleetOptions& o) {
    o.invocation_rate = 100;
    o.burst = 2000;
  });
  const auto invocations = all_of(FleetSchedule(options, mix()).environment(0));
  double sum = 0, squares = 0;
  for (std::size_t i = 1; i < invocations.size(); ++i) {
    const double gap = Seconds(invocations[i].due - invocations[i - 1].due).count();
    sum += gap;
    squares += gap * gap;
  }
  const auto n = static_cast<double>(invocations.size() - 1);
  const double mean = sum / n;
  CHECK(mean == Approx(0.01).epsilon(0.06));
  CHECK(std::sqrt(squares / n - mean * mean) == Approx(mean).epsilon(0.1));
}

TEST_CASE("even gaps are all the same") {
  const FleetOptions options = options_with([](FleetOptions& o) {
    o.spacing = Spacing::even;
    o.think_time = Seconds(0.5);
    o.burst = 2000;
  });
  const auto invocations = all_of(FleetSchedule(options, mix()).environment(5));
  REQUIRE(invocations.size() == 120);
  CHECK(invocations[7].due - invocations[6].due == Micros(500'000));
}

TEST_CASE("environments freeze and are reaped as often as asked, and a thaw is the next invocation") {
  const FleetOptions options = options_with([](FleetOptions& o) {
    o.freeze = 0.25;
    o.freeze_in_transaction = 0.5;
    o.freeze_time = Seconds(0.2);
    o.reap = 0.1;
    o.invocation_rate = 10;
  });
  const FleetSchedule schedule(options, mix());
  double invocations = 0, freezing = 0, reaped = 0, in_transaction = 0;
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    const auto all = all_of(schedule.environment(i));
    for (std::size_t k = 0; k < all.size(); ++k) {
      ++invocations;
      if (all[k].then == Afterwards::stay) continue;
      ++freezing;
      in_transaction += all[k].in_transaction;
      reaped += all[k].then == Afterwards::be_reaped;
      CHECK(all[k].until >= all[k].due);
      if (all[k].then == Afterwards::be_reaped) CHECK(k + 1 == all.size());
      if (k + 1 < all.size()) CHECK(all[k + 1].due == all[k].until);
    }
  }
  CHECK(freezing / invocations == Approx(0.25).epsilon(0.05));
  CHECK(reaped / freezing == Approx(0.1).epsilon(0.1));
  CHECK(in_transaction / freezing == Approx(0.5).epsilon(0.05));
  const auto totals = schedule.totals();
  CHECK(static_cast<double>(totals.invocations) == invocations);
  CHECK(static_cast<double>(totals.reaped) == reaped);
  CHECK(static_cast<double>(totals.freezes + totals.reaped) == freezing);
}

TEST_CASE("a number of invocations ends an environment") {
  const FleetOptions options = options_with([](FleetOptions& o) { o.invocations = 3; });
  const auto invocations = all_of(FleetSchedule(options, mix()).environment(0));
  REQUIRE(invocations.size() == 3);
  CHECK(invocations[1].then == Afterwards::stay);
  CHECK(invocations[2].then == Afterwards::be_reaped);
}

TEST_CASE("random numbers stay within their bounds, extremes included") {
  Random random(0);
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.between(-3, 3));
  CHECK(seen.size() == 7);
  CHECK(*seen.begin() == -3);
  for (int i = 0; i < 1000; ++i) CHECK(random.fraction() < 1);
  random.between(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
}
