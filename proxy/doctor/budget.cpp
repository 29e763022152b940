#include "proxy/doctor/budget.hpp"

#include <algorithm>
#include <charconv>

#include "proxy/doctor/live_probe.hpp"
#include "proxy/doctor/sql_session.hpp"

namespace pgweir::doctor {
namespace {

using namespace std::chrono_literals;

bool same_server(const config::Database& a, const config::Database& b) {
  return a.host == b.host && a.port == b.port;
}

const config::User* somebody(const config::Settings& settings, const config::Database& database) {
  for (const auto& [name, user] : settings.users) {
    const bool may = database.users.empty() ||
                     std::find(database.users.begin(), database.users.end(), name) != database.users.end();
    if (may && (!user.password.empty() || user.has_remote_secret() || database.iam)) return &user;
  }
  return nullptr;
}

std::optional<std::int64_t> usable(const config::Settings& settings, const config::Database& database,
                                   const BudgetOptions& options, std::string& why) {
  if (!options.connect) return options.server_connections;
  const config::User* const user = somebody(settings, database);
  if (user == nullptr) {
    why = "no user whose password is known here";
    return std::nullopt;
  }
  return ask_usable_connections({settings, database, *user, {}, options.tasks}, why);
}

}  // namespace

std::uint32_t pools_towards(const config::Settings& settings, const config::Database& server) {
  std::size_t sum = 0;
  for (const auto& [name, database] : settings.databases) {
    if (same_server(database, server))
      sum +=
          database.pool.max_size * (database.users.empty() ? settings.users.size() : database.users.size());
  }
  return static_cast<std::uint32_t>(sum);
}

std::optional<std::int64_t> ask_usable_connections(const LiveTarget& target, std::string& why) {
  Probe probe{target};
  if (!(resolve_name(probe) && connect_tcp(probe) && start_tls(probe) && log_in(probe))) {
    why = probe.stopped;
    return std::nullopt;
  }
  const auto rows = ask(probe.wire,
                        "SELECT current_setting('max_connections')::int - "
                        "current_setting('superuser_reserved_connections')::int - "
                        "coalesce(current_setting('reserved_connections', true), '0')::int - "
                        "coalesce(current_setting('rds.rds_superuser_reserved_connections', true), '0')::int",
                        in(10s));
  std::int64_t value = 0;
  if (!rows || rows->size() != 1 || rows->front().size() != 1) {
    why = "the server did not answer a query";
    return std::nullopt;
  }
  const std::string& text = rows->front().front();
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string> budget_warnings(const config::Settings& settings, const BudgetOptions& options) {
  std::vector<std::string> warnings;
  std::vector<const config::Database*> seen;
  for (const auto& [name, database] : settings.databases) {
    const auto known = [&one = database](const config::Database* other) { return same_server(one, *other); };
    if (std::any_of(seen.begin(), seen.end(), known)) continue;
    seen.push_back(&database);
    const std::string server = database.host + ":" + std::to_string(database.port);
    std::string why;
    const std::optional<std::int64_t> limit = usable(settings, database, options, why);
    if (!limit) {
      warnings.push_back(server + ": cannot be asked for its connections: " + why +
                         "; `pgweir doctor` tells more");
      continue;
    }
    const std::uint32_t pools = pools_towards(settings, database);
    const std::uint64_t needed = std::uint64_t{pools} * options.tasks * options.overlap;
    if (static_cast<std::int64_t>(needed) > *limit)
      warnings.push_back(server + ": the pools may need " + std::to_string(pools) + " x " +
                         std::to_string(options.tasks) + " instances x " + std::to_string(options.overlap) +
                         " while deploying = " + std::to_string(needed) +
                         " connections, and the server has " + std::to_string(*limit));
  }
  return warnings;
}

}  // namespace pgweir::doctor
