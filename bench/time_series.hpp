// Values in equal intervals of a run's time, for charts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/statistics.hpp"

namespace pgweir::bench {

// The shortest of 100 ms, 200 ms, 500 ms, 1 s, 2 s, 5 s, ... that cuts `length` into at most 240 intervals:
// what a chart can show.
Micros interval_for(Micros length);

template <class Value>
class TimeSeries {
 public:
  explicit TimeSeries(Micros interval) : interval_(interval) {}

  // The value of the interval that `at`, counted from the run's start, falls into. Missing ones are made.
  Value& at(Micros at) {
    const auto index = static_cast<std::size_t>(std::max(at, Micros(0)) / interval_);
    if (index >= values_.size()) values_.resize(index + 1);
    return values_[index];
  }

  Micros interval() const { return interval_; }
  const std::vector<Value>& values() const { return values_; }

 private:
  Micros interval_;
  std::vector<Value> values_;
};

// The highest level in each interval. An interval without a sample has the level that held when it began.
class LevelSeries {
 public:
  explicit LevelSeries(Micros interval) : peaks_(interval) {}

  void set(Micros at, std::uint64_t level) {
    const std::size_t known = peaks_.values().size();
    peaks_.at(at);
    for (std::size_t i = known; i < peaks_.values().size(); ++i)
      peaks_.at(peaks_.interval() * static_cast<std::int64_t>(i)) = level_;
    std::uint64_t& peak = peaks_.at(at);
    peak = std::max(peak, level);
    level_ = level;
  }

  const std::vector<std::uint64_t>& values() const { return peaks_.values(); }

 private:
  TimeSeries<std::uint64_t> peaks_;
  std::uint64_t level_ = 0;
};

}  // namespace pgweir::bench
