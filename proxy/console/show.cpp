#include "proxy/console/show.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "proxy/console/show_rows.hpp"

namespace pgweir {
namespace {

using Make = ConsoleTable (*)(const ShowContext&);

// PgBouncer's tables for what does not exist here.
ConsoleTable no_peers(const ShowContext&) {
  constexpr ColumnType int4 = ColumnType::int4;
  return {{{"peer_id", int4}, {"host"}, {"port", int4}, {"pool_size", int4}}, {}};
}
ConsoleTable no_peer_pools(const ShowContext&) {
  constexpr ColumnType int4 = ColumnType::int4;
  return {{{"peer_id", int4},
           {"cl_active_cancel_req", int4},
           {"cl_waiting_cancel_req", int4},
           {"sv_active_cancel", int4},
           {"sv_login", int4}},
          {}};
}
ConsoleTable no_dns_hosts(const ShowContext&) {
  return {{{"hostname"}, {"ttl", ColumnType::int8}, {"addrs"}}, {}};
}
ConsoleTable no_dns_zones(const ShowContext&) {
  return {{{"zonename"}, {"serial", ColumnType::int8}, {"count", ColumnType::int4}}, {}};
}

struct Table {
  std::string_view name;
  Make make;
  ClientsWanted clients = ClientsWanted::none;
};
constexpr std::array<Table, 22> tables{{
    {"active_sockets", [](const ShowContext& context) { return console::sockets(context, true); },
     ClientsWanted::all},
    {"clients", console::clients, ClientsWanted::all},
    {"config", console::config},
    {"databases", console::databases},
    {"dns_hosts", no_dns_hosts},
    {"dns_zones", no_dns_zones},
    {"lists", console::lists},
    {"mem", console::memory},
    {"peer_pools", no_peer_pools},
    {"peers", no_peers},
    {"pins", console::pins, ClientsWanted::pinned},
    {"pools", console::pools},
    {"servers", console::servers, ClientsWanted::with_servers},
    {"sockets", [](const ShowContext& context) { return console::sockets(context, false); },
     ClientsWanted::all},
    {"state", console::state},
    {"stats", console::stats},
    {"stats_averages", console::stats_averages},
    {"stats_totals", console::stats_totals},
    {"totals", console::totals},
    {"users", console::users},
    {"version", console::version},
    {"waiters", console::waiters, ClientsWanted::waiting},
}};

constexpr auto words = [] {
  std::array<std::string_view, tables.size()> names{};
  for (std::size_t i = 0; i < tables.size(); ++i) names[i] = tables[i].name;
  return names;
}();

}  // namespace

namespace console {

std::string cell(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), size};
}

std::string pointer(const void* of) {
  if (of == nullptr) return {};
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%p", of);
  return {text.data(), static_cast<std::size_t>(std::max(size, 0))};
}

}  // namespace console

std::optional<ConsoleTable> show(std::string_view what, const ShowContext& context) {
  const auto found =
      std::find_if(tables.begin(), tables.end(), [&](const auto& each) { return each.name == what; });
  if (found == tables.end()) return std::nullopt;
  return found->make(context);
}

ClientsWanted clients_for(std::string_view what) {
  const auto found =
      std::find_if(tables.begin(), tables.end(), [&](const auto& each) { return each.name == what; });
  return found == tables.end() ? ClientsWanted::none : found->clients;
}

std::span<const std::string_view> show_words() {
  return words;
}

std::optional<ConsoleTable> show_parameter(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> parameters{{
      {"client_encoding", "UTF8"},
      {"datestyle", "ISO, MDY"},
      {"default_transaction_isolation", "read committed"},
      {"server_version", PGWEIR_VERSION "/pgweir"},
      {"standard_conforming_strings", "on"},
      {"timezone", "UTC"},
      {"transaction isolation level", "read committed"},
  }};
  if (name == "time zone") name = "timezone";
  if (name == "1")
    return ConsoleTable{{{"?column?", ColumnType::int4}}, {{"1"}}};  // SELECT 1: are you there?
  for (const auto& [known, value] : parameters) {
    if (known == name) return ConsoleTable{{{known}}, {{std::string(value)}}};
  }
  return std::nullopt;
}

}  // namespace pgweir
