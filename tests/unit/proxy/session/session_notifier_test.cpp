#include "proxy/session/session_notifier.hpp"

#include <catch2/catch.hpp>

#include "crowd.hpp"

using namespace pgweir;
using test::Crowd;

namespace {

// Clients that listen through a hub that never gets a connection: the test is what it says.
struct Notified : Crowd {
  void answered(Client& client, ListenOutcome outcome) {
    notifier.listen_answered(0, client.id, outcome);
    take_turns();
  }
  void begin_listening(Client& client) {
    ask(client, "listen jobs");
    REQUIRE(told(client).empty());
    answered(client, ListenOutcome::done);
    REQUIRE(told(client) == "C(LISTEN) Z(I)");
  }
  void deliver(const std::vector<std::uint64_t>& sessions) {
    ByteBuffer bytes;
    Writer(bytes).begin_message('A').u32(1).cstring("jobs").cstring("").end_message();
    notifier.deliver(0, sessions, std::make_shared<const ByteBuffer>(std::move(bytes)));
    take_turns();
  }
  void lose(std::uint64_t session) {
    notifier.listening_lost(0, session);
    take_turns();
  }

  SessionNotifier notifier{directories};
};

}  // namespace

TEST_CASE("a notification reaches the sessions that it is for, and those that are gone do not matter") {
  Notified crowd;
  Crowd::Client& first = crowd.log_in();
  Crowd::Client& second = crowd.log_in();
  Crowd::Client& third = crowd.log_in();
  for (Crowd::Client* const each : {&first, &second, &third}) crowd.begin_listening(*each);
  crowd.deliver({first.id, Crowd::nobody, third.id});
  CHECK(crowd.told(first) == "A");
  CHECK(crowd.told(second).empty());
  CHECK(crowd.told(third) == "A");
}

TEST_CASE("a notification does not concern a client that listens to nothing, or is still logging in") {
  Notified crowd;
  Crowd::Client& arriving = crowd.connect();
  Crowd::Client& client = crowd.log_in();
  crowd.deliver({arriving.id, client.id});
  CHECK(crowd.told(arriving).empty());
  CHECK(crowd.told(client).empty());
}

TEST_CASE("the hub's answer goes to the session whose LISTEN waits") {
  Notified crowd;
  Crowd::Client& client = crowd.log_in();
  Crowd::Client& other = crowd.log_in();
  for (Crowd::Client* const each : {&client, &other}) crowd.ask(*each, "listen jobs");
  crowd.notifier.listen_answered(0, Crowd::nobody, ListenOutcome::done);
  SECTION("it listens") {
    crowd.answered(client, ListenOutcome::done);
    CHECK(crowd.told(client) == "C(LISTEN) Z(I)");
    CHECK(crowd.server().empty());
  }
  SECTION("it does not, and the client's own server is asked") {
    crowd.answered(client, ListenOutcome::refused);
    CHECK(crowd.server() == "Q(listen jobs)");
    CHECK(crowd.told(client).empty());
  }
  CHECK(crowd.told(other).empty());
}

TEST_CASE("a session that may have missed notifications ends, and no other") {
  Notified crowd;
  Crowd::Client& listener = crowd.log_in();
  Crowd::Client& other_listener = crowd.log_in();
  Crowd::Client& client = crowd.log_in();
  crowd.begin_listening(listener);
  crowd.begin_listening(other_listener);
  for (const std::uint64_t id : {Crowd::nobody, client.id, listener.id}) crowd.lose(id);
  CHECK(crowd.told(listener) == "E(08006)");
  CHECK(crowd.told(other_listener).empty());
  CHECK(crowd.told(client).empty());
}
