#include "proxy/base/duration_counts.hpp"

#include <numeric>

namespace pgweir {

void DurationCounts::add(const DurationHistogram& histogram) {
  for (std::size_t i = 0; i < size; ++i) counts[i] += histogram.count(i);
}

DurationCounts DurationCounts::since(const DurationCounts& earlier) const {
  DurationCounts difference;
  for (std::size_t i = 0; i < size; ++i)
    difference.counts[i] = counts[i] >= earlier.counts[i] ? counts[i] - earlier.counts[i] : counts[i];
  return difference;
}

std::uint64_t DurationCounts::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::optional<double> DurationCounts::percentile(double q) const {
  const std::uint64_t all = total();
  if (all == 0) return std::nullopt;
  const double rank = q * static_cast<double>(all);
  double before = 0;
  for (std::size_t i = 0; i < DurationHistogram::bounds; ++i) {
    const double here = static_cast<double>(counts[i]);
    if (here > 0 && before + here >= rank) {
      const double low = i == 0 ? 0 : DurationHistogram::bound_seconds(i - 1);
      return low + (DurationHistogram::bound_seconds(i) - low) * (rank - before) / here;
    }
    before += here;
  }
  // Beyond the last bound it is only known that the duration was longer.
  return DurationHistogram::bound_seconds(DurationHistogram::bounds - 1);
}

}  // namespace pgweir
