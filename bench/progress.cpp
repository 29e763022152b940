#include "bench/progress.hpp"

#include <unistd.h>

#include <cstdio>

namespace pgweir::bench {

std::string progress_line(const BurstResult& so_far, std::size_t clients, Clock::duration elapsed) {
  constexpr std::size_t bar_width = 24;
  const std::size_t finished = so_far.served + so_far.failed;
  const std::size_t filled = clients == 0 ? 0 : (finished + so_far.connected_now) * bar_width / clients;
  const std::size_t done = clients == 0 ? 0 : finished * bar_width / clients;
  // '=' has left, '-' is connected.
  std::string bar = std::string(done, '=') + std::string(filled - done, '-');
  bar.resize(bar_width, ' ');
  char line[160];
  std::snprintf(line, sizeof line, "[%s] %zu connected, %zu served, %zu failed, %.1f s", bar.c_str(),
                so_far.connected_now, so_far.served, so_far.failed,
                std::chrono::duration<double>(elapsed).count());
  return std::string(line).substr(0, 79);
}

Progress::Progress(std::size_t clients, bool wanted) : clients_(clients), active_(wanted && isatty(2) == 1) {}

void Progress::show(const BurstResult& so_far, Clock::duration elapsed) {
  if (active_) std::fprintf(stderr, "\r\033[K%s", progress_line(so_far, clients_, elapsed).c_str());
}

void Progress::clear() {
  if (active_) std::fputs("\r\033[K", stderr);
}

}  // namespace pgweir::bench
