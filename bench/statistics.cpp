#include "bench/statistics.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace pgweir::bench {

Micros percentile(const std::vector<Micros>& sorted, double percent) {
  assert(!sorted.empty() && percent > 0 && percent <= 100);
  const double rank = std::ceil(percent * static_cast<double>(sorted.size()) / 100.0);
  const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return sorted[std::min(index, sorted.size() - 1)];
}

Summary summarize(std::vector<Micros> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  return {samples.size(), percentile(samples, 50), percentile(samples, 95), percentile(samples, 99),
          samples.back()};
}

}  // namespace pgweir::bench
