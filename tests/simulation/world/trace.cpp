#include "tests/simulation/world/trace.hpp"

#include <cstdio>

namespace pgweir::simulation {

void Trace::say(const std::string& who, const std::string& what) {
  char time[32];
  std::snprintf(time, sizeof time, "%12.6f  ", std::chrono::duration<double>(timeline_.now()).count());
  std::string line = time + who + std::string(who.size() < 12 ? 12 - who.size() : 1, ' ') + what;
  for (const char c : line) digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 1099511628211u;  // FNV-1a
  if (is_loud) std::printf("%s\n", line.c_str());
  lines_.push_back(std::move(line));
  if (lines_.size() > lines_max) lines_.pop_front();
}

std::string Trace::text(std::size_t most) const {
  std::string all;
  for (std::size_t i = lines_.size() > most ? lines_.size() - most : 0; i < lines_.size(); ++i)
    all += lines_[i] + "\n";
  return all;
}

}  // namespace pgweir::simulation
