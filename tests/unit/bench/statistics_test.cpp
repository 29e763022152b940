#include "bench/statistics.hpp"

#include <catch2/catch.hpp>

using namespace pgweir::bench;

namespace {

std::vector<Micros> one_to(int last) {
  std::vector<Micros> out;
  for (int i = 1; i <= last; ++i) out.emplace_back(i);
  return out;
}

}  // namespace

TEST_CASE("a percentile is a value that occurred, by nearest rank") {
  const auto samples = one_to(100);
  CHECK(percentile(samples, 50) == Micros(50));
  CHECK(percentile(samples, 95) == Micros(95));
  CHECK(percentile(samples, 99) == Micros(99));
  CHECK(percentile(samples, 100) == Micros(100));
  CHECK(percentile(samples, 0.5) == Micros(1));
}

TEST_CASE("with few samples the high percentiles are the maximum") {
  const auto samples = one_to(10);
  CHECK(percentile(samples, 50) == Micros(5));
  CHECK(percentile(samples, 95) == Micros(10));
  CHECK(percentile(samples, 99) == Micros(10));
}

TEST_CASE("one sample is every percentile") {
  const Summary summary = summarize({Micros(7)});
  CHECK(summary.count == 1);
  CHECK(summary.p50 == Micros(7));
  CHECK(summary.max == Micros(7));
}

TEST_CASE("samples are summarized in any order, and none give a count of zero") {
  const Summary summary = summarize({Micros(30), Micros(10), Micros(20)});
  CHECK(summary.p50 == Micros(20));
  CHECK(summary.max == Micros(30));
  CHECK(summarize({}).count == 0);
}
