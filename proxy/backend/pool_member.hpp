// What the pool knows of one backend. Changed under the pool's lock only. Pure.
#pragma once

#include <cstdint>

#include "proxy/base/clock.hpp"

namespace pgweir {

struct PoolMember {
  unsigned worker = 0;  // whose reactor its socket is in
  std::uint64_t generation = 0;
  TimePoint expires_at = TimePoint::max();  // max_lifetime
  TimePoint idle_since{};
};

}  // namespace pgweir
