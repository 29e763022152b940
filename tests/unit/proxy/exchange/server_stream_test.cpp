#include "proxy/exchange/server_stream.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

struct Inserting : RelayScript {
  Progress insert() { return ServerStream(exchange).insert_statement("LISTEN jobs", nullptr); }
};

}  // namespace

TEST_CASE("between two batches a statement of pgweir's is a Query, whose error is pgweir's alone") {
  Inserting relay;
  CHECK(relay.insert() == Progress::done);
  CHECK(relay.server() == "Q(LISTEN jobs)");
  relay.run("> Q(select 1) < E(42501,no) Z(I) C(SELECT 1) Z(I)");
  CHECK(relay.client() == "C(SELECT 1) Z(I)");
}

TEST_CASE(
    "within a batch a statement of pgweir's leaves neither portal nor statement, nor the client a reply") {
  Inserting relay;
  relay.run("> P(,select 1) B()");
  relay.server();
  CHECK(relay.insert() == Progress::done);
  CHECK(relay.server() == "P(#1,LISTEN jobs) B(#1) E Cp(#1) Cs(#1)");
  relay.run("> E S < 1 2 1 2 C(LISTEN) 3 3 C(SELECT 1) Z(I)");
  CHECK(relay.client() == "1 2 C(SELECT 1) Z(I)");
  CHECK(relay.exchange.tracker.settled());
  // The client's own unnamed statement is still there.
  CHECK(relay.exchange.statements.find("") != nullptr);
}

TEST_CASE("within a batch an error of pgweir's statement is that of the client's next message") {
  Inserting relay;
  relay.run("> P(,select 1) B()");
  REQUIRE(relay.insert() == Progress::done);
  relay.run("> E S < 1 2 1 2 E(42501,no) Z(I)");
  CHECK(relay.client() == "1 2 E(42501) Z(I)");
  CHECK(relay.exchange.tracker.settled());
}

TEST_CASE(
    "nothing of pgweir's goes where an error of the client's could skip it, or the Sync be the wrong one") {
  Inserting relay;
  relay.run("> P(,select 1) B() E Q(select 2)");
  relay.server();
  CHECK(relay.insert() == Progress::hold);
  CHECK(relay.server().empty());
}

TEST_CASE("a Query ends the client's unnamed statement, also if it fails") {
  RelayScript relay;
  relay.run("> P(,select 1) S < 1 Z(I) > Q(select x)");
  relay.server();
  relay.run("< E(42703,no x) Z(I)");
  CHECK(relay.exchange.statements.find("") == nullptr);
  CHECK(relay.backend().statements.unnamed() == nullptr);
}

TEST_CASE("a Query of pgweir's ends the backend's unnamed statement, and the client keeps its own") {
  RelayScript relay;
  relay.run("> P(,select 1) S < 1 Z(I)");
  ServerStream(relay.exchange).send_own(OwnQuery::no_op, "SET work_mem = '1MB'");
  relay.run("< C(SET) Z(I)");
  relay.server();
  relay.client();
  relay.run("> B() E S");
  CHECK(relay.server() == "P(,select 1) B() E S");
  relay.run("< 1 2 C(SELECT 1) Z(I)");
  CHECK(relay.client() == "2 C(SELECT 1) Z(I)");
}

TEST_CASE("after a COPY that failed the client has an answer to each Sync that the server has read") {
  RelayScript relay;
  relay.run("> P(,copy t from stdin) B() E S < 1 2 G > d S");
  relay.server();
  relay.client();
  relay.run("< E(22P02,no number)");
  REQUIRE(relay.exchange.tracker.needs_fence());
  ServerStream(relay.exchange).send_fence();
  CHECK(relay.server() == "S Cp(#1) S");
  const int read = GENERATE(0, 1);
  if (read == 1) relay.run("< Z(I)");
  relay.run("< Z(I) 3 Z(I)");
  CHECK(relay.client() == (read == 1 ? "E(22P02) Z(I)" : "E(22P02)"));
  // For a client whose Sync the COPY has swallowed, the rest of its batch is to be skipped.
  CHECK(relay.exchange.tracker.settled() == (read == 1));
  if (read == 0) relay.run("> B() S < Z(I)");
  CHECK(relay.server() == (read == 0 ? "S" : ""));
  CHECK(relay.exchange.tracker.settled());
}

TEST_CASE("what is set to what it is already is not noted, unless something else is on its way") {
  RelayScript relay;
  const MapRef settings = relay.worker().interner().intern({{"work_mem", "8MB"}, {"role", "owner"}});
  relay.exchange.client.desired = settings;
  relay.backend().applied = settings;
  const auto [sql, noted] = GENERATE(table<const char*, bool>({
      {"set work_mem = '8MB'", false},
      {"select set_config('work_mem', '8MB', false)", false},
      {"set work_mem = '9MB'", true},
      {"set geqo = 'off'", true},
      {"reset work_mem", true},
      {"set role owner", true},  // who may no longer be it is refused
      {"set work_mem = '8MB'; reset geqo", true},
  }));
  INFO(sql);
  relay.run(std::string("> Q(") + sql + ")");
  CHECK(relay.exchange.journal.is_empty() != noted);
  relay.run("< C(SET) Z(I)");
}

TEST_CASE("the backend may have another value than the client, and a transaction another one than both") {
  RelayScript relay;
  relay.exchange.client.desired = relay.worker().interner().intern({{"work_mem", "8MB"}});
  SECTION("the backend") {
    relay.run("> Q(set work_mem = '8MB')");
    CHECK_FALSE(relay.exchange.journal.is_empty());
  }
  SECTION("the transaction") {
    relay.backend().applied = relay.exchange.client.desired;
    relay.run(
        "> Q(begin) < C(BEGIN) Z(T) > Q(set work_mem = '9MB') < C(SET) Z(T) > Q(set work_mem = '8MB') < "
        "C(SET) Z(T)");
    relay.run("> Q(commit) < C(COMMIT) Z(I)");
    const SettingsStep& committed = relay.exchange.journal.committed();
    REQUIRE(committed.size() == 2);
    CHECK(committed.back().value == "8MB");
  }
  SECTION("something that ran unseen") {
    relay.backend().applied = relay.exchange.client.desired;
    relay.exchange.watch.marks.insert(Mark::unseen);
    relay.run("> Q(set work_mem = '8MB')");
    CHECK_FALSE(relay.exchange.journal.is_empty());
  }
}
