#include "proxy/pool/pool_role.hpp"

#include <catch2/catch.hpp>

#include "pool_stage.hpp"
#include "proxy/backend/role_question.hpp"
#include "quiet_pool.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using testing::QuietPool;

namespace {

const TimePoint late = TimePoint() + 2h;

// Its first backend has been asked about the role, the second one was used later.
struct Asked : test::PoolStage {
  Asked() : PoolStage(test::role_asking_settings(3)) {
    add_server();
    pass(1s);
    add_server();
    keep_up(core(), worker());
    turn();
    REQUIRE(backend().state == MemberState::borrowed);
  }
  Backend& backend() { return *servers[0].backend; }
  RoleVerdict verdict() { return core().standing.verdict(worker().now(), true); }
};

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

TEST_CASE("what the server says of the role is known, and the backend is as idle as before") {
  Asked pool;
  const TimePoint before = pool.servers[1].backend->idle_since - 1s;
  CHECK(pool.server() == "Q(" + std::string(role_question) + ")");
  pool.backend().login_parameters = pool.worker().interner().intern({{"TimeZone", "UTC"}});
  pool.pass(1s);
  const auto [row, verdict] = GENERATE(
      std::pair{"D(anna,t,60)", RoleVerdict::may}, std::pair{"D(anna,t,-1)", RoleVerdict::expired},
      std::pair{"D(anna,f,60)", RoleVerdict::no_login}, std::pair{"D(bert,t,60)", RoleVerdict::gone});
  pool.run(std::string("< S(TimeZone,UTC) T(a,25) ") + row + " C(SELECT 1)");
  CHECK(pool.backend().state == MemberState::borrowed);
  pool.run("< Z(I)");
  CHECK(pool.verdict() == verdict);
  CHECK(pool.backend().state == MemberState::idle);
  CHECK(pool.backend().idle_since == before);
  CHECK(pool.backend().parameters->at("TimeZone") == "UTC");
  CHECK(&pool.borrow() == pool.servers[1].backend.get());
}

TEST_CASE("where the server reports something else than at the login, all its connections are replaced") {
  Asked pool;
  pool.backend().login_parameters = pool.worker().interner().intern({{"in_hot_standby", "on"}});
  pool.core().commons.logins().use_baseline(pool.backend().login_parameters);
  pool.run("< S(in_hot_standby,off) T(a,25) D(anna,t,60) C(SELECT 1) Z(I)");
  CHECK(pool.closed(BackendClose::outdated) == 1);
  CHECK(pool.servers[1].backend->generation != pool.core().state.generation());
  CHECK(pool.core().commons.logins().parameters(pool.core().commons.no_settings()) == nullptr);
}

TEST_CASE("a question that the server does not answer tells nothing of the role, and is asked again later") {
  Asked pool;
  pool.run("< E(42501,no) Z(I)");
  CHECK(pool.verdict() == RoleVerdict::may);
  CHECK(pool.counts().idle == 2);
  CHECK_FALSE(begin_role_check(pool.core(), pool.backend(), pool.worker().now() + 59s));
  CHECK(begin_role_check(pool.core(), pool.backend(), pool.worker().now() + 60s));
}

TEST_CASE("a backend that is of no use after the question leaves, and another one can be asked") {
  Asked pool;
  BackendClose reason = BackendClose::lost;
  SECTION("the server is gone") {
    pool.servers[0].end.close();
    pool.turn();
  }
  SECTION("a transaction is open") {
    pool.run("< D(anna,t,60) Z(T)");
    reason = BackendClose::not_clean;
  }
  SECTION("it is to be replaced by now") {
    pool.core().state.recycle();
    pool.run("< D(anna,t,60) Z(I)");
    reason = BackendClose::outdated;
  }
  CHECK(pool.closed(reason) == 1);
  // Who waits is not to be served by that answer.
  Waiter waiter;
  pool.core().state.enqueue(waiter);
  CHECK(pool.core().state.begin_opening(pool.worker().now()) == 1);
  Backend& other = *pool.servers[1].backend;
  other.generation = pool.core().state.generation();
  CHECK(begin_role_check(pool.core(), other, pool.worker().now() + 60s));
}

TEST_CASE("the last client's settings are not in force when the question is asked, nor afterwards") {
  test::PoolStage pool(test::role_asking_settings());
  Backend& backend = *pool.add_server().backend;
  backend.applied = pool.worker().interner().intern({{"work_mem", "8MB"}});
  keep_up(pool.core(), pool.worker());
  pool.turn();
  const std::string asked = pool.server();
  CHECK(asked.find("work_mem") < asked.find(role_question));
  pool.run("< C(RESET) Z(I)");
  CHECK(backend.state == MemberState::borrowed);
  pool.run("< D(anna,t,60) Z(I)");
  CHECK(backend.state == MemberState::idle);
  CHECK(backend.applied->empty());
}
