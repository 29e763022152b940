// Where a pool's server is, and where a cancel for one of its backends goes. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace pgweir {

struct ServerAddress {
  std::string host;
  std::uint16_t port = 5432;
  bool operator==(const ServerAddress&) const = default;
};

}  // namespace pgweir
