// What the page asks for, as JSON: the state of the process and its pools each second, and once, when it is
// opened, what they did in the last minutes. Texts that clients or servers have chosen are cut to a length
// and made valid UTF-8; how many pools are told of is bounded. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proxy/dashboard/history.hpp"

namespace pgweir::dashboard {

// The most troubled ones come first, so nothing that matters is left out.
constexpr std::size_t pools_max = 64;
constexpr std::size_t name_max = 200;
constexpr std::size_t text_max = 600;

struct ProcessFacts {
  std::string version;
  std::chrono::seconds uptime{0};
  std::size_t workers = 0;
  std::size_t clients = 0;
  std::size_t max_clients = 0;
  bool draining = false;
  bool ready = false;
  std::int64_t certificate_expires = 0;  // seconds since 1970; 0: there is none
};

struct StateInput {
  ProcessFacts process;
  const std::vector<PoolFacts>& pools;
  const History& history;
  std::function<bool(const std::string& database)> is_disabled;
  TimePoint now{};
  std::chrono::system_clock::time_point wall{};  // the same moment
};

std::string state_json(const StateInput& input);
std::string history_json(const History& history);

}  // namespace pgweir::dashboard
