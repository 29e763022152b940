#include "proxy/listen/listen_state.hpp"

#include <catch2/catch.hpp>

#include "protocol/message.hpp"

using namespace pgweir;

namespace {

// A session's state with a hub that answers when the test says so.
class Following {
 public:
  Following() {
    CHECK(state.take_plain({ListenVerb::listen, "jobs"}) == ListenState::Plain::wait);
    answer();
    CHECK(state.take_plain({ListenVerb::listen, "jobs"}) == ListenState::Plain::done);
  }

  void answer() {
    REQUIRE(!asked.empty());
    asked.erase(asked.begin());
    state.answered(ListenOutcome::done);
  }

  bool may_forward(std::string_view sql, TransactionStatus status = TransactionStatus::idle) {
    return state.may_forward(listen_steps(sql), status, true);
  }

  // The statement has been allowed; it runs, and its ReadyForQuery goes to the client.
  void run(std::string_view sql, std::string_view tag, TransactionStatus then = TransactionStatus::idle) {
    state.set_next(listen_steps(sql));
    state.forwarded();
    state.completed(tag);
    state.ended();
    // Only the end of a transaction waits for the hub.
    while (then == TransactionStatus::idle && !state.may_be_ready()) answer();
    state.settle(then, false);
  }

  HeldNotifications::Message deliver() {
    ByteBuffer bytes;
    Writer(bytes).begin_message('A').u32(1).cstring("jobs").cstring("").end_message();
    const auto message = std::make_shared<const ByteBuffer>(std::move(bytes));
    CHECK(state.hold(message));
    return message;
  }

  std::vector<ListenChange> asked;
  ListenState state{[this](ListenChange change) { asked.push_back(std::move(change)); }, "UTF8"};
};

}  // namespace

TEST_CASE("what was committed before an UNLISTEN that a backend runs is delivered") {
  const std::string sql = GENERATE("unlisten jobs", "unlisten *", "discard all");
  Following client;
  client.state.begin();
  CHECK_FALSE(client.may_forward(sql));  // the hub has not delivered all of it yet
  const auto before = client.deliver();
  client.answer();
  CHECK(client.may_forward(sql));
  client.deliver();  // during the statement, or by it
  client.run(sql, "UNLISTEN");
  CHECK(client.state.take_held() == before);
  CHECK(client.state.take_held() == nullptr);
  CHECK_FALSE(client.state.listens());
}

TEST_CASE("what came during a transaction that ends with UNLISTEN is not delivered, what came before it is") {
  Following client;
  client.state.begin();
  const auto before = client.deliver();
  CHECK(client.state.is_asking());
  client.answer();
  client.run("begin", "BEGIN", TransactionStatus::in_transaction);
  client.deliver();
  CHECK(client.may_forward("unlisten jobs", TransactionStatus::in_transaction));
  client.run("unlisten jobs", "UNLISTEN", TransactionStatus::in_transaction);
  CHECK(client.may_forward("commit", TransactionStatus::in_transaction));
  client.run("commit", "COMMIT");
  CHECK(client.state.take_held() == before);
  CHECK(client.state.take_held() == nullptr);
}

TEST_CASE("what a transaction notifies is not its client's if it ends with UNLISTEN") {
  const std::string sql = GENERATE("unlisten jobs", "unlisten *", "discard all");
  const bool in_one_message = GENERATE(false, true);
  const auto in_transaction = TransactionStatus::in_transaction;
  Following client;
  client.state.begin();
  client.state.note_may_notify();
  const auto before = client.deliver();
  client.run("begin", "BEGIN", in_transaction);
  if (!in_one_message) {
    CHECK(client.may_forward(sql, in_transaction));
    client.run(sql, "UNLISTEN", in_transaction);
  }
  const std::string end = in_one_message ? sql + ";commit" : "commit";
  CHECK_FALSE(client.may_forward(end, in_transaction));  // what has come until now is not all from before
  CHECK(client.may_forward("rollback", in_transaction));
  client.answer();
  REQUIRE(client.may_forward(end, in_transaction));
  const auto own = client.deliver();
  client.state.set_next(listen_steps(end));
  client.state.forwarded();
  if (in_one_message) client.state.completed("UNLISTEN");
  client.state.completed("COMMIT");
  client.state.ended();
  while (!client.state.may_be_ready()) client.answer();
  client.state.settle(TransactionStatus::idle, false);
  CHECK(client.state.take_held() == before);
  CHECK(client.state.take_held() == nullptr);
}

TEST_CASE("an UNLISTEN waits for the answers to what was sent before it") {
  // What is notified behind it would come with the ReadyForQuery of an older statement.
  const std::string sql = GENERATE("unlisten jobs", "unlisten *", "discard all");
  Following client;
  client.state.begin();
  client.answer();
  CHECK_FALSE(client.state.may_forward(listen_steps(sql), TransactionStatus::idle, false));
  CHECK(client.state.may_forward(listen_steps(sql), TransactionStatus::idle, true));
}

TEST_CASE("an UNLISTEN that was rolled back loses nothing") {
  Following client;
  client.state.begin();
  client.answer();
  client.run("begin", "BEGIN", TransactionStatus::in_transaction);
  client.run("unlisten jobs", "UNLISTEN", TransactionStatus::in_transaction);
  const auto during = client.deliver();
  client.run("rollback", "ROLLBACK");
  CHECK(client.state.take_held() == during);
  CHECK(client.state.listens());
}

TEST_CASE("a LISTEN that was skipped while the hub was asked for it leaves nobody listening") {
  Following client;
  const std::string sql = GENERATE("listen news", "listen jobs; listen news");
  CHECK_FALSE(client.may_forward(sql));
  CHECK(client.asked.size() == 1);
  client.state.forget_offer();  // a message before it in the pipeline has failed
  client.state.settle(TransactionStatus::idle, false);
  client.answer();
  REQUIRE(client.asked.size() == 1);
  CHECK(client.asked.front().unlisten == std::vector<std::string>{"news"});
  client.answer();
  CHECK_FALSE(client.state.serves("news"));
  CHECK(client.state.serves("jobs"));
  // It can be asked for again.
  CHECK_FALSE(client.may_forward("listen news"));
  client.answer();
  CHECK(client.may_forward("listen news"));
  client.run("listen news", "LISTEN");
  CHECK(client.state.serves("news"));
}
