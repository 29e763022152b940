// A DurationHistogram at one moment, all workers together, as plain numbers that can be added, subtracted and
// asked for percentiles. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "proxy/base/counters.hpp"

namespace pgweir {

struct DurationCounts {
  static constexpr std::size_t size = DurationHistogram::bounds + 1;

  std::array<std::uint64_t, size> counts{};

  void add(const DurationHistogram& histogram);
  // What has come since `earlier`. Counters never go down; a pool that was made anew begins at 0 again.
  DurationCounts since(const DurationCounts& earlier) const;
  std::uint64_t total() const;
  // The seconds that the share `q` (0 to 1) did not exceed. Between the bounds of a bucket this is linear, as
  // with Prometheus' histogram_quantile(), so that both tell the same. nullopt: nothing was counted.
  std::optional<double> percentile(double q) const;

  bool operator==(const DurationCounts&) const = default;
};

}  // namespace pgweir
