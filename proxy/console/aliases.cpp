#include "proxy/console/aliases.hpp"

#include <algorithm>
#include <array>

#include "config/duration.hpp"

namespace pgweir {
namespace {

constexpr std::array<Alias, 12> all{{
    {"max_client_conn", "listen.max_clients"},
    {"default_pool_size", "pool.max_size"},
    {"min_pool_size", "pool.min_size"},
    {"pool_mode", "pool.mode"},
    {"max_prepared_statements", "pool.max_prepared_statements"},
    {"query_wait_timeout", "pool.borrow_timeout", true},
    {"server_idle_timeout", "pool.idle_timeout", true},
    {"server_lifetime", "pool.max_lifetime", true},
    {"server_connect_timeout", "pool.connect_timeout", true},
    {"client_idle_timeout", "timeouts.client_idle", true},
    {"idle_transaction_timeout", "timeouts.idle_transaction", true},
    {"query_timeout", "timeouts.query", true},
}};

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::span<const Alias> aliases() {
  return all;
}

const Alias* find_alias(std::string_view key) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Alias& alias) { return alias.name == key; });
  return found == all.end() ? nullptr : &*found;
}

std::string to_pgbouncer(const Alias& alias, const std::string& value) {
  if (!alias.seconds) return value;
  const std::optional<config::Millis> duration = config::parse_duration(value).value;
  if (!duration) return value;
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*duration).count());
}

std::string from_pgbouncer(const Alias& alias, const std::string& value) {
  return alias.seconds && is_number(value) ? value + 's' : value;
}

}  // namespace pgweir
