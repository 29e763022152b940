#include "proxy/pool/borrow_failure.hpp"

#include <catch2/catch.hpp>
#include <memory>

namespace pgweir {
namespace {

using namespace std::chrono_literals;

const TimePoint now = TimePoint{} + 24h;
const std::chrono::system_clock::time_point wall{1'769'829'289s};  // 2026-01-31 03:14:49 UTC

PoolFacts pool_of(std::uint32_t max_size, std::size_t borrowed) {
  PoolFacts pool;
  auto settings = std::make_shared<config::Pool>();
  settings->max_size = max_size;
  pool.settings = std::move(settings);
  pool.counts.borrowed = borrowed;
  pool.counts.waiting = 1;
  return pool;
}

PoolFacts in_trouble(BackendLoginResult result, std::string message, std::size_t borrowed = 0) {
  PoolFacts pool = pool_of(20, borrowed);
  pool.login_trouble = LoginTrouble{now - 125s, now - 1s, result, std::move(message)};
  return pool;
}

BorrowFailure explain(const PoolFacts& pool) {
  return explain_borrow_failure(pool, now, wall);
}

}  // namespace

TEST_CASE("a full pool is told by its size, with the word that tools look for") {
  const BorrowFailure full = explain(pool_of(20, 20));
  CHECK(full.message ==
        "query_wait_timeout: no server connection became free in time; all 20 server connections are in use "
        "(pool.max_size)");
  CHECK(full.sqlstate() == "53300");
  CHECK(to_string(full.obstacle) == "pool_full");
  CHECK(explain(pool_of(1, 1)).message ==
        "query_wait_timeout: no server connection became free in time; the only server connection is in use "
        "(pool.max_size is 1)");
}

TEST_CASE("a server that cannot be reached is told since when, and why") {
  for (const auto result :
       {BackendLoginResult::unreachable, BackendLoginResult::timed_out, BackendLoginResult::lost}) {
    const BorrowFailure away = explain(in_trouble(result, "db:5432: Connection refused"));
    CHECK(
        away.message ==
        "the database server cannot be reached since 03:12:44 UTC (2 min 5 s): db:5432: Connection refused");
    CHECK(away.sqlstate() == "57P03");
    CHECK(to_string(away.obstacle) == "server_unreachable");
  }
}

TEST_CASE("a server that refuses logins is told by its own words") {
  const BorrowFailure refused = explain(in_trouble(BackendLoginResult::refused, "too many clients", 3));
  CHECK(refused.message ==
        "the database server refuses logins since 03:12:44 UTC (2 min 5 s): too many clients");
  CHECK(refused.sqlstate() == "57P03");
  CHECK(to_string(refused.obstacle) == "server_refuses");
}

TEST_CASE("a full pool needs no login, so how the last one ended does not matter") {
  CHECK(explain(in_trouble(BackendLoginResult::unreachable, "away", 20)).obstacle ==
        BorrowObstacle::pool_full);
}

TEST_CASE("connections that are being closed take places, unless the server is away") {
  PoolFacts leaving = in_trouble(BackendLoginResult::unreachable, "away", 19);
  leaving.counts.leaving = 1;
  CHECK(explain(leaving).obstacle == BorrowObstacle::server_unreachable);
  leaving.login_trouble.reset();
  CHECK(explain(leaving).message ==
        "query_wait_timeout: no server connection became free in time; all 20 server connections are in use "
        "(pool.max_size), 1 of them being closed");
}

TEST_CASE("a pause explains all that it causes") {
  PoolFacts pool = in_trouble(BackendLoginResult::unreachable, "away");
  pool.paused = true;
  CHECK(explain(pool).message ==
        "query_wait_timeout: no server connection became free in time; the database is paused by an "
        "operator, until RESUME");
  CHECK(explain(pool).sqlstate() == "53300");
  CHECK(to_string(explain(pool).obstacle) == "paused");
}

TEST_CASE("logins that have not ended yet are what the client waited for") {
  PoolFacts pool = pool_of(20, 3);
  pool.counts.opening = 2;
  CHECK(to_string(explain(pool).obstacle) == "server_slow");
  CHECK(explain(pool).sqlstate() == "53300");
  CHECK(explain(pool).message.find("has not answered a login yet") != std::string::npos);
  pool.counts.opening = 0;
  CHECK(explain(pool).message == "query_wait_timeout: no server connection became free in time");
}

}  // namespace pgweir
