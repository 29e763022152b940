#include "proxy/report/liveness.hpp"

namespace pgweir {

Liveness judge_liveness(const std::vector<TimePoint>& last_turns, TimePoint now) {
  Liveness liveness;
  for (std::size_t worker = 0; worker < last_turns.size(); ++worker) {
    const auto still = now - last_turns[worker];
    if (still < worker_stuck_after) continue;
    liveness.alive = false;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(still).count();
    liveness.text +=
        "worker " + std::to_string(worker) + " has been stuck for " + std::to_string(seconds) + " s\n";
  }
  if (liveness.alive) liveness.text = "ok\n";
  return liveness;
}

}  // namespace pgweir
