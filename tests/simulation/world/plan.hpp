// What one simulation is like, drawn from its seed: how many clients and server connections, which faults, how often.
// Pure but for chance.
#pragma once

#include <string>

#include "tests/simulation/clients/model_client.hpp"
#include "tests/simulation/kernel/kernel.hpp"
#include "tests/simulation/world/server_host.hpp"

namespace pgweir::simulation {

struct Plan {
  unsigned workers = 1;
  unsigned max_size = 1;
  unsigned min_size = 0;
  int clients = 1;
  SimTime lasts = std::chrono::seconds(60);
  LinkQuality quality;
  CallFaults calls;
  ServerPace pace;
  ClientHabits habits;
  // Mean times between two of them; 0: never.
  SimTime server_ends_one{};
  SimTime server_restarts{};
  SimTime server_is_away{};
  SimTime worker_stalls{};
  SimTime reloads{};
  bool drains = false;

  // Nothing but the two ends of a connection disturbs a client.
  bool is_quiet() const {
    return server_ends_one == SimTime::zero() && server_restarts == SimTime::zero() &&
           server_is_away == SimTime::zero() && calls.no_descriptor == 0 && calls.no_watch == 0;
  }
  std::string configuration() const;
  std::string in_words() const;
};

Plan make_plan(Random& random);

}  // namespace pgweir::simulation
