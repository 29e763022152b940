#include "proxy/exchange/exchange.hpp"

#include <catch2/catch.hpp>

#include "../pool/pool_stage.hpp"
#include "proxy/listen/listen_hub.hpp"

using namespace pgweir;
using test::PoolStage;
using test::RelayScript;

namespace {

// A backend that has a client's statement and pgweir's own question.
struct Temporary : RelayScript {
  Temporary() {
    run("> P(s,select * from t) S < 1 t n Z(I)");
    BackendStatements& on_backend = backend().statements;
    on_backend.begin_parse(pool().names_question(), 0);
    on_backend.end_parse(pool().names_question(), Outcome::done);
    exchange.session_id = 7;
  }
  bool has(const StatementRef& statement) {
    return backend().statements.find(statement, exchange.tracker.segment()) ==
           BackendStatements::Presence::present;
  }
  bool has_statement() { return has(exchange.statements.find("s")); }
};

// A client that has logged in and has no backend.
struct Prepared : PoolStage {
  Prepared() { use_pool(); }
  ~Prepared() override { exchange.leave_hub(); }
  void use_encoding(const char* encoding) {
    exchange.client.use_view(worker().interner().intern({{"client_encoding", encoding}}));
  }
  void listen(const char* channel) {
    REQUIRE(exchange.listen->take_plain({ListenVerb::listen, channel}) == ListenState::Plain::wait);
    exchange.listen->answered(ListenOutcome::done);
  }
};

}  // namespace

TEST_CASE("a client's first temporary object hides tables from statements that were planned before") {
  Temporary relay;
  SECTION("but the server notices where the connection has not had any") {
    relay.exchange.begin_temporary();
    CHECK(relay.has_statement());
  }
  SECTION("and not where another client has had some") {
    relay.backend().temporary_owner = 6;
    relay.exchange.begin_temporary();
    CHECK_FALSE(relay.has_statement());
    CHECK(relay.has(relay.pool().names_question()));
  }
  SECTION("once, as the next ones are no longer the first") {
    relay.backend().temporary_owner = 7;
    relay.exchange.begin_temporary();
    CHECK(relay.has_statement());
  }
  CHECK(relay.backend().temporary_owner == 7);
}

TEST_CASE("a statement that only may have made a temporary object is no first one if the server denies it") {
  Temporary relay;
  relay.backend().temporary_owner = 6;
  relay.exchange.begin_temporary(false);
  CHECK_FALSE(relay.has_statement());
  SECTION("denied: another client was the last one") {
    relay.exchange.deny_temporary();
    CHECK(relay.backend().temporary_owner == 6);
  }
  SECTION("a certain one came behind it") {
    relay.exchange.begin_temporary();
    relay.exchange.deny_temporary();
    CHECK(relay.backend().temporary_owner == 7);
  }
  SECTION("it was one: that it is dropped by now does not matter") {
    relay.exchange.begin_temporary();
    relay.exchange.end_temporary();
    relay.exchange.deny_temporary();
    CHECK(relay.backend().temporary_owner == 7);
  }
}

TEST_CASE("temporary objects that code may have made are taken for its client's where nobody has had any") {
  Temporary relay;
  SECTION("nobody") {
    relay.exchange.may_begin_temporary();
    relay.exchange.session_id = 8;
    relay.exchange.begin_temporary();
    CHECK_FALSE(relay.has_statement());
  }
  SECTION("another client: if there are some, that they are the first is not known") {
    relay.backend().temporary_owner = 6;
    relay.exchange.may_begin_temporary();
    relay.exchange.begin_temporary();
    CHECK_FALSE(relay.has_statement());
  }
}

TEST_CASE(
    "a client listens through the hub of its client_encoding, and changes it while it listens to nothing") {
  Prepared client;
  client.use_encoding("UTF8");
  REQUIRE(client.exchange.begin_listening());
  const std::shared_ptr<ListenHub> first = client.exchange.hub;
  CHECK(client.exchange.begin_listening());
  CHECK(client.exchange.hub == first);
  client.use_encoding("LATIN1");
  SECTION("to nothing") {
    CHECK(client.exchange.begin_listening());
    CHECK(client.exchange.hub != first);
    CHECK(client.exchange.listen->encoding() == "LATIN1");
  }
  SECTION("to something") {
    client.listen("jobs");
    CHECK_FALSE(client.exchange.begin_listening());
    CHECK(client.exchange.hub == first);
  }
}

TEST_CASE("a client listens on its own backend where no hub would do it") {
  Prepared client;
  SECTION("it keeps its backend anyway") {
    client.exchange.pins.insert(Pin::session_mode);
  }
  SECTION("its pool is gone") {
    client.pool().retire();
  }
  CHECK_FALSE(client.exchange.begin_listening());
  CHECK(client.exchange.listen == nullptr);
}
