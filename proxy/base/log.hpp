// One line for each event that matters: a name, and fields. Text for people, JSON for machines.
//
//   2026-01-31T12:00:00.000Z info client_closed client=17 reason=idle_timeout peer=10.0.0.5:41234
//   {"time":"2026-01-31T12:00:00.000Z","level":"info","event":"client_closed","client":"17","reason":"idle_timeout"}
//
// Values may come from clients and servers: control characters, quotes and everything beyond ASCII are
// escaped, and long values are cut, so that no client can forge a line. Never pass a secret. Thread rule: any
// thread.
#pragma once

#include <initializer_list>
#include <string_view>

#include "config/settings.hpp"

namespace pgweir::log {

struct Field {
  std::string_view name;
  std::string_view value;
};
using Fields = std::initializer_list<Field>;

// A longer value is cut here.
constexpr std::size_t value_max = 256;

// To be called once, before other threads log.
void start(const config::Log& settings);
// Takes over changed settings at any later time.
void change(const config::Log& settings);
void flush();

void debug(std::string_view event, Fields fields);
void info(std::string_view event, Fields fields);
void warning(std::string_view event, Fields fields);
void error(std::string_view event, Fields fields);

}  // namespace pgweir::log
