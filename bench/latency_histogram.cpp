#include "bench/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

namespace pgweir::bench {
namespace {

constexpr unsigned bits = LatencyHistogram::precision_bits;
constexpr std::uint64_t column_size = std::uint64_t{1} << bits;

// How many low bits do not matter for the bucket of this value.
unsigned shift_of(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  return width <= bits + 1 ? 0 : width - bits - 1;
}

std::size_t bucket_of(std::uint64_t value) {
  const unsigned shift = shift_of(value);
  return static_cast<std::size_t>(shift * column_size + (value >> shift));
}

std::uint64_t highest_in(std::size_t bucket) {
  if (bucket < 2 * column_size) return bucket;
  const std::uint64_t shift = bucket / column_size - 1;
  const std::uint64_t top = bucket - shift * column_size;
  return ((top + 1) << shift) - 1;
}

}  // namespace

void LatencyHistogram::record(Micros value) {
  value = std::clamp(value, Micros(0), longest);
  const auto us = static_cast<std::uint64_t>(value.count());
  const std::size_t bucket = bucket_of(us);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  sum_us_ += us;
  max_ = std::max(max_, value);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_us_ += other.sum_us_;
  max_ = std::max(max_, other.max_);
}

Micros LatencyHistogram::mean() const {
  return count_ == 0 ? Micros(0) : Micros(static_cast<std::int64_t>(sum_us_ / count_));
}

Micros LatencyHistogram::percentile(double percent) const {
  assert(percent > 0 && percent <= 100);
  const double exact = std::ceil(percent * static_cast<double>(count_) / 100.0);
  const auto rank = std::max(static_cast<std::uint64_t>(exact), std::uint64_t{1});
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(Micros(static_cast<std::int64_t>(highest_in(i))), max_);
  }
  return max_;
}

}  // namespace pgweir::bench
