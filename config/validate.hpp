// Contradictions between settings that are each fine alone. load_text() runs validate(); the descriptor check
// is separate because it depends on the machine, not on the file.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "config/problem.hpp"
#include "config/settings.hpp"

namespace pgweir::config {

// Listeners, epoll and event descriptors of the workers, log, scrapes, and cancel requests under way.
inline constexpr std::uint64_t descriptor_reserve = 256;

std::vector<Problem> validate(const Settings& settings, const Locations& locations);

// The server connections that all pools together may open; "*" counts as one database.
std::uint64_t max_backends(const Settings& settings);

// Whether clients, backends and the reserve fit the process's descriptor limit. An error when not even the
// pools fit, a warning when only max_clients cannot be reached, empty when all is well.
std::vector<Problem> check_descriptors(const Settings& settings, std::uint64_t nofile_hard_limit,
                                       const Locations& locations = {});

// 127.0.0.0/8, ::1 and localhost: what only this machine can reach.
bool is_loopback(std::string_view host);

}  // namespace pgweir::config
