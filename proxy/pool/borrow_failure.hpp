// Why a client that has waited for a server connection got none, and what it is told. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/base/clock.hpp"
#include "proxy/base/facts.hpp"

namespace pgweir {

enum class BorrowObstacle : std::uint8_t {
  pool_full,           // all server connections are lent out, or being closed
  paused,              // by an operator
  server_unreachable,  // no connection to it, or one that broke while logging in
  server_refuses,      // it lets no login in
  server_slow,         // logins are under way, and none has ended yet
  passing,             // there was no room, and there is now
};
// snake_case, for the log.
std::string_view to_string(BorrowObstacle obstacle);

struct BorrowFailure {
  BorrowObstacle obstacle = BorrowObstacle::passing;
  std::string message;  // for the client

  // Whether the server is to blame, and not pgweir's limits or its operator.
  bool is_servers() const {
    return obstacle == BorrowObstacle::server_unreachable || obstacle == BorrowObstacle::server_refuses;
  }
  std::string_view sqlstate() const;
};

// `now` and `wall` are the same moment.
BorrowFailure explain_borrow_failure(const PoolFacts& pool, TimePoint now,
                                     std::chrono::system_clock::time_point wall);

}  // namespace pgweir
