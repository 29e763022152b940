// The one source of chance of a simulation: the same seed gives the same numbers on every machine. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/random.hpp"

namespace pgweir::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) : numbers_(seed) {}

  std::uint64_t next() { return numbers_.next(); }
  // 0 to n - 1; n is not 0.
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  // Both ends are included.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  bool chance(double probability) { return numbers_.chance(probability); }
  template <class List>
  auto& pick(List& list) {
    return list[static_cast<std::size_t>(below(list.size()))];
  }
  // Another source that does not depend on how much is drawn from this one later.
  Random fork() { return Random(next()); }

 private:
  bench::Random numbers_;
};

}  // namespace pgweir::simulation
