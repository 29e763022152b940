#include "proxy/pool/pool_state.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

const TimePoint t0{1h};

// A pool whose members the test names by number.
struct PoolFixture {
  explicit PoolFixture(PoolLimits limits) : pool(limits) {}

  // Opens member `i` on `worker`: idle, or given to a waiter.
  Waiter* open(std::size_t i, unsigned worker = 0, TimePoint now = t0) {
    if (pool.counts().opening == 0) REQUIRE(pool.begin_opening(now) >= 1);
    members[i].worker = worker;
    members[i].generation = pool.generation();
    return pool.put(members[i], now, true);
  }
  Waiter* give_back(std::size_t i, TimePoint now = t0) { return pool.put(members[i], now, false); }

  PoolState pool;
  std::array<PoolMember, 8> members;
};

PoolLimits limits(std::size_t min, std::size_t max, std::size_t logins = 1,
                  std::chrono::milliseconds idle_timeout = 0ms) {
  return {min, max, logins, idle_timeout};
}

using Leaving = std::vector<LeavingMember>;

Leaving expired(PoolState& pool, TimePoint now) {
  Leaving out;
  pool.take_expired(now, out);
  return out;
}

}  // namespace

TEST_CASE("a pool opens nothing while nobody waits and no minimum is set") {
  PoolState pool(limits(0, 5, 5));
  CHECK(pool.begin_opening(t0) == 0);
}

TEST_CASE("a pool opens its minimum without any client, a few logins at a time") {
  PoolState pool(limits(5, 9, 2));
  CHECK(pool.begin_opening(t0) == 2);
  CHECK(pool.begin_opening(t0) == 0);
  PoolMember member;
  CHECK(pool.put(member, t0, true) == nullptr);
  CHECK(pool.begin_opening(t0) == 1);
  CHECK(pool.counts().opening == 2);
}

TEST_CASE("each waiter causes one login, not counting those under way") {
  PoolState pool(limits(0, 9, 9));
  std::array<Waiter, 3> waiters;
  for (Waiter& waiter : waiters) pool.enqueue(waiter);
  CHECK(pool.begin_opening(t0) == 3);
  CHECK(pool.begin_opening(t0) == 0);
  for (Waiter& waiter : waiters) pool.dequeue(waiter);
}

TEST_CASE("backends that open and backends that leave count against max_size") {
  PoolFixture f(limits(0, 2, 9));
  std::array<Waiter, 4> waiters;
  for (Waiter& waiter : waiters) f.pool.enqueue(waiter);
  CHECK(f.pool.begin_opening(t0) == 2);
  CHECK(f.pool.put(f.members[0], t0, true) == &waiters[0]);
  f.pool.begin_leaving(f.members[0]);
  CHECK(f.pool.begin_opening(t0) == 0);
  CHECK(f.pool.counts().total() == 2);
  f.pool.closed(f.members[0]);
  CHECK(f.pool.begin_opening(t0) == 1);
  CHECK(f.pool.counts().total() == 2);
}

TEST_CASE("a backend that is free goes to whoever has waited longest") {
  PoolFixture f(limits(0, 1));
  std::array<Waiter, 3> waiters;
  for (Waiter& waiter : waiters) f.pool.enqueue(waiter);
  CHECK(f.open(0) == &waiters[0]);
  CHECK(waiters[0].granted == &f.members[0]);
  CHECK_FALSE(waiters[0].queued);
  CHECK(f.give_back(0) == &waiters[1]);
  CHECK(f.give_back(0) == &waiters[2]);
  CHECK(f.give_back(0) == nullptr);
  CHECK(f.pool.counts().idle == 1);
  CHECK(f.pool.counts().waiting == 0);
}

TEST_CASE("who leaves the queue leaves it from the front, the middle and the back") {
  const std::size_t leaver = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2});
  PoolFixture f(limits(0, 1));
  std::array<Waiter, 3> waiters;
  for (Waiter& waiter : waiters) f.pool.enqueue(waiter);
  f.pool.dequeue(waiters[leaver]);
  f.pool.dequeue(waiters[leaver]);  // twice is once
  CHECK(f.pool.counts().waiting == 2);
  CHECK(f.open(0) == &waiters[leaver == 0 ? 1 : 0]);
  CHECK(f.give_back(0) == &waiters[leaver == 2 ? 1 : 2]);
  CHECK(f.give_back(0) == nullptr);
}

TEST_CASE("who stops waiting after a grant still has the backend to give back") {
  PoolFixture f(limits(0, 1));
  Waiter first;
  Waiter second;
  f.pool.enqueue(first);
  f.pool.enqueue(second);
  REQUIRE(f.open(0) == &first);
  f.pool.dequeue(first);
  REQUIRE(first.granted == &f.members[0]);
  CHECK(f.pool.counts().borrowed == 1);
  CHECK(f.give_back(0) == &second);
}

TEST_CASE("a borrower gets a backend of its own worker before a more recent one of another") {
  PoolFixture f(limits(3, 3, 3));
  f.open(0, 1);
  f.open(1, 0);
  f.open(2, 1);
  CHECK(f.pool.take_idle(0) == &f.members[1]);
  CHECK(f.pool.take_idle(0) == &f.members[2]);  // none of its own: the most recently used one
  CHECK(f.pool.take_idle(1) == &f.members[0]);
  CHECK(f.pool.take_idle(1) == nullptr);
}

TEST_CASE("of its own worker's backends a borrower gets the one used last") {
  PoolFixture f(limits(3, 3, 3));
  for (std::size_t i = 0; i < 3; ++i) f.open(i, 0);
  CHECK(f.pool.take_idle(0) == &f.members[2]);
  f.give_back(2);
  CHECK(f.pool.take_idle(0) == &f.members[2]);
}

TEST_CASE("after a failed login the next one waits, twice as long each time up to a limit") {
  PoolState pool(limits(2, 4, 4));
  REQUIRE(pool.begin_opening(t0) == 2);
  const std::array expected = {50ms, 100ms, 200ms, 400ms, 400ms, 400ms};
  TimePoint now = t0;
  pool.open_failed(now);
  pool.open_failed(now);  // the two that were under way together
  CHECK(pool.failures() == 2);
  PoolState fresh(limits(1, 4, 4));
  for (const auto delay : expected) {
    REQUIRE(fresh.begin_opening(now) == 1);
    fresh.open_failed(now);
    CHECK(fresh.retry_at() == now + delay);
    CHECK(fresh.begin_opening(now + delay - 1ns) == 0);
    now += delay;
  }
  for (int i = 0; i < 100; ++i) {
    REQUIRE(fresh.begin_opening(now) == 1);
    fresh.open_failed(now);
    now = fresh.retry_at();
  }
  CHECK(fresh.begin_opening(now) == 1);
}

TEST_CASE("after a failed login one login alone finds out whether the server is back") {
  PoolFixture f(limits(0, 9, 4));
  std::array<Waiter, 4> waiters;
  for (Waiter& waiter : waiters) f.pool.enqueue(waiter);
  REQUIRE(f.pool.begin_opening(t0) == 4);
  for (int i = 0; i < 4; ++i) f.pool.open_failed(t0);
  const TimePoint later = f.pool.retry_at();
  CHECK(f.pool.begin_opening(later) == 1);
  CHECK(f.pool.begin_opening(later) == 0);
  CHECK(f.pool.put(f.members[0], later, true) == &waiters[0]);
  CHECK(f.pool.failures() == 0);
  CHECK(f.pool.begin_opening(later) == 3);
  for (Waiter& waiter : waiters) f.pool.dequeue(waiter);
}

TEST_CASE("idle_timeout takes idle backends down to the minimum, the longest idle first") {
  PoolFixture f(limits(1, 3, 3, 10s));
  std::array<Waiter, 3> waiters;
  for (Waiter& waiter : waiters) f.pool.enqueue(waiter);
  for (std::size_t i = 0; i < 3; ++i) f.open(i);
  for (std::size_t i = 0; i < 3; ++i) f.give_back(i, t0 + i * 1s);
  CHECK(expired(f.pool, t0 + 10s - 1ns).empty());
  CHECK(expired(f.pool, t0 + 10s) == Leaving{{&f.members[0], BackendClose::idle_timeout}});
  CHECK(expired(f.pool, t0 + 1h) == Leaving{{&f.members[1], BackendClose::idle_timeout}});
  CHECK(f.pool.counts().idle == 1);
  CHECK(f.pool.counts().leaving == 2);
}

TEST_CASE("without idle_timeout an idle backend stays") {
  PoolFixture f(limits(0, 1));
  Waiter waiter;
  f.pool.enqueue(waiter);
  f.open(0);
  f.give_back(0);
  CHECK(expired(f.pool, t0 + 1000h).empty());
}

TEST_CASE(
    "a backend that has outlived max_lifetime leaves when it is idle or comes back, even below the minimum") {
  PoolFixture f(limits(2, 2, 2));
  f.open(0);
  f.open(1);
  f.members[0].expires_at = f.members[1].expires_at = t0 + 5s;
  PoolMember* const borrowed = f.pool.take_idle(0);
  REQUIRE(borrowed == &f.members[1]);
  CHECK(expired(f.pool, t0 + 5s - 1ns).empty());
  CHECK_FALSE(f.pool.must_leave(*borrowed, t0 + 5s - 1ns));
  CHECK(expired(f.pool, t0 + 5s) == Leaving{{&f.members[0], BackendClose::max_lifetime}});
  CHECK(f.pool.must_leave(*borrowed, t0 + 5s) == BackendClose::max_lifetime);
  CHECK(f.pool.begin_opening(t0 + 5s) == 0);  // its slot is taken until the server has let go of it
  f.pool.closed(f.members[0]);
  CHECK(f.pool.begin_opening(t0 + 5s) == 1);
}

TEST_CASE("a recycled pool sends away what it had, as it comes back, and keeps what is opened since") {
  PoolFixture f(limits(2, 3, 3));
  f.open(0);
  f.open(1);
  PoolMember* const borrowed = f.pool.take_idle(0);
  f.pool.recycle();
  CHECK(f.pool.must_leave(*borrowed, t0) == BackendClose::outdated);
  CHECK(expired(f.pool, t0) == Leaving{{&f.members[0], BackendClose::outdated}});
  f.open(2);
  CHECK_FALSE(f.pool.must_leave(f.members[2], t0));
  CHECK(expired(f.pool, t0).empty());
}

TEST_CASE("what was recycled while it logged in makes room for another login, and serves nobody") {
  PoolFixture f(limits(0, 1));
  Waiter waiter;
  f.pool.enqueue(waiter);
  CHECK(f.pool.begin_opening(t0) == 1);
  f.pool.open_failed(t0);
  CHECK(f.pool.begin_opening(t0 + 1s) == 1);
  f.pool.recycle();
  f.pool.begin_leaving_unused(f.members[0]);
  CHECK(f.pool.failures() == 0);
  CHECK(f.pool.begin_opening(t0 + 1s) == 0);
  f.pool.closed(f.members[0]);
  CHECK(f.pool.begin_opening(t0 + 1s) == 1);
  CHECK(f.pool.oldest_waiter() == &waiter);
  f.pool.dequeue(waiter);
}

TEST_CASE("a pool that has shrunk sends its surplus away and opens nothing until it fits") {
  PoolFixture f(limits(4, 4, 4));
  for (std::size_t i = 0; i < 4; ++i) f.open(i);
  f.pool.set_limits(limits(0, 3, 4));
  Waiter waiter;
  PoolMember* const borrowed = f.pool.take_idle(0);
  CHECK(f.pool.must_leave(*borrowed, t0) == BackendClose::surplus);
  f.pool.begin_leaving(*borrowed);
  CHECK(expired(f.pool, t0).empty());
  f.pool.enqueue(waiter);
  CHECK(f.pool.begin_opening(t0) == 0);
  f.pool.dequeue(waiter);
  f.pool.closed(*borrowed);
  CHECK(f.pool.counts().total() == 3);
}

TEST_CASE("backends that are already leaving do not drag more of a shrunk pool after them") {
  PoolFixture f(limits(4, 4, 4));
  for (std::size_t i = 0; i < 4; ++i) f.open(i);
  f.pool.set_limits(limits(0, 2, 4));
  CHECK(expired(f.pool, t0) ==
        Leaving{{&f.members[0], BackendClose::surplus}, {&f.members[1], BackendClose::surplus}});
  CHECK(expired(f.pool, t0).empty());  // the next round, before the server has closed those two
  PoolMember* const borrowed = f.pool.take_idle(0);
  REQUIRE(borrowed != nullptr);
  CHECK_FALSE(f.pool.must_leave(*borrowed, t0));
}

TEST_CASE("idle backends picked by a predicate count as borrowed") {
  PoolFixture f(limits(3, 3, 3));
  for (unsigned i = 0; i < 3; ++i) f.open(i, i);
  std::vector<PoolMember*> out;
  f.pool.take_idle_if([](const PoolMember& m) { return m.worker != 1; }, out);
  CHECK(out == std::vector{&f.members[0], &f.members[2]});
  CHECK(f.pool.counts().idle == 1);
  CHECK(f.pool.counts().borrowed == 2);
}

TEST_CASE("while a pool is paused nobody gets a backend, and all that exist are to leave") {
  PoolFixture f(limits(0, 2, 2));
  Waiter first;
  f.pool.enqueue(first);
  REQUIRE(f.open(0) == &first);
  f.pool.recycle();
  f.pool.set_paused(true);
  Waiter second;
  f.pool.enqueue(second);
  CHECK(f.pool.must_leave(f.members[0], t0) == BackendClose::outdated);
  CHECK(f.pool.begin_opening(t0) == 0);
  CHECK(f.pool.take_idle(0) == nullptr);
  f.pool.set_paused(false);
  CHECK(f.pool.begin_opening(t0) == 1);
}

TEST_CASE("a backend that was away for nobody's work goes back to its place, as idle as before") {
  PoolFixture f(limits(0, 3, 3));
  for (unsigned i = 0; i < 3; ++i) {
    Waiter waiter;
    f.pool.enqueue(waiter);
    REQUIRE(f.open(i) == &waiter);
  }
  for (unsigned i = 0; i < 3; ++i) f.give_back(i, t0 + i * 1s);
  std::vector<PoolMember*> out;
  f.pool.take_idle_if([&](const PoolMember& m) { return &m == &f.members[1]; }, out);
  CHECK(f.pool.put_back(f.members[1]) == nullptr);
  CHECK(f.members[1].idle_since == t0 + 1s);
  CHECK(f.pool.counts().borrowed == 0);
  CHECK(f.pool.take_idle(0) == &f.members[2]);
  CHECK(f.pool.take_idle(0) == &f.members[1]);
  CHECK(f.pool.take_idle(0) == &f.members[0]);
}

TEST_CASE("it goes to whoever has begun to wait meanwhile") {
  PoolFixture f(limits(1, 1));
  f.open(0);
  std::vector<PoolMember*> out;
  f.pool.take_idle_if([](const PoolMember&) { return true; }, out);
  Waiter waiter;
  f.pool.enqueue(waiter);
  CHECK(f.pool.put_back(f.members[0]) == &waiter);
  CHECK(waiter.granted == &f.members[0]);
  CHECK(f.pool.counts().borrowed == 1);
}

TEST_CASE("a login that is to prove a password takes a place of the pool, and gives it back") {
  PoolFixture f(limits(0, 2, 1));
  REQUIRE(f.pool.begin_proof());
  CHECK(f.pool.counts().opening == 1);
  CHECK_FALSE(f.pool.begin_proof());  // max_logins
  f.pool.proof_failed();
  CHECK(f.pool.counts().total() == 0);
  CHECK(f.pool.failures() == 0);
  REQUIRE(f.pool.begin_proof());
  CHECK(f.pool.put(f.members[0], t0, true) == nullptr);
  CHECK(f.pool.counts().idle == 1);
  f.pool.set_paused(true);
  CHECK_FALSE(f.pool.begin_proof());
}

TEST_CASE("in a full pool the longest idle backend makes room, one at a time and none that is lent") {
  PoolFixture f(limits(2, 2, 2));
  f.open(0);
  f.open(1);
  CHECK_FALSE(f.pool.begin_proof());
  CHECK(f.pool.make_room() == &f.members[0]);
  CHECK(f.pool.make_room() == nullptr);
  CHECK_FALSE(f.pool.begin_proof());  // the server may not have closed it yet
  f.pool.closed(f.members[0]);
  CHECK(f.pool.begin_proof());
  CHECK(f.pool.make_room() == nullptr);  // while that is under way
  REQUIRE(f.pool.take_idle(0) == &f.members[1]);
  f.members[0] = {};
  f.pool.put(f.members[0], t0, true);
  REQUIRE(f.pool.take_idle(0) == &f.members[0]);
  CHECK(f.pool.make_room() == nullptr);  // all are lent
}

TEST_CASE("nothing is opened for a waiter whom a backend on an errand will serve") {
  PoolFixture f(limits(1, 3, 3));
  f.open(0);
  std::vector<PoolMember*> out;
  f.pool.take_idle_if([](const PoolMember&) { return true; }, out);
  f.pool.begin_errand();
  Waiter first;
  Waiter second;
  f.pool.enqueue(first);
  CHECK(f.pool.begin_opening(t0) == 0);
  f.pool.enqueue(second);
  CHECK(f.pool.begin_opening(t0) == 1);
  f.pool.end_errand();
  CHECK(f.pool.put_back(f.members[0]) == &first);
}

TEST_CASE("each member has one state, and the counts are of those") {
  PoolFixture f(limits(2, 2, 2));
  f.open(0);
  f.open(1);
  CHECK(f.members[0].state == MemberState::idle);
  REQUIRE(f.pool.take_idle(0) == &f.members[1]);
  CHECK(f.members[1].state == MemberState::borrowed);
  f.pool.begin_leaving(f.members[1]);
  CHECK(f.members[1].state == MemberState::leaving);
  CHECK(f.pool.counts().idle == 1);
  CHECK(f.pool.counts().leaving == 1);
  f.pool.closed(f.members[1]);
  CHECK(f.pool.counts().total() == 1);
}
