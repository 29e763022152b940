#include "proxy/session/backend_lease.hpp"

#include <catch2/catch.hpp>

#include "../session_stage.hpp"

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

class Tenant : public test::SessionStage {
 public:
  explicit Tenant(std::uint32_t backends_max = 1) : SessionStage(test::app_settings(backends_max)) {
    use_pool();
    exchange.client.greeted = true;
    tasks_.start(count_wakes());
  }

  // Another session, which has the pool's place in the queue behind this one's.
  void queue_up(Waiter& waiter) { pool().wait(waiter, worker()); }
  // Whether what the server sends wakes the session.
  bool is_watching(test::FarServer& server) {
    look();  // what was there before
    const int before = wakes_;
    server.end.send(ByteBuffer{'Z', 0, 0, 0, 5, 'I'});
    look();
    return wakes_ > before;
  }

  BackendLease lease{exchange, waker, session_id};

 private:
  Task<> count_wakes() {
    for (;; ++wakes_) co_await waker.wait();
  }

  int wakes_ = 0;
  TaskList tasks_{[](std::exception_ptr error) { std::rethrow_exception(error); }};
};

}  // namespace

TEST_CASE("an idle backend is borrowed at once, and wakes the session from then on") {
  Tenant session;
  test::FarServer& server = session.add_server();
  session.exchange.forwarded = true;  // to the last one
  session.pass(5ms);
  CHECK(session.lease.borrow());
  CHECK(session.exchange.backend == server.backend.get());
  CHECK_FALSE(session.exchange.forwarded);
  CHECK(session.lease.since() == session.worker().now());
  CHECK_FALSE(session.lease.waits());
  CHECK_FALSE(session.lease.is_granted());
  CHECK(session.counters().borrows.get() == 1);
  CHECK(session.counters().borrow_wait.count(0) == 1);
  CHECK(session.is_watching(server));
}

TEST_CASE("who finds no backend waits in the queue, once, and takes what it is granted") {
  Tenant session;
  CHECK_FALSE(session.lease.borrow());
  CHECK(session.lease.waits());
  CHECK(session.lease.waits_since() == session.worker().now());
  CHECK_FALSE(session.lease.borrow());
  CHECK(session.pool().counts().waiting == 1);
  test::FarServer& server = session.add_server();
  CHECK(session.process.woken.woken == std::vector<std::uint64_t>{Tenant::session_id});
  CHECK_FALSE(session.lease.waits());
  CHECK(session.lease.is_granted());
  CHECK(session.exchange.backend == nullptr);
  session.pass(40ms);
  CHECK(session.lease.take_grant());
  CHECK(session.exchange.backend == server.backend.get());
  CHECK_FALSE(session.lease.is_granted());
  CHECK(session.lease.since() == session.worker().now());
  CHECK(session.is_watching(server));
}

TEST_CASE("who is granted a backend that is dead waits for the next one, behind those who wait") {
  Tenant session(2);
  CHECK_FALSE(session.lease.borrow());
  Waiter other;
  session.queue_up(other);
  test::FarServer& dead = session.add_server();
  dead.backend->transport.close();  // which shows when it is to be used
  CHECK_FALSE(session.lease.take_grant());
  CHECK(session.exchange.backend == nullptr);
  CHECK(session.lease.waits());
  CHECK(session.closed(BackendClose::lost) == 1);
  test::FarServer& next = session.add_server();
  CHECK(other.granted == next.backend.get());
  CHECK_FALSE(session.lease.is_granted());
  session.pool().stop_waiting(other, session.worker());
  CHECK(session.lease.take_grant());
  CHECK(session.exchange.backend == next.backend.get());
}

TEST_CASE("a backend that is given back is idle, and no more the session's") {
  Tenant session;
  test::FarServer& server = session.add_server();
  REQUIRE(session.lease.borrow());
  session.lease.give_back();
  CHECK(session.exchange.backend == nullptr);
  CHECK(session.pool().counts().idle == 1);
  CHECK_FALSE(session.is_watching(server));
}

TEST_CASE("a backend of which it is in doubt what it has prepared is closed instead") {
  Tenant session;
  session.add_server();
  REQUIRE(session.lease.borrow());
  session.exchange.backend->statements.doubt_all();
  session.lease.give_back();
  CHECK(session.exchange.backend == nullptr);
  CHECK(session.closed(BackendClose::statements_changed) == 1);
  CHECK(session.pool().counts().idle == 0);
  CHECK(session.pool().counts().leaving == 1);
}

TEST_CASE("a backend that is discarded goes for the reason that is given") {
  Tenant session;
  session.add_server();
  REQUIRE(session.lease.borrow());
  session.lease.discard(BackendClose::not_clean);
  CHECK(session.exchange.backend == nullptr);
  CHECK(session.closed(BackendClose::not_clean) == 1);
  CHECK(session.pool().counts().leaving == 1);
}

TEST_CASE("a lease is audited once at the most") {
  Tenant session;
  session.add_server();
  session.lease.audit_every(1);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(session.lease.borrow());
    CHECK(session.lease.begin_audit());
    CHECK_FALSE(session.lease.begin_audit());
    session.lease.give_back();
  }
}

TEST_CASE("one lease in so many is audited, and none where none is asked for") {
  Tenant session;
  session.add_server();
  const std::uint32_t every = GENERATE(0U, 3U);
  session.lease.audit_every(every);
  int audits = 0;
  for (int i = 0; i < 9; ++i) {
    REQUIRE(session.lease.borrow());
    audits += session.lease.begin_audit() ? 1 : 0;
    session.lease.give_back();
  }
  CHECK(audits == (every == 0 ? 0 : 3));
}

TEST_CASE("a backend that the session keeps is not audited before it is free") {
  Tenant session;
  session.add_server();
  session.lease.audit_every(1);
  REQUIRE(session.lease.borrow());
  session.exchange.pins.insert(Pin::advisory_lock);
  CHECK_FALSE(session.lease.begin_audit());
  session.exchange.pins = {};
  CHECK(session.lease.begin_audit());
}

TEST_CASE("who stops waiting leaves the queue, and what it was granted goes to the next or becomes idle") {
  Tenant session;
  CHECK_FALSE(session.lease.borrow());
  Waiter other;
  SECTION("nothing was granted yet") {
    session.lease.stop_waiting();
    CHECK(session.pool().counts().waiting == 0);
    session.add_server();
    CHECK(session.pool().counts().idle == 1);
  }
  SECTION("somebody else waits") {
    session.queue_up(other);
    test::FarServer& server = session.add_server();
    session.lease.stop_waiting();
    CHECK(other.granted == server.backend.get());
  }
  SECTION("nobody else waits") {
    session.add_server();
    session.lease.stop_waiting();
    CHECK(session.pool().counts().idle == 1);
  }
  CHECK_FALSE(session.lease.waits());
  CHECK_FALSE(session.lease.is_granted());
  CHECK(session.exchange.backend == nullptr);
}

TEST_CASE(
    "a client is told what its backend has otherwise, unless its own settings are still to be applied") {
  Tenant session;
  session.add_server({{"TimeZone", "UTC"}});
  SECTION("its settings are those of the backend") {
    REQUIRE(session.lease.borrow());
    CHECK(session.exchange.client.view->at("TimeZone") == "UTC");
    session.link.flush();
    CHECK(session.client() == "S(TimeZone,UTC)");
  }
  SECTION("it has others") {
    session.exchange.client.desired = session.worker().interner().intern({{"work_mem", "8MB"}});
    REQUIRE(session.lease.borrow());
    session.link.flush();
    CHECK(session.client().empty());
  }
}
