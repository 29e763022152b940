// What has happened, in words, with the simulated time: what is printed when a simulation fails. Kept up to a limit,
// the oldest lines go first.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "tests/simulation/kernel/timeline.hpp"

namespace pgweir::simulation {

class Trace {
 public:
  explicit Trace(const Timeline& timeline) : timeline_(timeline) {}

  static constexpr std::size_t lines_max = 4'000;

  void say(const std::string& who, const std::string& what);
  // Every line at once, too.
  bool is_loud = false;
  // The last lines.
  std::string text(std::size_t most) const;
  // Of all lines that were ever said: two runs of one seed have the same.
  std::uint64_t digest() const { return digest_; }

 private:
  const Timeline& timeline_;
  std::deque<std::string> lines_;
  std::uint64_t digest_ = 14695981039346656037u;
};

}  // namespace pgweir::simulation
