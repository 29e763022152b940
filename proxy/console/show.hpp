// The tables of SHOW. Column names, their order and types are PgBouncer's (src/admin.c, src/stats.c), so that
// what was made for it works; PINS and WAITERS are pgweir's own. What has no counterpart here is 0 or NULL.
// Pure.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "proxy/console/show_context.hpp"
#include "proxy/console/table.hpp"

namespace pgweir {

// `what` in lower case; nullopt: there is no such table.
std::optional<ConsoleTable> show(std::string_view what, const ShowContext& context);
std::span<const std::string_view> show_words();
// Which clients this table is about.
ClientsWanted clients_for(std::string_view what);

// A parameter that drivers ask any server for.
std::optional<ConsoleTable> show_parameter(std::string_view name);

}  // namespace pgweir
