// What one simulation is like, drawn from its seed: how many clients and server connections, which faults, how often.
// Pure but for chance.
#pragma once

#include <string>

#include "../clients/model_client.hpp"
#include "../kernel/kernel.hpp"
#include "server_host.hpp"

namespace pgweir::simulation {

struct Plan {
  unsigned workers = 1;
  unsigned max_size = 1;
  unsigned min_size = 0;
  int clients = 1;
  Time lasts = std::chrono::seconds(60);
  LinkQuality quality;
  CallFaults calls;
  ServerPace pace;
  ClientHabits habits;
  // Mean times between two of them; 0: never.
  Time server_ends_one{};
  Time server_restarts{};
  Time server_is_away{};
  Time worker_stalls{};
  Time reloads{};
  bool drains = false;

  // Nothing but the two ends of a connection disturbs a client.
  bool is_quiet() const {
    return server_ends_one == Time::zero() && server_restarts == Time::zero() && server_is_away == Time::zero() &&
           calls.no_descriptor == 0 && calls.no_watch == 0;
  }
  std::string configuration() const;
  std::string in_words() const;
};

Plan make_plan(Random& random);

}  // namespace pgweir::simulation
