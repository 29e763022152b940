#include "proxy/request/request_path.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"
#include "proxy/exchange/server_stream.hpp"

using namespace pgweir;
using test::RelayScript;

TEST_CASE("a query goes to the server as it is, and its answer to the client") {
  RelayScript relay;
  relay.byte_by_byte = GENERATE(false, true);
  relay.run("> Q(select 1)");
  CHECK(relay.server() == "Q(select 1)");
  relay.run("< T(a,23) D(1) C(SELECT 1) Z(I)");
  CHECK(relay.client() == "T D C(SELECT 1) Z(I)");
  CHECK(relay.exchange.tracker.settled());
  CHECK(relay.exchange.forwarded);
}

TEST_CASE("what needs the server waits for a backend, and what does not is taken") {
  RelayScript relay;
  relay.exchange.backend = nullptr;
  for (const std::string word : {"Q(select 1)", "P(s,select 1)", "B(s)", "E", "S"}) {
    relay.run("> " + word);
    CHECK(relay.held() == word + '!');
  }
  relay.run("> H");
  CHECK(relay.held().empty());
  CHECK(relay.server().empty());
}

TEST_CASE("a statement gets a name of ours, which every backend can be given") {
  RelayScript relay;
  relay.byte_by_byte = GENERATE(false, true);
  relay.run("> P(s,select 1) S");
  CHECK(relay.server() == "P(#1,select 1) Ds(#1) S");
  relay.run("< 1 t n Z(I)");
  CHECK(relay.client() == "1 Z(I)");

  SECTION("on the same backend it is there") {
    relay.run("> B(s) E S");
    CHECK(relay.server() == "B(#1) E S");
  }
  SECTION("on another one it is parsed first, unseen") {
    relay.lend();
    relay.run("> B(s) E S");
    CHECK(relay.server() == "P(#1,select 1) Ds(#1) B(#1) E S");
    relay.run("< 1 t n 2 C(SELECT 1) Z(I)");
    CHECK(relay.client() == "2 C(SELECT 1) Z(I)");
  }
  SECTION("another client's statement of the same text is the same one") {
    relay.run("> P(t,select 1) S");
    CHECK(relay.server() == "S");
    relay.run("< Z(I)");
    CHECK(relay.client() == "1 Z(I)");
  }
  SECTION("closed, it stays for others") {
    relay.run("> C(s) S");
    CHECK(relay.server() == "S");
    relay.run("< Z(I)");
    CHECK(relay.client() == "3 Z(I)");
    CHECK(relay.exchange.statements.find("s") == nullptr);
  }
}

// Parse, Describe of ours, Bind, Execute, Sync on a backend that has nothing: the server fails one of them and
// skips the rest.
TEST_CASE("a batch that fails at any step gives the client one error, and leaves nothing that is not there") {
  const std::vector<std::string> replies{"1", "t n", "2", "C(SELECT 1)"};
  const std::vector<std::string> seen{"", "", "2", "C(SELECT 1)"};
  const std::size_t failing = GENERATE(0u, 1u, 2u, 3u);
  RelayScript relay;
  relay.byte_by_byte = GENERATE(false, true);
  relay.run("> P(s,select 1) S < 1 t n Z(I)");
  relay.server();
  relay.client();
  relay.lend();
  relay.run("> B(s) E S");
  CHECK(relay.server() == "P(#1,select 1) Ds(#1) B(#1) E S");
  std::string expected;
  for (std::size_t i = 0; i < failing; ++i) {
    relay.run("< " + replies[i]);
    if (!seen[i].empty()) expected += seen[i] + ' ';
  }
  relay.run("< E(42P01,no such table) Z(I)");
  CHECK(relay.client() == expected + "E(42P01) Z(I)");
  CHECK(relay.exchange.tracker.settled());
  const auto presence = relay.backend().statements.find(relay.exchange.statements.find("s"), 99);
  const bool parsed = presence == BackendStatements::Presence::present;
  CHECK(parsed == (failing > 0));
}

TEST_CASE("the client's name is in the error, and not ours") {
  RelayScript relay;
  relay.run("> P(s,select 1) S < 1 t n Z(I)");
  CHECK(relay.exchange.statements.find("s") != nullptr);
  relay.run("> P(s,select 2) S");
  relay.server();
  relay.client();
  relay.run("< 3 1 E(42P05,exists) Z(I)");
  CHECK(relay.client() == "E(42P05) Z(I)");
}

TEST_CASE("a client that leaves waits for what is owed") {
  RelayScript relay;
  relay.run("> Q(select 1) X");
  CHECK(relay.held() == "X");
  relay.run("< C(SELECT 1) Z(I) > X");
  CHECK(relay.held() == "X!");
}

TEST_CASE("within COPY IN only its own messages go to the server") {
  RelayScript relay;
  relay.byte_by_byte = GENERATE(false, true);
  relay.run("> Q(copy t from stdin) < G > d Q(select 1)");
  CHECK(relay.held() == "Q(select 1)!");
  CHECK(relay.server() == "Q(copy t from stdin) d");
  relay.run("> c < C(COPY 1) Z(I)");
  CHECK(relay.client() == "G C(COPY 1) Z(I)");
  CHECK(relay.exchange.tracker.settled());
}

TEST_CASE("a pipeline has an end: what is too much waits") {
  RelayScript relay;
  for (int i = 0; i < 16; ++i) relay.run("> Q(select 1)");
  CHECK(relay.held().empty());
  relay.run("> Q(select 2)");
  CHECK(relay.held() == "Q(select 2)");
}

TEST_CASE("after an error nothing goes to the server up to the Sync") {
  RelayScript relay;
  relay.run("> P(s,select x) < E(42703,no x) > B(s) E");
  CHECK(relay.server() == "P(#1,select x) Ds(#1)");
  relay.run("> S < Z(I)");
  CHECK(relay.server() == "S");
  CHECK(relay.client() == "E(42703) Z(I)");
  CHECK(relay.exchange.statements.find("s") == nullptr);
}

TEST_CASE("a listener that unlistens right behind pgweir's own work gets what was notified before") {
  RelayScript relay;
  int asked = 0;
  relay.exchange.listen = std::make_unique<ListenState>([&](ListenChange) { ++asked; }, std::string());
  ListenState& listen = *relay.exchange.listen;
  CHECK(listen.take_plain({ListenVerb::listen, "jobs"}) == ListenState::Plain::wait);
  listen.answered(ListenOutcome::done);
  CHECK(listen.take_plain({ListenVerb::listen, "jobs"}) == ListenState::Plain::done);
  ServerStream(relay.exchange).send_own(OwnQuery::no_op, "UNLISTEN jobs");
  relay.run("> Q(unlisten *; select 1)");
  CHECK(asked == 2);
  CHECK(relay.held() == "Q(unlisten *; select 1)");
  listen.answered(ListenOutcome::done);
  relay.run("> Q(unlisten *; select 1)");
  CHECK(relay.held().empty());
}
