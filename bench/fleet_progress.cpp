#include "bench/fleet_progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace pgweir::bench {
namespace {

constexpr Micros interval_on_terminal = std::chrono::milliseconds(200);
constexpr Micros interval_elsewhere = std::chrono::seconds(10);

}  // namespace

std::string fleet_progress_line(const std::string& target, const FleetResult& so_far, Micros elapsed,
                                Seconds duration) {
  const double seconds = Seconds(elapsed).count();
  const double p99_ms = static_cast<double>(so_far.latency.percentile(99).count()) / 1000;
  char line[240];
  std::snprintf(line, sizeof line,
                "%.20s %.0f/%.0f s: %llu environments, %llu connected, %llu served, %llu failed, p99 %.1f ms",
                target.c_str(), seconds, duration.count(),
                static_cast<unsigned long long>(so_far.environments.arrived),
                static_cast<unsigned long long>(so_far.connections.now),
                static_cast<unsigned long long>(so_far.invocations.served),
                static_cast<unsigned long long>(so_far.invocations.failed), p99_ms);
  return line;
}

FleetProgress::FleetProgress(const FleetOptions& options, std::string target)
    : target_(std::move(target)),
      duration_(options.duration),
      wanted_(options.progress),
      terminal_(isatty(2) == 1),
      next_(terminal_ ? Micros(0) : interval_elsewhere) {}

void FleetProgress::show(const FleetResult& so_far, Micros elapsed) {
  if (!wanted_ || elapsed < next_) return;
  next_ = elapsed + (terminal_ ? interval_on_terminal : interval_elsewhere);
  std::fprintf(stderr, "%s%s%s", terminal_ ? "\r\033[K" : "",
               fleet_progress_line(target_, so_far, elapsed, duration_).c_str(), terminal_ ? "" : "\n");
}

void FleetProgress::finish(const FleetResult& result, Micros elapsed) {
  if (!wanted_) return;
  std::fprintf(stderr, "%s%s\n", terminal_ ? "\r\033[K" : "",
               fleet_progress_line(target_, result, elapsed, duration_).c_str());
}

}  // namespace pgweir::bench
