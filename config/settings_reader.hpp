// The keys of the file: which exist, of which type, within which range, and where they go in Settings.
#pragma once

#include "config/section.hpp"
#include "config/settings.hpp"

namespace pgweir::config {

// Reads the whole tree; what is missing or wrong is noted in `walk` and keeps its default.
Settings read_settings(Walk& walk, const Node& root);
// The same for the section `admin` alone.
Admin read_admin_alone(Walk& walk, const Node& root);

}  // namespace pgweir::config
