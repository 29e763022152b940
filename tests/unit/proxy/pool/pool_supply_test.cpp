#include "proxy/pool/pool_supply.hpp"

#include <catch2/catch.hpp>

#include "../caught_stderr.hpp"
#include "proxy/backend/default_role.hpp"
#include "reachable_pool.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using test::PoolStage;

namespace {

// A pool of one place, and a session that waits for it.
struct Supplied : PoolStage {
  Supplied() : PoolStage(test::app_settings(1)) { waiter.session = 1; }
  void wait_for_it() { core().state.enqueue(waiter); }
  // One that has logged in just now.
  Backend& arrive(SettingMap parameters = {}) { return *add_server(std::move(parameters)).backend; }
  std::string baseline(const char* name) {
    const MapRef known = pool().logins().baseline();
    return known == nullptr ? "-" : known->at(name);
  }

  Waiter waiter;
};

// The same with a server that can be reached.
struct SuppliedByServer : test::ReachablePool {
  SuppliedByServer() { waiter.session = 1; }
  void begin() {
    core().state.enqueue(waiter);
    open_missing(core(), worker());
  }
  void log_in(testing::FakeBackend& connection) {
    connection.log_in();
    turn_until([&] { return !connection.is_silent(); });
    CHECK(connection.query() == default_role_question);
    connection.say(reply("D(none,0)"));
    connection.ready();
  }
  void let_in(testing::FakeBackend& connection) {
    log_in(connection);
    turn_until([this] { return waiter.granted != nullptr; });
  }
  testing::FakeBackend refused(const char* code) {
    testing::FakeBackend connection = accept();
    connection.opening();
    connection.refuse(code);
    turn_until([this] { return core().state.failures() > 0; });
    return connection;
  }
  std::uint64_t logins(BackendLoginResult result) {
    return counters().logins[static_cast<std::size_t>(result)].get();
  }

  Waiter waiter;
};

}  // namespace

TEST_CASE("a backend that has logged in is for who waits, and idle where nobody does") {
  Supplied pool;
  const bool waits = GENERATE(true, false);
  if (waits) pool.wait_for_it();
  Backend& backend = pool.arrive();
  CHECK((pool.waiter.granted == &backend) == waits);
  CHECK(pool.process.woken.woken.size() == (waits ? 1 : 0));
  CHECK((backend.state == MemberState::idle) == !waits);
}

TEST_CASE("a login that comes into a pause is not kept") {
  Supplied pool;
  REQUIRE(pool.core().state.begin_proof());
  pool.core().state.set_paused(true);
  Backend& backend = pool.arrive();
  CHECK(backend.state == MemberState::leaving);
  CHECK(pool.closed(BackendClose::outdated) == 1);
}

TEST_CASE("clients are told what a fresh login reports, by one that is outdated only for want of another") {
  Supplied pool;
  const bool is_first = GENERATE(true, false);
  if (!is_first) {
    pool.arrive({{"TimeZone", "UTC"}});
    pool.core().state.set_limits({.min_size = 0, .max_size = 2, .max_logins = 1});
  }
  REQUIRE(pool.core().state.begin_proof());
  pool.core().state.set_paused(true);
  pool.arrive({{"TimeZone", "Asia/Tokyo"}});
  CHECK(pool.baseline("TimeZone") == (is_first ? "Asia/Tokyo" : "UTC"));
}

TEST_CASE("a server that says more while it closes a connection is heard to its end") {
  Supplied pool;
  pool.arrive();
  give_up(pool.core(), pool.borrow(), BackendClose::max_lifetime, pool.worker());
  pool.turn();
  CHECK(pool.server() == "X");
  for (int i = 0; i < 3; ++i) {
    pool.hear("S(TimeZone,UTC)");
    pool.turn();
    CHECK(pool.counts().leaving == 1);
  }
  pool.servers[0].end.close();
  pool.turn();
  CHECK(pool.counts().total() == 0);
}

TEST_CASE("a server that does not keep to the protocol is told to who runs pgweir") {
  Supplied pool;
  pool.arrive();
  const BackendClose reason = GENERATE(BackendClose::protocol_violation, BackendClose::lost);
  const test::CaughtLog caught;
  give_up(pool.core(), pool.borrow(), reason, pool.worker());
  const bool is_told = caught.lines().find("server_protocol_violation") != std::string::npos;
  CHECK(is_told == (reason == BackendClose::protocol_violation));
}

// --- Logins

TEST_CASE("who waits gets the backend that is opened for it") {
  SuppliedByServer pool;
  pool.begin();
  CHECK(pool.counts().opening == 1);
  testing::FakeBackend connection = pool.accept();
  pool.let_in(connection);
  CHECK(pool.logins(BackendLoginResult::ok) == 1);
  CHECK(pool.counts().opening == 0);
}

TEST_CASE(
    "a server that refuses logins for good is told to who waits and to who runs pgweir, and tried again") {
  SuppliedByServer pool;
  const test::CaughtLog caught;
  pool.begin();
  pool.refused("28P01");
  CHECK(pool.process.woken.woken == std::vector<std::uint64_t>{1});
  CHECK(pool.pool().refusal()->sqlstate == "28P01");
  // Nobody has to ask for the next login.
  pool.accept().refuse("28P01");
  pool.turn_until([&] { return pool.core().state.failures() == 2; });
  CHECK(caught.lines().find("server_login_failed") != std::string::npos);
}

TEST_CASE(
    "a server that refuses a login for now is tried again until it is back, and who waits goes on waiting") {
  SuppliedByServer pool;
  const test::CaughtLog caught;
  pool.begin();
  pool.refused("53300");
  CHECK(pool.process.woken.woken.empty());
  CHECK_FALSE(pool.pool().refusal());
  testing::FakeBackend connection = pool.accept();
  pool.let_in(connection);
  CHECK(pool.core().state.failures() == 0);
  CHECK(caught.lines().find("server_reachable") != std::string::npos);
}

TEST_CASE("a login that was made outdated on its way serves nobody, and makes room for another one") {
  SuppliedByServer pool;
  pool.begin();
  testing::FakeBackend first = pool.accept();
  pool.pool().recycle();
  pool.log_in(first);
  pool.turn_until([&] { return !first.is_silent(); });
  CHECK(first.query() == "X");
  CHECK(pool.waiter.granted == nullptr);
  CHECK(pool.closed(BackendClose::outdated) == 1);
  CHECK(pool.reached->nobody_knocks());
  first.close();
  testing::FakeBackend second = pool.accept();
  pool.let_in(second);
}

TEST_CASE("the place of a backend that is given up is the next login's once the server has closed it") {
  SuppliedByServer pool;
  pool.add_server();
  give_up(pool.core(), pool.borrow(), BackendClose::lost, pool.worker());
  pool.begin();
  CHECK(pool.counts().opening == 0);
  pool.turn();
  CHECK(pool.reached->nobody_knocks());
  pool.servers[0].end.close();
  testing::FakeBackend connection = pool.accept();
  pool.let_in(connection);
}
