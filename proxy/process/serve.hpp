// The process as main() knows it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/settings.hpp"

namespace pgweir {

// Serves until a signal has ended it, and returns the process's exit code. Throws when an address cannot be
// bound.
int run_server(const std::string& config_path, std::shared_ptr<const config::Settings> settings);

// Raises the soft descriptor limit to the hard one; returns the limit in force.
std::uint64_t raise_descriptor_limit();

}  // namespace pgweir
