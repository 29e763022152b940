#include "proxy/pool/pool_proof.hpp"

#include <catch2/catch.hpp>

#include "proxy/backend/default_role.hpp"
#include "reachable_pool.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using Kind = PasswordVerdict::Kind;

namespace {

constexpr PasswordDigest told_one{7};

// A client has told a password, which the server is to judge.
struct ProvingPool : test::ReachablePool {
  using ReachablePool::ReachablePool;

  void prove() {
    const auto attempt =
        process.proofs.begin({"app", "app", "anna", 1, 1}, told_one, {0, session_id}, worker().now());
    REQUIRE(attempt.kind == PasswordProofs::Attempt::Kind::begun);
    proof = attempt.proof;
    worker().tasks().start(prove_password(
        worker(), core().ref(), config::Secret("told"), told_one, proof,
        [this](const std::shared_ptr<const PoolTarget>&) { return ++published > 0 && takes_users; }));
  }
  testing::FakeBackend asked_for_password() {
    testing::FakeBackend connection = accept();
    connection.ask_password();
    turn_until([&] { return !connection.is_silent(); });
    connection.take_password();
    return connection;
  }
  // The login succeeds.
  void let_in(testing::FakeBackend& connection) {
    connection.let_in();
    turn_until([&] { return !connection.is_silent(); });
    CHECK(connection.query() == default_role_question);
    connection.say(reply("D(none,0)"));
    connection.ready();
  }
  PasswordVerdict judgement() {
    turn_until([this] { return process.proofs.judgement(proof).has_value(); });
    return *process.proofs.judgement(proof);
  }
  bool knows_told() { return core().passing.knows(told_one, worker().now(), 1h); }

  PasswordProofs::Ref proof;
  bool takes_users = true;
  int published = 0;
};

}  // namespace

TEST_CASE("a password that the server takes is the pool's from then on, and the login stays in the pool") {
  ProvingPool pool;
  pool.core().outcomes.refuse({"28P01", "the old password", true});
  pool.prove();
  CHECK(pool.counts().opening == 1);
  testing::FakeBackend connection = pool.asked_for_password();
  pool.let_in(connection);
  CHECK(pool.judgement().kind == Kind::right);
  CHECK(pool.published == 1);
  CHECK(pool.counts().idle == 1);
  CHECK(pool.counts().total() == 1);
  CHECK(pool.knows_told());
  CHECK(pool.core().target->password == config::Secret("told"));
  CHECK_FALSE(pool.core().outcomes.refusal());
  CHECK(pool.process.woken.woken == std::vector<std::uint64_t>{ProvingPool::session_id});
}

TEST_CASE("a password that the server refuses is not known any more, and leaves its place") {
  ProvingPool pool;
  pool.core().passing.proved(told_one, pool.worker().now());
  pool.prove();
  testing::FakeBackend connection = pool.asked_for_password();
  connection.refuse("28P01");
  CHECK(pool.judgement().kind == Kind::wrong);
  CHECK_FALSE(pool.knows_told());
  CHECK(pool.core().target->password == config::Secret("right"));
  CHECK(pool.counts().total() == 0);
  CHECK(pool.published == 0);
  CHECK(pool.process.woken.woken == std::vector<std::uint64_t>{ProvingPool::session_id});
}

TEST_CASE("a login that proves no password is not used, and says nothing against the known one") {
  ProvingPool pool;
  pool.core().passing.proved(told_one, pool.worker().now());
  pool.prove();
  std::optional<testing::FakeBackend> connection;
  std::string why;
  SECTION("the server has not asked for any") {
    connection = pool.accept();
    connection->opening();
    why = "the server lets this user in without asking for a password";
  }
  SECTION("the configuration does not take the user any more") {
    pool.takes_users = false;
    connection = pool.asked_for_password();
    why = "this database does not take such users any more, or there are too many pools";
  }
  pool.let_in(*connection);
  CHECK(pool.judgement().message == why);
  CHECK(pool.judgement().kind == Kind::unknown);
  CHECK(pool.knows_told());
  CHECK(pool.core().target->password == config::Secret("right"));
  CHECK(pool.counts().idle == 0);
  pool.turn_until([&] { return !connection->is_silent(); });
  CHECK(connection->query() == "X");
  connection->close();
  pool.turn_until([&] { return pool.counts().total() == 0; });
}

TEST_CASE("a server that cannot be asked proves nothing") {
  ProvingPool pool;
  pool.core().passing.proved(told_one, pool.worker().now());
  SECTION("it is away") {
    pool.reached.reset();
    pool.prove();
  }
  SECTION("it refuses for another reason") {
    pool.prove();
    testing::FakeBackend connection = pool.asked_for_password();
    connection.refuse("53300");
    pool.judgement();
  }
  CHECK(pool.judgement().kind == Kind::unknown);
  CHECK(pool.knows_told());
  CHECK(pool.counts().total() == 0);
}

TEST_CASE("in a full pool the login waits until an idle backend has made room") {
  ProvingPool pool;
  pool.add_server();
  pool.prove();
  CHECK(pool.closed(BackendClose::surplus) == 1);
  pool.turn();
  CHECK(pool.server() == "X");
  CHECK(pool.reached->nobody_knocks());
  pool.servers[0].end.close();
  testing::FakeBackend connection = pool.asked_for_password();
  pool.let_in(connection);
  CHECK(pool.judgement().kind == Kind::right);
}

TEST_CASE("a login that finds no place proves nothing") {
  config::Settings settings = test::app_settings();
  settings.databases["app"].pool.borrow_timeout = config::Millis{0};
  ProvingPool pool(std::move(settings));
  SECTION("all is lent") {
    pool.add_server();
    pool.borrow();
  }
  SECTION("the pool is gone") {
    pool.core().retire();
  }
  pool.prove();
  CHECK(pool.judgement().kind == Kind::unknown);
  CHECK(pool.judgement().message == "no server connection became free in time");
  CHECK(pool.reached->nobody_knocks());
}
