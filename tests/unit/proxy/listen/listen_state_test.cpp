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
    while (!state.may_be_ready()) answer();
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
