// Durations counted in buckets of bounded relative width, so that a percentile of a hundred million samples
// costs kilobytes and is off by less than `error_max`. (The idea is HdrHistogram's.)
//
//   value, us:  0 ... 255 | 256 ... 511 | 512 ... 1023 | ...        each column: 256 buckets
//   width, us:      1     |      1      |       2      |  4, 8, ...
//
// A value is reported as the largest one of its bucket, never above the largest one recorded.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/statistics.hpp"

namespace pgweir::bench {

class LatencyHistogram {
 public:
  static constexpr unsigned precision_bits = 8;
  static constexpr double error_max = 1.0 / (1U << precision_bits);
  // Longer ones are counted as this long. Twelve days: no run lasts as long.
  static constexpr Micros longest{(std::int64_t{1} << 40) - 1};

  // A negative duration counts as zero.
  void record(Micros value);
  void merge(const LatencyHistogram& other);

  std::uint64_t count() const { return count_; }
  // The others mean nothing while count() is 0.
  Micros max() const { return max_; }
  Micros mean() const;
  // Nearest rank; 0 < percent <= 100.
  Micros percentile(double percent) const;

 private:
  std::vector<std::uint64_t> buckets_;  // as many as the longest value so far needs
  std::uint64_t count_ = 0;
  std::uint64_t sum_us_ = 0;
  Micros max_{};
};

}  // namespace pgweir::bench
