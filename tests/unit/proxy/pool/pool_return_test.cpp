#include "proxy/pool/pool_return.hpp"

#include <catch2/catch.hpp>

#include "pool_stage.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using test::PoolStage;

namespace {

// One backend, which is lent.
struct LentOut : PoolStage {
  explicit LentOut(config::Settings settings = test::app_settings()) : PoolStage(std::move(settings)) {
    add_server();
    lent = &borrow();
    waiter.session = 1;
  }
  void give_back_lent() { give_back(core(), *lent, worker()); }
  void wait_for_it() { core().state.enqueue(waiter); }
  const std::vector<std::uint64_t>& woken() const { return process.woken.woken; }

  Backend* lent = nullptr;
  Waiter waiter;
};

}  // namespace

TEST_CASE("a backend that comes back is idle from then on where nobody waits") {
  LentOut pool;
  pool.pass(1h);
  pool.give_back_lent();
  CHECK(pool.lent->state == MemberState::idle);
  CHECK(pool.lent->idle_since == pool.worker().now());
  CHECK(pool.woken().empty());
}

TEST_CASE(
    "a backend that comes back goes to who has waited longest, and leaves its worker only for another") {
  LentOut pool;
  Waiter later;
  later.session = 2;
  pool.waiter.worker = GENERATE(0u, 1u);
  pool.wait_for_it();
  pool.core().state.enqueue(later);
  pool.give_back_lent();
  CHECK(pool.waiter.granted == pool.lent);
  CHECK(later.granted == nullptr);
  CHECK(pool.woken() == std::vector<std::uint64_t>{1});
  CHECK(pool.lent->transport.attached() == (pool.waiter.worker == 0));
}

TEST_CASE("nobody gets a backend while a cancel is on its way to it") {
  LentOut pool;
  REQUIRE(pool.lent->cancels.begin());
  pool.wait_for_it();
  pool.give_back_lent();
  CHECK(pool.waiter.granted == nullptr);
  CHECK(pool.lent->state == MemberState::borrowed);
  // Whoever delivers the cancel gives the backend back then.
  const bool delivered = GENERATE(true, false);
  REQUIRE(pool.lent->cancels.end(delivered));
  pool.give_back_lent();
  CHECK((pool.waiter.granted == pool.lent) == delivered);
  CHECK((pool.closed(BackendClose::cancel_in_doubt) == 1) == !delivered);
}

TEST_CASE("a backend that is not to be lent again leaves, whoever waits, and has its place to the end") {
  LentOut pool;
  BackendClose reason = BackendClose::outdated;
  SECTION("it is to be replaced") {
    pool.core().state.recycle();
  }
  SECTION("it has lived long enough") {
    pool.lent->expires_at = pool.worker().now();
    reason = BackendClose::max_lifetime;
  }
  SECTION("the pool has shrunk") {
    pool.core().state.set_limits({});
    reason = BackendClose::surplus;
  }
  pool.wait_for_it();
  pool.give_back_lent();
  CHECK(pool.waiter.granted == nullptr);
  CHECK(pool.closed(reason) == 1);
  pool.core().state.dequeue(pool.waiter);
  pool.turn();
  CHECK(pool.server() == "X");
  CHECK(pool.counts().leaving == 1);
  pool.servers[0].end.close();
  pool.turn();
  CHECK(pool.counts().total() == 0);
}

TEST_CASE("who waits gets a backend that is asked about the role after its answer, and no login instead") {
  LentOut pool(test::role_asking_settings());
  pool.pass(1s);
  pool.wait_for_it();
  pool.give_back_lent();
  CHECK(pool.waiter.granted == nullptr);
  CHECK(pool.lent->idle_since == pool.worker().now());
  open_missing(pool.core(), pool.worker());
  CHECK(pool.counts().opening == 0);
  pool.turn();
  pool.run("< D(anna,t,60) Z(I)");
  CHECK(pool.waiter.granted == pool.lent);
}
