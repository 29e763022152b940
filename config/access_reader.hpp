// `access` and the PROXY protocol: where clients may come from, and how that is known.
#pragma once

#include "config/section.hpp"

namespace pgweir::config {

void read_access(Walk& walk, Section& root, std::optional<std::vector<AccessRule>>& out);
void read_proxy_protocol(Section& listen, std::vector<Network>& sources);

}  // namespace pgweir::config
