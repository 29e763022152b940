// What exists at one moment: clients, server connections and pools, as facts that nothing can change any
// more. Only the console and the dashboard look at it; no query pays for it.
// Thread rule: the main thread, which never waits for a worker; the rest is plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "proxy/base/clock.hpp"
#include "proxy/base/facts.hpp"

namespace pgweir {

struct Sources;

struct Inventory {
  TimePoint now{};
  std::chrono::system_clock::time_point wall{};
  std::vector<PoolFacts> pools;
  std::vector<ClientFacts> clients;
  std::vector<ServerFacts> servers;
  // All clients, described or not, with those still logging in and those at the console.
  std::size_t client_count = 0;
  std::size_t console_count = 0;

  // The time of day at which that was.
  std::chrono::system_clock::time_point wall_of(TimePoint at) const {
    return wall + std::chrono::duration_cast<std::chrono::system_clock::duration>(at - now);
  }
};

// Takes what was wanted to `done` on the main thread. A worker looks at some sessions in each round of its
// loop, so that queries do not wait for a table about thousands of clients; one that comes or goes meanwhile
// may be in it or not.
void gather_inventory(const Sources& sources, ClientsWanted wanted,
                      std::function<void(const Inventory&)> done);

// What sessions are doing. Cheap enough for every minute.
void gather_tally(const Sources& sources, std::function<void(const ClientTally&)> done);

// The facts that need no worker's answer.
std::vector<PoolFacts> take_pools(const Sources& sources);

}  // namespace pgweir
