#include <algorithm>
#include <map>

#include "proxy/console/show_rows.hpp"
#include "proxy/pool/pool_registry.hpp"

namespace pgweir::console {
namespace {

std::string mode_of(const config::Pool& pool) {
  return std::string(to_string(pool.mode));
}

std::size_t in_use(const PoolCounts& counts) {
  return counts.total();
}

struct Sum {
  std::size_t servers = 0;
  std::size_t clients = 0;
};
template <class Key>
std::map<std::string, Sum> sum_by(const Inventory& inventory, Key key) {
  std::map<std::string, Sum> sums;
  for (const PoolFacts& pool : inventory.pools) {
    Sum& sum = sums[key(pool)];
    sum.servers += in_use(pool.counts);
    sum.clients += pool.clients;
  }
  return sums;
}

std::int64_t seconds_of(config::Millis duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

ConsoleTable pools(const ShowContext& context) {
  ConsoleTable table{{{"database"},
                      {"user"},
                      {"cl_active", int4},
                      {"cl_waiting", int4},
                      {"cl_active_cancel_req", int4},
                      {"cl_waiting_cancel_req", int4},
                      {"sv_active", int4},
                      {"sv_active_cancel", int4},
                      {"sv_being_canceled", int4},
                      {"sv_idle", int4},
                      {"sv_used", int4},
                      {"sv_tested", int4},
                      {"sv_login", int4},
                      {"maxwait", int4},
                      {"maxwait_us", int4},
                      {"pool_mode"},
                      {"load_balance_hosts"}},
                     {}};
  const Inventory& inventory = context.inventory;
  for (const PoolFacts& pool : inventory.pools) {
    const PoolCounts& counts = pool.counts;
    const std::size_t active = pool.clients > counts.waiting ? pool.clients - counts.waiting : 0;
    std::int64_t wait_us = 0;
    if (pool.longest_wait && inventory.now > *pool.longest_wait) {
      wait_us =
          std::chrono::duration_cast<std::chrono::microseconds>(inventory.now - *pool.longest_wait).count();
    }
    table.rows.push_back({pool.database, pool.user, cell(active), cell(counts.waiting), "0", "0",
                          cell(counts.borrowed), "0", "0", cell(counts.idle), "0", "0", cell(counts.opening),
                          cell(wait_us / 1'000'000), cell(wait_us % 1'000'000), mode_of(*pool.settings),
                          std::nullopt});
  }
  return table;
}

ConsoleTable databases(const ShowContext& context) {
  ConsoleTable table{{{"name"},
                      {"host"},
                      {"port", int4},
                      {"database"},
                      {"force_user"},
                      {"pool_size", int4},
                      {"min_pool_size", int4},
                      {"reserve_pool_size", int4},
                      {"server_lifetime", int4},
                      {"pool_mode"},
                      {"load_balance_hosts"},
                      {"max_connections", int4},
                      {"current_connections", int4},
                      {"max_client_connections", int4},
                      {"current_client_connections", int4},
                      {"paused", int4},
                      {"disabled", int4}},
                     {}};
  std::map<std::string, Sum> sums = sum_by(context.inventory, [](const PoolFacts& p) { return p.database; });
  std::map<std::string, std::string> names;  // and under which entry of the file
  for (const auto& [name, database] : context.settings.databases) names[name] = name;
  for (const PoolFacts& pool : context.inventory.pools) names.emplace(pool.database, "*");
  for (const auto& [name, entry] : names) {
    const config::Database* const database = context.settings.find_database(entry);
    if (database == nullptr) continue;
    const Sum sum = sums[name];
    table.rows.push_back({name, database->host, cell(database->port),
                          database->dbname.empty() ? name : database->dbname, std::nullopt,
                          cell(database->pool.max_size), cell(database->pool.min_size), "0",
                          cell(seconds_of(database->pool.max_lifetime)), mode_of(database->pool),
                          std::nullopt, "0", cell(sum.servers), "0", cell(sum.clients),
                          cell(context.pools.is_paused(name)), cell(context.pools.is_disabled(name))});
  }
  return table;
}

ConsoleTable users(const ShowContext& context) {
  ConsoleTable table{{{"name"},
                      {"pool_size"},
                      {"reserve_pool_size"},
                      {"pool_mode"},
                      {"max_user_connections", int4},
                      {"current_connections", int4},
                      {"max_user_client_connections", int4},
                      {"current_client_connections", int4}},
                     {}};
  std::map<std::string, Sum> sums = sum_by(context.inventory, [](const PoolFacts& p) { return p.user; });
  for (const auto& [name, user] : context.settings.users) {
    const Sum sum = sums[name];
    table.rows.push_back(
        {name, std::nullopt, std::nullopt, std::nullopt, "0", cell(sum.servers), "0", cell(sum.clients)});
    sums.erase(name);
  }
  // Users whose passwords the server judges, while they have pools.
  for (const auto& [name, sum] : sums) {
    table.rows.push_back(
        {name, std::nullopt, std::nullopt, std::nullopt, "0", cell(sum.servers), "0", cell(sum.clients)});
  }
  return table;
}

ConsoleTable lists(const ShowContext& context) {
  const Inventory& inventory = context.inventory;
  std::size_t used_servers = 0;
  std::size_t free_servers = 0;
  std::size_t used_clients = inventory.console_count;
  for (const PoolFacts& pool : inventory.pools) {
    used_servers += pool.counts.borrowed;
    free_servers += pool.counts.idle;
    used_clients += pool.clients;
  }
  // The two are counted at almost the same time, so that either may be behind.
  const std::size_t clients = std::max(inventory.client_count, used_clients);
  const std::size_t max_clients = context.settings.listen.max_clients;
  const std::size_t free_clients = max_clients > clients ? max_clients - clients : 0;
  return {{{"list"}, {"items", int4}},
          {{"databases", cell(context.settings.databases.size())},
           {"users", cell(context.settings.users.size())},
           {"peers", "0"},
           {"pools", cell(inventory.pools.size())},
           {"peer_pools", "0"},
           {"free_clients", cell(free_clients)},
           {"used_clients", cell(used_clients)},
           {"login_clients", cell(clients - used_clients)},
           {"free_servers", cell(free_servers)},
           {"used_servers", cell(used_servers)},
           {"dns_names", "0"},
           {"dns_zones", "0"},
           {"dns_queries", "0"},
           {"dns_pending", "0"}}};
}

}  // namespace pgweir::console
