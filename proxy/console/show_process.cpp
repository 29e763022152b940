#include <unistd.h>

#include <array>
#include <fstream>
#include <map>

#include "config/diff.hpp"
#include "proxy/backend/backend.hpp"
#include "proxy/console/aliases.hpp"
#include "proxy/console/show_rows.hpp"
#include "proxy/session/session.hpp"

namespace pgweir::console {
namespace {

std::map<std::string, std::string> defaults() {
  std::map<std::string, std::string> values;
  for (const config::Setting& setting : config::list_settings(config::Settings{}))
    values.emplace(setting.path, setting.value);
  return values;
}

std::string yes_or_no(bool value) {
  return value ? "yes" : "no";
}

// Resident memory in KiB; proc(5), statm.
std::size_t resident_kib() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

}  // namespace

ConsoleTable config(const ShowContext& context) {
  ConsoleTable table{{{"key"}, {"value"}, {"default"}, {"changeable"}}, {}};
  const std::map<std::string, std::string> by_default = defaults();
  std::map<std::string, std::string> values;
  for (const config::Setting& setting : config::list_settings(context.settings)) {
    const auto found = by_default.find(setting.path);
    const bool changeable = setting.applies == config::Applies::now;
    values.emplace(setting.path, setting.value);
    table.rows.push_back({setting.path, setting.value,
                          found == by_default.end() ? ConsoleCell() : ConsoleCell(found->second),
                          yes_or_no(changeable)});
  }
  for (const Alias& alias : aliases()) {
    const auto value = values.find(std::string(alias.path));
    const auto standard = by_default.find(std::string(alias.path));
    if (value == values.end() || standard == by_default.end()) continue;
    table.rows.push_back({std::string(alias.name), to_pgbouncer(alias, value->second),
                          to_pgbouncer(alias, standard->second), "yes"});
  }
  // Limits that tools ask for and that do not exist here.
  for (const std::string_view name : {"max_db_connections", "max_user_connections", "reserve_pool_size"})
    table.rows.push_back({std::string(name), "0", "0", "no"});
  return table;
}

ConsoleTable memory(const ShowContext& context) {
  const std::size_t clients = context.inventory.client_count;
  std::size_t servers = 0;
  for (const PoolFacts& pool : context.inventory.pools) servers += pool.counts.total() - pool.counts.opening;
  const auto row = [](std::string name, std::size_t size, std::size_t used) {
    return ConsoleRow{std::move(name), cell(size), cell(used), "0", cell(size * used)};
  };
  const std::size_t kib = resident_kib();
  return {{{"name"}, {"size", int4}, {"used", int4}, {"free", int4}, {"memtotal", ColumnType::int8}},
          {row("client_session", sizeof(Session), clients),
           row("server_connection", sizeof(Backend), servers), row("process_resident_kib", 1024, kib)}};
}

ConsoleTable state(const ShowContext& context) {
  return {{{"key"}, {"value"}},
          {{"active", yes_or_no(!context.paused && !context.shutting_down)},
           {"paused", yes_or_no(context.paused)},
           {"suspended", "no"}}};
}

ConsoleTable version(const ShowContext&) {
  return {{{"version"}}, {{"pgweir " PGWEIR_VERSION}}};
}

}  // namespace pgweir::console
