// The tables of show.cpp, by subject, and how their cells are written.
#pragma once

#include <charconv>
#include <string>
#include <type_traits>

#include "proxy/console/show_context.hpp"
#include "proxy/console/table.hpp"

namespace pgweir::console {

inline constexpr ColumnType int4 = ColumnType::int4;

template <class Number>
requires std::is_integral_v<Number> std::string cell(Number value) {
  return std::to_string(value);
}
inline std::string cell(bool value) {
  return value ? "1" : "0";
}
// "2026-01-31 12:00:00 UTC"
std::string cell(std::chrono::system_clock::time_point at);
// A connection's address in memory, by which tables refer to one another; empty for none.
std::string pointer(const void* of);

// show_connections.cpp
struct Wait {
  std::string seconds;
  std::string micros;
};
Wait wait_of(std::optional<TimePoint> since, TimePoint now);
// By their numbers.
std::vector<const ClientFacts*> in_order(const Inventory& inventory, bool (*chosen)(const ClientFacts&));
ConsoleTable clients(const ShowContext& context);
ConsoleTable servers(const ShowContext& context);
ConsoleTable sockets(const ShowContext& context, bool active_only);
// show_waiters.cpp
ConsoleTable pins(const ShowContext& context);
ConsoleTable waiters(const ShowContext& context);
// show_pools.cpp
ConsoleTable pools(const ShowContext& context);
ConsoleTable databases(const ShowContext& context);
ConsoleTable users(const ShowContext& context);
ConsoleTable lists(const ShowContext& context);
// show_statistics.cpp
ConsoleTable stats(const ShowContext& context);
ConsoleTable stats_totals(const ShowContext& context);
ConsoleTable stats_averages(const ShowContext& context);
ConsoleTable totals(const ShowContext& context);
// show_process.cpp
ConsoleTable config(const ShowContext& context);
ConsoleTable memory(const ShowContext& context);
ConsoleTable state(const ShowContext& context);
ConsoleTable version(const ShowContext& context);

}  // namespace pgweir::console
