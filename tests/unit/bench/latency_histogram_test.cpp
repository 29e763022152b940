#include "bench/latency_histogram.hpp"

#include <algorithm>
#include <cstdint>

#include <catch2/catch.hpp>

#include "bench/random.hpp"

using namespace pgweir::bench;

TEST_CASE("an empty histogram counts nothing") {
  const LatencyHistogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.max() == Micros(0));
  CHECK(histogram.mean() == Micros(0));
  CHECK(histogram.percentile(99) == Micros(0));
}

TEST_CASE("below 512 us every value has a bucket of its own") {
  for (int us = 0; us < 512; ++us) {
    LatencyHistogram histogram;
    histogram.record(Micros(us));
    histogram.record(Micros(100'000));
    CHECK(histogram.percentile(50) == Micros(us));
  }
}

TEST_CASE("a single value comes back within the error bound, never below itself") {
  std::vector<std::int64_t> values;
  for (unsigned bit = 0; bit < 40; ++bit)
    for (const std::int64_t near : {-1, 0, 1}) values.push_back((std::int64_t{1} << bit) + near);
  Random random(7);
  for (int i = 0; i < 1000; ++i) values.push_back(static_cast<std::int64_t>(random.next() >> (24 + i % 40)));
  for (const std::int64_t us : values) {
    LatencyHistogram histogram;
    histogram.record(Micros(us));
    histogram.record(LatencyHistogram::longest);  // so that the maximum does not bound the answer
    const std::int64_t reported = histogram.percentile(50).count();
    INFO(us);
    CHECK(reported >= us);
    CHECK(static_cast<double>(reported - us) <= LatencyHistogram::error_max * static_cast<double>(us));
  }
}

TEST_CASE("percentiles agree with sorted samples within the error bound") {
  Random random(42);
  LatencyHistogram histogram;
  std::vector<Micros> samples;
  for (int i = 0; i < 20'000; ++i) {
    samples.emplace_back(static_cast<std::int64_t>(random.exponential(30'000)));
    histogram.record(samples.back());
  }
  std::sort(samples.begin(), samples.end());
  for (const double percent : {0.1, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto exact = static_cast<double>(percentile(samples, percent).count());
    const auto reported = static_cast<double>(histogram.percentile(percent).count());
    INFO(percent);
    CHECK(reported >= exact);
    CHECK(reported <= exact * (1 + LatencyHistogram::error_max) + 1);
  }
  CHECK(histogram.max() == samples.back());
  CHECK(histogram.count() == samples.size());
}

TEST_CASE("the maximum is exact, and no percentile exceeds it") {
  LatencyHistogram histogram;
  histogram.record(Micros(1'000'003));
  CHECK(histogram.percentile(50) == Micros(1'000'003));
  CHECK(histogram.mean() == Micros(1'000'003));
}

TEST_CASE("what cannot be is counted at the edges") {
  LatencyHistogram histogram;
  histogram.record(Micros(-5));
  histogram.record(Micros(std::int64_t{1} << 50));
  CHECK(histogram.percentile(50) == Micros(0));
  CHECK(histogram.max() == LatencyHistogram::longest);
}

TEST_CASE("merged histograms count as one") {
  LatencyHistogram a, b, both;
  for (int i = 0; i < 1000; ++i) {
    (i % 3 == 0 ? a : b).record(Micros(i * i));
    both.record(Micros(i * i));
  }
  a.merge(b);
  CHECK(a.count() == both.count());
  CHECK(a.mean() == both.mean());
  for (const double percent : {1.0, 50.0, 99.0, 100.0})
    CHECK(a.percentile(percent) == both.percentile(percent));
}
