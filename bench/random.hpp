// Random numbers that are the same on every machine: the standard's distributions are not.
#pragma once

#include <cassert>
#include <cmath>
#include <cstdint>

namespace pgweir::bench {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // SplitMix64 (Steele, Lea, Flood 2014): any seed is a good one, also 0, 1, 2, ...
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  // [0, 1)
  double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  bool chance(double probability) { return fraction() < probability; }
  // Time to the next event of a Poisson process whose events are `mean` apart.
  double exponential(double mean) { return -std::log1p(-fraction()) * mean; }
  // low <= result <= high. The remainder favours low values by less than 2^-32 for ranges below 2^32.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    assert(low <= high);
    const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    const std::uint64_t offset = range == 0 ? next() : next() % range;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
  }

 private:
  std::uint64_t state_;
};

}  // namespace pgweir::bench
