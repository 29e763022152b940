// The search for a shorter simulation that still fails: fewer clients, faults, statements, less time.
#pragma once

#include <cstdint>
#include <functional>

#include "tests/simulation/world/outcome.hpp"
#include "tests/simulation/world/plan.hpp"

namespace pgweir::simulation {

// Tries at most `most` simulations by `run`, and gives the smallest plan that failed in the same way. `failed` is what
// the plan that is given came to. `progress` is told of each plan that failed, too.
Plan shrink(const Plan& plan, const Outcome& failed, int most, const std::function<Outcome(const Plan&)>& run,
            const std::function<void(const Plan&, const Outcome&)>& progress);

}  // namespace pgweir::simulation
