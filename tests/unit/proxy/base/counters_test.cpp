#include "proxy/base/counters.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

std::size_t bucket_of(std::chrono::nanoseconds duration) {
  DurationHistogram histogram;
  histogram.observe(duration);
  std::size_t found = DurationHistogram::bounds + 1;
  for (std::size_t i = 0; i <= DurationHistogram::bounds; ++i) {
    if (histogram.count(i) == 0) continue;
    REQUIRE(histogram.count(i) == 1);
    REQUIRE(found == DurationHistogram::bounds + 1);
    found = i;
  }
  REQUIRE(found <= DurationHistogram::bounds);
  return found;
}

}  // namespace

TEST_CASE("a counter counts up and down") {
  Counter counter;
  counter.add();
  counter.add(5);
  counter.subtract(2);
  CHECK(counter.get() == 4);
}

TEST_CASE("a bucket holds its upper bound, and the next one what is a microsecond more") {
  for (std::size_t i = 0; i < DurationHistogram::bounds; ++i) {
    const std::chrono::microseconds bound(DurationHistogram::first_bound_us << i);
    INFO("bucket " << i);
    CHECK(bucket_of(bound) == i);
    CHECK(bucket_of(bound + 1us) == i + 1);
    CHECK(DurationHistogram::bound_seconds(i) == Approx(std::chrono::duration<double>(bound).count()));
  }
}

TEST_CASE("durations of nothing, before the beginning and beyond the end have a bucket too") {
  CHECK(bucket_of(0ns) == 0);
  CHECK(bucket_of(-1h) == 0);
  CHECK(bucket_of(24h) == DurationHistogram::bounds);
  CHECK(bucket_of(std::chrono::nanoseconds(std::numeric_limits<std::int64_t>::max())) ==
        DurationHistogram::bounds);
}

TEST_CASE("a histogram adds its durations up in microseconds") {
  DurationHistogram histogram;
  histogram.observe(1ms);
  histogram.observe(1500ns);
  histogram.observe(-5ms);
  CHECK(histogram.sum_us() == 1001);
}
