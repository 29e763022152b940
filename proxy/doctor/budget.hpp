// Whether the pools of all instances together fit into a server's connections, for `pgweir check`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "proxy/doctor/live_target.hpp"

namespace pgweir::doctor {

struct BudgetOptions {
  unsigned tasks = 1;               // instances of pgweir
  unsigned overlap = 2;             // how many times of these run while deploying
  unsigned server_connections = 0;  // the connections of one server, for all instances; 0: not given
  bool connect = false;             // ask the servers

  bool wanted() const { return server_connections > 0 || connect; }
};

// The most connections that the pools of one instance may hold to one server. Databases named "*" count for
// one database.
std::uint32_t pools_towards(const config::Settings& settings, const config::Database& server);

// max_connections less what is reserved; nullopt and `why` if the server cannot be asked.
std::optional<std::int64_t> ask_usable_connections(const LiveTarget& target, std::string& why);

// A line for each server that has too few connections, or that could not be asked.
std::vector<std::string> budget_warnings(const config::Settings& settings, const BudgetOptions& options);

}  // namespace pgweir::doctor
