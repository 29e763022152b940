// A progress bar on stderr, only when that is a terminal: a log file must not get one.
#pragma once

#include <cstddef>
#include <string>

#include "bench/burst_result.hpp"

namespace pgweir::bench {

// One line without its end, at most 79 columns wide.
std::string progress_line(const BurstResult& so_far, std::size_t clients, Clock::duration elapsed);

class Progress {
 public:
  Progress(std::size_t clients, bool wanted);

  void show(const BurstResult& so_far, Clock::duration elapsed);
  void clear();

 private:
  std::size_t clients_;
  bool active_;
};

}  // namespace pgweir::bench
