#include "proxy/session/hub_side.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

// A client that listens to "jobs" through a hub that answers when the test says so.
class Listening : public RelayScript {
 public:
  Listening() {
    exchange.listen = std::make_unique<ListenState>(
        [this](ListenChange change) { asked.push_back(std::move(change)); }, std::string());
    CHECK(exchange.listen->take_plain({ListenVerb::listen, "jobs"}) == ListenState::Plain::wait);
    hub_side.answered(ListenOutcome::done);
    CHECK(exchange.listen->take_plain({ListenVerb::listen, "jobs"}) == ListenState::Plain::done);
    asked.clear();
  }

  void notify(const std::string& payload) {
    ByteBuffer bytes;
    Writer(bytes).begin_message('A').u32(1).cstring("jobs").cstring(payload).end_message();
    hub_side.take(std::make_shared<const ByteBuffer>(std::move(bytes)));
  }
  bool ready_has_to_wait(TransactionStatus status) {
    ByteBuffer ready;
    write_ready_for_query(ready, static_cast<char>(status));
    return hub_side.ready_has_to_wait(ready);
  }

  std::vector<ListenChange> asked;
  HubSide hub_side{exchange};
  Life life;
};

}  // namespace

TEST_CASE("ReadyForQuery waits until the hub has delivered what was committed before") {
  Listening client;
  client.exchange.listen->begin();
  client.run("> Q(select 1) < C(SELECT 1)");
  CHECK(client.asked.size() == 1);
  CHECK(client.ready_has_to_wait(TransactionStatus::idle));
  client.hub_side.answered(ListenOutcome::done);
  CHECK(client.exchange.listen->take_resume());
  CHECK_FALSE(client.ready_has_to_wait(TransactionStatus::idle));
}

TEST_CASE("a ReadyForQuery within a transaction, or of pgweir's own query, does not wait") {
  Listening client;
  client.exchange.listen->begin();
  SECTION("within a transaction") {
    client.run("> Q(begin) < C(BEGIN)");
    CHECK_FALSE(client.ready_has_to_wait(TransactionStatus::in_transaction));
  }
  SECTION("of an own query") {
    client.exchange.expect({.reply = Reply::query, .fate = Fate::mute});
    CHECK_FALSE(client.ready_has_to_wait(TransactionStatus::idle));
  }
  SECTION("that nobody has asked for") {
    CHECK_FALSE(client.ready_has_to_wait(TransactionStatus::idle));
  }
}

TEST_CASE("notifications are written in their order, and no more than are asked for") {
  Listening client;
  client.notify("1");
  client.notify("2");
  client.hub_side.write_notifications(1);
  CHECK(client.client() == "A");
  client.hub_side.write_notifications(HubSide::telling_max);
  CHECK(client.client() == "A");
  client.hub_side.write_notifications(HubSide::telling_max);
  CHECK(client.client().empty());
}

TEST_CASE("a client that cannot listen any more is closed, with the reason") {
  Listening client;
  Reason expected = Reason::server_lost;
  SECTION("the connection that listens was lost") {
    client.hub_side.lost();
  }
  SECTION("it takes none of its notifications") {
    for (int i = 0; i < 3; ++i) client.notify(std::string(ListenState::held_max / 2, 'x'));
    expected = Reason::too_large;
  }
  CHECK(client.hub_side.is_in_trouble());
  client.hub_side.check(client.life);
  CHECK(client.life.is_over());
  CHECK(client.life.reason == expected);
}

TEST_CASE("a client that listens to nothing is not concerned") {
  Listening client;
  client.exchange.listen.reset();
  client.notify("1");
  client.hub_side.answered(ListenOutcome::done);
  client.hub_side.lost();
  client.hub_side.check(client.life);
  CHECK_FALSE(client.life.is_over());
  CHECK_FALSE(client.hub_side.listens());
}
