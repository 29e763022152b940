// The one source of chance of a simulation: the same seed gives the same numbers on every machine. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pgweir::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 to n - 1; n is not 0.
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  // Both ends are included.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1p-53 < probability; }
  template <class List>
  auto& pick(List& list) {
    return list[static_cast<std::size_t>(below(list.size()))];
  }
  // Another source that does not depend on how much is drawn from this one later.
  Random fork() { return Random(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace pgweir::simulation
