// What one simulation came to.
#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/kernel/timeline.hpp"

namespace pgweir::simulation {

struct Outcome {
  std::string failure;  // empty: nothing was wrong
  std::uint64_t batches = 0;
  std::uint64_t messages = 0;  // that clients got
  std::uint64_t transactions = 0;
  std::uint64_t faults = 0;
  std::uint64_t cancels = 0;
  std::uint64_t logins = 0;  // to the server
  std::uint64_t calls = 0;   // of the kernel
  std::uint64_t memory = 0;  // the most that the program had allocated, in bytes
  std::uint64_t digest = 0;  // of the trace
  SimTime simulated{};
  std::string trace;  // the end of it, after a failure
};

}  // namespace pgweir::simulation
