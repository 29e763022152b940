// A burst: many clients at once, each as client.hpp says. One thread, one io_context, however many clients.
#pragma once

#include "bench/burst_options.hpp"
#include "bench/burst_result.hpp"

namespace pgweir::bench {

// Runs the whole burst and returns when every client is served or has failed; checked options only.
// Throws std::runtime_error, with a sentence for the user, when it cannot start at all (name not resolved,
// too few file descriptors, the watched server not reachable).
BurstResult run_burst(const BurstOptions& options);

}  // namespace pgweir::bench
