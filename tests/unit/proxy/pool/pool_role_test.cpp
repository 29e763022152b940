#include "proxy/pool/pool_role.hpp"

#include <catch2/catch.hpp>

#include "quiet_pool.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using testing::QuietPool;

namespace {

const TimePoint late = TimePoint() + 2h;

}  // namespace

TEST_CASE("one backend at a time is asked about the role, when that is due") {
  QuietPool pool;
  Backend& first = pool.add_backend();
  Backend& second = pool.add_backend();
  REQUIRE(begin_role_check(*pool.core, first, late));
  CHECK_FALSE(begin_role_check(*pool.core, second, late + 1h));
  pool.core->standing.take({RoleAnswer::Kind::may});
  const std::chrono::milliseconds interval = pool.core->settings->role_check_interval;
  CHECK_FALSE(begin_role_check(*pool.core, second, late + interval - 1ms));
  CHECK(begin_role_check(*pool.core, second, late + interval));
}

TEST_CASE("a backend is not asked whose answer would be of no use") {
  QuietPool pool;
  Backend& backend = pool.add_backend();
  SECTION("it is to be replaced") {
    pool.core->state.recycle();
  }
  SECTION("it has logged in as another user") {
    backend.login_user = "bert";
  }
  SECTION("the pool is paused") {
    pool.core->state.set_paused(true);
  }
  SECTION("the pool is retired") {
    pool.core->retired = true;
  }
  CHECK_FALSE(begin_role_check(*pool.core, backend, late));
}
