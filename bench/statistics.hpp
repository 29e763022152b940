// Order statistics of measured durations.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace pgweir::bench {

using Clock = std::chrono::steady_clock;
using Micros = std::chrono::microseconds;

struct Summary {
  std::size_t count = 0;  // 0: the others mean nothing
  Micros p50{}, p95{}, p99{}, max{};
};

// Nearest-rank percentile: the smallest sample that at least `percent` % of the samples do not exceed, so it
// is a value that really occurred. `sorted` is ascending and not empty; 0 < percent <= 100.
Micros percentile(const std::vector<Micros>& sorted, double percent);

// Takes a copy, because it sorts.
Summary summarize(std::vector<Micros> samples);

}  // namespace pgweir::bench
