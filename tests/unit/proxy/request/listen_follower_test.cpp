#include "proxy/request/listen_follower.hpp"

#include <catch2/catch.hpp>
#include <utility>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

// A client that listens to "jobs" through a hub that answers when the test says so. A transaction of it may begin: what
// was committed before that has been delivered.
struct Follower : RelayScript {
  Follower() {
    exchange.listen = std::make_unique<ListenState>(
        [this](ListenChange change) { asked.push_back(std::move(change)); }, std::string());
    REQUIRE(listen().take_plain({ListenVerb::listen, "jobs"}) == ListenState::Plain::wait);
    answer();
    REQUIRE(listen().take_plain({ListenVerb::listen, "jobs"}) == ListenState::Plain::done);
    listen().begin();
    answer();
    take_asked();
  }
  ListenState& listen() { return *exchange.listen; }
  void answer(ListenOutcome outcome = ListenOutcome::done) { listen().answered(outcome); }
  // The channels that the hub was asked to listen to since the last look.
  std::vector<std::string> take_asked() {
    std::vector<std::string> names;
    for (const ListenChange& change : std::exchange(asked, {}))
      names.insert(names.end(), change.listen.begin(), change.listen.end());
    return names;
  }
  bool hears(const char* channel) { return listen().channels().contains(channel); }
  void begin() {
    run("> Q(begin) < C(BEGIN) Z(T)");
    server();
    client();
  }

  std::vector<ListenChange> asked;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a LISTEN goes to the server when the hub listens, so that nothing is missed in between") {
  Follower client;
  const std::string text = GENERATE(as<std::string>{}, "Q(listen news)", "Q(select 1; listen news)");
  client.run("> " + text);
  CHECK(client.held() == text);
  CHECK(client.server().empty());
  CHECK(client.take_asked() == Names{"news"});
  client.answer();
  client.run("> " + text);
  CHECK(client.held().empty());
  CHECK(client.server() == text);
  CHECK_FALSE(client.hears("news"));
  client.run("< C(SELECT 1) C(LISTEN) Z(I)");
}

TEST_CASE("a LISTEN that the hub refuses is the server's, which the client then keeps") {
  Follower client;
  client.run("> Q(listen news)");
  REQUIRE(client.held() == "Q(listen news)");
  client.answer(ListenOutcome::refused);
  client.run("> Q(listen news)");
  CHECK(client.server() == "Q(listen news)");
  client.run("< C(LISTEN) Z(I)");
  CHECK_FALSE(client.hears("news"));
  CHECK(client.exchange.watch.may_have_begun.contains(Pin::listen));
}

TEST_CASE("within a transaction a LISTEN does not wait for the hub, but the COMMIT does") {
  Follower client;
  client.begin();
  client.run("> Q(listen news)");
  CHECK(client.held().empty());
  CHECK(client.take_asked().empty());
  client.run("< C(LISTEN) Z(T) > Q(commit)");
  CHECK(client.held() == "Q(commit)");
  CHECK(client.take_asked() == Names{"news"});
  client.answer();
  client.run("> Q(commit) < C(COMMIT)");
  client.run("< Z(I)");
  CHECK(client.hears("news"));
}

TEST_CASE("a LISTEN that is rolled back asks the hub for nothing") {
  Follower client;
  client.begin();
  client.run("> Q(listen news) < C(LISTEN) Z(T) > Q(rollback) < C(ROLLBACK) Z(I)");
  CHECK(client.held().empty());
  CHECK(client.take_asked().empty());
  CHECK_FALSE(client.hears("news"));
}

TEST_CASE("a LISTEN waits until it is known whether it is in a transaction") {
  Follower client;
  client.run("> Q(select f()) Q(listen news)");
  CHECK(client.held() == "Q(listen news)");
  CHECK(client.take_asked().empty());
}

TEST_CASE("by the extended protocol a LISTEN waits where it is executed") {
  Follower client;
  client.run("> P(,listen news) B()");
  CHECK(client.held().empty());
  client.run("> E");
  CHECK(client.held() == "E");
  CHECK(client.take_asked() == Names{"news"});
  client.answer();
  client.run("> E");
  CHECK(client.held().empty());
  CHECK(client.server() == "P(,listen news) B() E");
}

TEST_CASE("a portal that is bound to another statement is not a LISTEN any more") {
  Follower client;
  client.run("> P(,listen news) B() P(,select 1) B() E");
  CHECK(client.held().empty());
  CHECK(client.take_asked().empty());
}

TEST_CASE("a statement of a text that cannot be read is the server's alone") {
  Follower client;
  client.exchange.client.opaque_characters = true;
  client.run("> Q(listen \"\x83\x5c\")");
  CHECK(client.held().empty());
  CHECK(client.take_asked().empty());
}

TEST_CASE("a client that has no hub to listen through listens on its own backend") {
  RelayScript relay;
  relay.run("> Q(listen news)");
  CHECK(relay.server() == "Q(listen news)");
  CHECK(relay.exchange.listen == nullptr);
  CHECK(relay.exchange.watch.may_have_begun.contains(Pin::listen));
}

// --- pg_listening_channels

TEST_CASE(
    "a client that asks for its channels sees them on its backend, once, and nothing of how they come "
    "there") {
  Follower client;
  client.run("> Q(select * from pg_listening_channels())");
  CHECK(client.server() == "Q(LISTEN \"jobs\";) Q(select * from pg_listening_channels())");
  CHECK(client.exchange.watch.may_have_begun.contains(Pin::listen));
  client.run("< C(LISTEN) Z(I) T(a,25) D(jobs) C(SELECT 1)");
  CHECK(client.client() == "T D C(SELECT 1)");
  while (client.listen().is_asking()) client.answer();
  client.run("< Z(I) > Q(select * from pg_listening_channels())");
  CHECK(client.server() == "Q(select * from pg_listening_channels())");
}

TEST_CASE("channels are shown behind what is unanswered, and only outside of a transaction") {
  Follower client;
  const std::string question = "Q(select pg_listening_channels())";
  SECTION("unanswered") {
    client.run("> Q(select 1) " + question);
    CHECK(client.held() == question);
  }
  SECTION("in a transaction, which could take them back") {
    client.begin();
    client.run("> " + question);
    CHECK(client.server() == question);
  }
  SECTION("of a client that listens to nothing") {
    client.exchange.listen.reset();
    client.run("> " + question);
    CHECK(client.server() == question);
  }
}

TEST_CASE("channels are shown to a question by the extended protocol, too") {
  Follower client;
  client.run("> P(,select pg_listening_channels())");
  CHECK(client.server() == "Q(LISTEN \"jobs\";) P(,select pg_listening_channels())");
}
