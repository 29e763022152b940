#include "proxy/pool/borrow_failure.hpp"

#include "protocol/sqlstate.hpp"
#include "proxy/base/time_text.hpp"

namespace pgweir {
namespace {

// A pause comes first: it is why there is no connection and why no login is tried. While all connections are
// lent out no login is tried either, so what the last one came to does not matter. Those that are being closed
// may wait for a server that is away.
BorrowObstacle obstacle_of(const PoolFacts& pool) {
  const PoolCounts& counts = pool.counts;
  if (pool.paused) return BorrowObstacle::paused;
  if (counts.borrowed >= pool.settings->max_size) return BorrowObstacle::pool_full;
  if (pool.login_trouble) {
    return pool.login_trouble->result == BackendLoginResult::refused ? BorrowObstacle::server_refuses
                                                                     : BorrowObstacle::server_unreachable;
  }
  if (counts.borrowed + counts.leaving >= pool.settings->max_size) return BorrowObstacle::pool_full;
  return counts.opening > 0 ? BorrowObstacle::server_slow : BorrowObstacle::passing;
}

// Tools look for PgBouncer's word. It stands where it is the pool that made the client wait.
constexpr std::string_view waited_in_vain = "query_wait_timeout: no server connection became free in time";

std::string full_text(const PoolFacts& pool) {
  const std::size_t max_size = pool.settings->max_size;
  std::string text =
      max_size == 1 ? "the only server connection is in use (pool.max_size is 1)"
                    : "all " + std::to_string(max_size) + " server connections are in use (pool.max_size)";
  if (pool.counts.leaving > 0) text += ", " + std::to_string(pool.counts.leaving) + " of them being closed";
  return text;
}

std::string trouble_text(std::string_view what, const LoginTrouble& trouble, TimePoint now,
                         std::chrono::system_clock::time_point wall) {
  const auto past = now - trouble.since;
  return std::string(what) + " since " +
         clock_text(wall - std::chrono::duration_cast<std::chrono::system_clock::duration>(past)) + " (" +
         duration_text(past) + "): " + trouble.message;
}

}  // namespace

std::string_view to_string(BorrowObstacle obstacle) {
  switch (obstacle) {
    case BorrowObstacle::pool_full:
      return "pool_full";
    case BorrowObstacle::paused:
      return "paused";
    case BorrowObstacle::server_unreachable:
      return "server_unreachable";
    case BorrowObstacle::server_refuses:
      return "server_refuses";
    case BorrowObstacle::server_slow:
      return "server_slow";
    case BorrowObstacle::passing:
      return "passing";
  }
  return "";
}

std::string_view BorrowFailure::sqlstate() const {
  return is_servers() ? sqlstate::cannot_connect_now : sqlstate::too_many_connections;
}

BorrowFailure explain_borrow_failure(const PoolFacts& pool, TimePoint now,
                                     std::chrono::system_clock::time_point wall) {
  const BorrowObstacle obstacle = obstacle_of(pool);
  const auto in_vain = [](const std::string& why) { return std::string(waited_in_vain) + "; " + why; };
  switch (obstacle) {
    case BorrowObstacle::pool_full:
      return {obstacle, in_vain(full_text(pool))};
    case BorrowObstacle::paused:
      return {obstacle, in_vain("the database is paused by an operator, until RESUME")};
    case BorrowObstacle::server_unreachable:
      return {obstacle,
              trouble_text("the database server cannot be reached", *pool.login_trouble, now, wall)};
    case BorrowObstacle::server_refuses:
      return {obstacle, trouble_text("the database server refuses logins", *pool.login_trouble, now, wall)};
    case BorrowObstacle::server_slow:
      return {obstacle, in_vain("the database server has not answered a login yet")};
    case BorrowObstacle::passing:
      break;
  }
  return {obstacle, std::string(waited_in_vain)};
}

}  // namespace pgweir
