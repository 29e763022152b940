#include "proxy/base/duration_counts.hpp"

#include <catch2/catch.hpp>

namespace pgweir {
namespace {

using namespace std::chrono_literals;

DurationCounts counted(std::initializer_list<std::chrono::microseconds> durations) {
  DurationHistogram histogram;
  for (const auto duration : durations) histogram.observe(duration);
  DurationCounts counts;
  counts.add(histogram);
  return counts;
}

TEST_CASE("nothing has no percentile") {
  CHECK_FALSE(DurationCounts{}.percentile(0.5));
}

TEST_CASE("a percentile lies in the bucket that holds it, by its share of it") {
  // Four in the bucket above 16 and up to 32 us.
  const DurationCounts counts = counted({20us, 20us, 30us, 32us});
  CHECK(counts.total() == 4);
  CHECK(counts.percentile(0.25).value() == Approx(20e-6));
  CHECK(counts.percentile(0.5).value() == Approx(24e-6));
  CHECK(counts.percentile(1).value() == Approx(32e-6));
}

TEST_CASE("the first bucket begins at nothing") {
  CHECK(counted({1us, 1us}).percentile(0.5).value() == Approx(8e-6));
}

TEST_CASE("empty buckets in between are passed over") {
  const DurationCounts counts = counted({10us, 10us, 10us, 1s});
  CHECK(counts.percentile(0.75).value() == Approx(16e-6));
  CHECK(counts.percentile(0.76).value() > 0.5);
}

TEST_CASE("beyond the last bound the bound itself is told") {
  CHECK(counted({1h}).percentile(0.5).value() == Approx(DurationHistogram::bound_seconds(23)));
}

TEST_CASE("workers add up, and what came since is the difference") {
  DurationHistogram one;
  DurationHistogram two;
  one.observe(20us);
  two.observe(1ms);
  DurationCounts before;
  before.add(one);
  DurationCounts now = before;
  now.add(two);
  CHECK(now.total() == 2);
  CHECK(now.since(before).total() == 1);
  CHECK(now.since(before).percentile(1).value() == Approx(1.024e-3));
}

TEST_CASE("a histogram that begins anew gives no huge difference") {
  CHECK(counted({20us}).since(counted({20us, 20us, 20us})).total() == 1);
}

}  // namespace
}  // namespace pgweir
