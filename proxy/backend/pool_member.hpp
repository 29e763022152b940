// What the pool knows of one backend. It is changed only under the pool's lock. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/base/clock.hpp"

namespace pgweir {

enum class MemberState : std::uint8_t {
  opening,  // from the first byte of its login
  idle,
  borrowed,  // by a session, or by the pool itself for a moment
  leaving,   // until the server has closed its end
};
inline constexpr std::size_t member_state_count = 4;

struct PoolMember {
  MemberState state = MemberState::opening;  // changed by PoolState alone
  unsigned worker = 0;                       // whose reactor its socket is in
  std::uint64_t generation = 0;
  TimePoint expires_at = TimePoint::max();  // max_lifetime
  TimePoint idle_since{};
};

}  // namespace pgweir
