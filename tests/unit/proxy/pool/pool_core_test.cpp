#include "proxy/pool/pool_core.hpp"

#include <catch2/catch.hpp>

#include "quiet_pool.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using testing::first_target;
using testing::QuietPool;

namespace {

const TimePoint troubled_at = TimePoint() + 1h;
const ServerRefusal bad_password{"28P01", "password authentication failed", true};

// A pool that has been in use: it knows its server, and has had trouble with it.
struct UsedPool : QuietPool {
  UsedPool() {
    commons->logins().use_baseline(commons->no_settings());
    core->outcomes.succeeded();
    static_cast<void>(core->outcomes.failed(bad_password, 1, troubled_at));
    before = core->state.generation();
    listening = hub();
  }
  bool has_kept_hub() { return hub() == listening; }

  std::uint64_t before = 0;
  std::shared_ptr<ListenHub> listening;
};

}  // namespace

TEST_CASE("a reload that changes nothing about the server replaces no backend") {
  UsedPool pool;
  pool.settings.max_size = 7;
  pool.core->change_to(first_target(), pool.settings);
  CHECK(pool.core->state.limits().max_size == 7);
  CHECK(pool.core->settings->max_size == 7);
  CHECK(pool.core->state.generation() == pool.before);
  CHECK(pool.core->outcomes.refusal());
  CHECK(pool.has_kept_hub());
}

TEST_CASE("another version of the same secret replaces no backend, and is worth another try") {
  UsedPool pool;
  PoolTarget target = first_target();
  target.password = config::Secret("second");
  target.secret_version = "v2";
  SECTION("of the same user") {
    pool.core->change_to(target, pool.settings);
    CHECK_FALSE(pool.core->outcomes.refusal());
  }
  SECTION("of another user, who may have been found to be kept out") {
    pool.core->standing.begin(troubled_at);
    pool.core->standing.take({RoleAnswer::Kind::gone});
    target.user = "anna_clone";
    pool.core->change_to(target, pool.settings);
    CHECK(pool.core->standing.verdict(troubled_at, true) == RoleVerdict::may);
  }
  CHECK(pool.core->target->password == config::Secret("second"));
  CHECK(pool.core->state.generation() == pool.before);
  CHECK(pool.core->outcomes.record() == LoginRecord::reached);
  CHECK(pool.core->was_let_in());
  CHECK(pool.has_kept_hub());
}

TEST_CASE("backends of another server take the place of those that there are, and nothing is known of it") {
  UsedPool pool;
  PoolTarget target = first_target();
  SECTION("another address") {
    target.address.host = "other";
  }
  SECTION("another database") {
    target.dbname = "other";
  }
  SECTION("another user") {
    target.user = "bert";
    target.secret_of = "bert";
    target.allow_cleartext = true;
  }
  pool.core->change_to(target, pool.settings);
  CHECK(pool.core->state.generation() == pool.before + 1);
  CHECK(pool.core->outcomes.record() == LoginRecord::untried);
  CHECK_FALSE(pool.core->outcomes.refusal());
  CHECK_FALSE(pool.core->was_let_in());
  CHECK_FALSE(pool.has_kept_hub());
}

TEST_CASE("who listens goes on where the server is reached in another way") {
  UsedPool pool;
  const std::uint64_t schema = pool.core->commons.schema_version()->get();
  PoolTarget target = first_target();
  target.allow_cleartext = true;
  pool.core->change_to(target, pool.settings);
  CHECK(pool.core->state.generation() == pool.before + 1);
  CHECK(pool.core->commons.schema_version()->get() > schema);
  CHECK(pool.has_kept_hub());
}

TEST_CASE("the server refuses everybody only where no backend is left to wait for") {
  UsedPool pool;
  CHECK(pool.core->refuses());
  pool.add_backend();
  CHECK_FALSE(pool.core->refuses());
}

TEST_CASE("a pool that is retired refuses everybody, also where there are backends") {
  UsedPool pool;
  pool.add_backend();
  SECTION("with the password that is in the file") {
    pool.core->retire();
    CHECK(pool.core->target->password == config::Secret("first"));
  }
  SECTION("without a password that is not") {
    pool.core->passing.begin(troubled_at, 10s);
    pool.core->retire();
    CHECK(pool.core->target->password == config::Secret());
  }
  CHECK(pool.core->refuses());
  CHECK(pool.core->state.limits().max_size == 0);
  CHECK(pool.core->state.generation() == pool.before + 1);
  CHECK_FALSE(pool.hub());
}

TEST_CASE("everybody in the queue is woken, to see that waiting is of no use") {
  QuietPool pool;
  Waiter anna;
  Waiter bert;
  anna.session = 1;
  bert.session = 2;
  pool.core->state.enqueue(anna);
  pool.core->state.enqueue(bert);
  pool.core->wake_waiters(pool.worker());
  CHECK(pool.sessions.woken == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("what is held of the core keeps the whole pool") {
  QuietPool pool;
  const std::weak_ptr<PoolCommons> watched = pool.commons;
  const PoolCoreRef kept = pool.core->ref();
  pool.commons.reset();
  CHECK_FALSE(watched.expired());
}
