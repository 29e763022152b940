// Runs a simulation in a process of its own: one that crashes or hangs is a failed simulation, and none sees what
// another one has left in the process.
#pragma once

#include <cstdint>

#include "tests/simulation/world/outcome.hpp"
#include "tests/simulation/world/plan.hpp"

namespace pgweir::simulation {

Outcome run_apart(std::uint64_t seed, const Plan& plan);

}  // namespace pgweir::simulation
