#include "proxy/session/wind_down.hpp"

#include <catch2/catch.hpp>
#include <deque>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

// A client that leaves its backend as the script has made it. The server answers with one script after the other,
// each when something was sent, or when it is asked again.
class Leaving : public RelayScript, private WindDown::Host {
 public:
  void after(std::string_view script) {
    run(script);
    server();
    client();
    exchange.client.greeted = false;
  }

  // Whether the backend may be used again.
  bool leave(std::deque<std::string> answers, bool at_boundary = true) {
    answers_ = std::move(answers);
    WindDown work(exchange, replies.events(), *this, waker_, life_);
    std::optional<bool> clean;
    const auto wind_down = [&]() -> Task<> { clean = co_await work.run(at_boundary); };
    tasks_.start(wind_down());
    for (int round = 0; !clean && round < 1000 && (!answers_.empty() || exchange.backend != nullptr);
         ++round) {
      waker_.wake();
      worker().reactor().run_wakers();
      if (answers_.empty() && round > 100) lose();
    }
    REQUIRE(clean);
    CHECK(answers_.empty());
    return *clean;
  }

  std::string sent;   // to the server, while it wound down
  int cancelled = 0;  // so many cancels were sent

 private:
  void flush() override {
    const std::string now = server();
    sent += (sent.empty() || now.empty() ? "" : " ") + now;
  }
  bool has_replies() const override { return false; }
  void read_server() override {
    if (answers_.empty()) return;
    const std::string answer = answers_.front();
    answers_.pop_front();
    if (answer == "gone") return lose();
    run("< " + answer);
  }
  void cancel_statement() override { ++cancelled; }
  void lose() { exchange.backend = nullptr; }

  Waker waker_{worker().reactor()};
  Life life_;
  TaskList tasks_{[](std::exception_ptr error) { std::rethrow_exception(error); }};
  std::deque<std::string> answers_;
};

const std::string reset =
    "Q(CLOSE ALL;SET SESSION AUTHORIZATION DEFAULT;RESET ROLE;RESET ALL;UNLISTEN *;SELECT "
    "pg_catalog.pg_advisory_unlock_all();DISCARD TEMP;DISCARD SEQUENCES)";

}  // namespace

TEST_CASE("a backend that nothing was done to is clean as it is") {
  Leaving client;
  client.after("> Q(select 1) < C(SELECT 1) Z(I)");
  CHECK(client.leave({}));
  CHECK(client.sent.empty());
  CHECK(client.cancelled == 0);
}

TEST_CASE("an open transaction is rolled back, and what it may have left is taken back") {
  Leaving client;
  client.after("> Q(begin) < C(BEGIN) Z(T)");
  CHECK(client.leave({"C(ROLLBACK) Z(I)", "C(DISCARD) Z(I)"}));
  CHECK(client.sent == "Q(ROLLBACK) " + reset);
  CHECK(client.cancelled == 0);
  CHECK(client.backend().applied == client.worker().shared().no_settings);
}

TEST_CASE("a statement that runs is cancelled, and its error is read before anything is sent") {
  Leaving client;
  client.after("> Q(select pg_sleep(9))");
  CHECK(client.leave({"E(57014,canceling)", "Z(I)", "C(DISCARD) Z(I)"}));
  CHECK(client.cancelled == 1);
  CHECK(client.sent == reset);
}

TEST_CASE("a batch without its Sync is rolled back, never committed") {
  Leaving client;
  client.after("> P(,insert into t values (1)) B() E");
  CHECK(client.leave({"1 2 C(INSERT 0 1)", "C(ROLLBACK) Z(I)", "Z(I)", "C(DISCARD) Z(I)"}));
  CHECK(client.sent == "Q(ROLLBACK) S " + reset);
}

TEST_CASE("a COPY that waits for rows is ended with an error") {
  Leaving client;
  client.after("> Q(copy t from stdin) < G > d");
  CHECK(client.leave({"E(57014,the client went away) Z(I)", "C(DISCARD) Z(I)"}));
  CHECK(client.sent.rfind("f ", 0) == 0);
}

TEST_CASE("prepared statements of SQL are taken back, too") {
  Leaving client;
  client.after("> Q(begin) < C(BEGIN) Z(T)");
  client.exchange.pins.insert(Pin::sql_prepare);
  CHECK(client.leave({"C(ROLLBACK) Z(I)", "C(DISCARD) Z(I)"}));
  CHECK(client.sent == "Q(ROLLBACK) " + reset.substr(0, reset.size() - 1) + ";DEALLOCATE ALL)");
}

TEST_CASE("a backend is given up when it is not clean") {
  Leaving client;
  SECTION("the client has left in the middle of a message") {
    client.after("> Q(begin) < C(BEGIN) Z(T)");
    CHECK_FALSE(client.leave({}, false));
    CHECK(client.cancelled == 1);
    CHECK(client.sent.empty());
  }
  SECTION("it has something that no reset takes back") {
    client.after("> Q(begin) < C(BEGIN) Z(T)");
    client.exchange.pins.insert(lasting_pins);
    CHECK_FALSE(client.leave({"C(ROLLBACK) Z(I)"}));
    CHECK(client.sent == "Q(ROLLBACK)");
  }
  SECTION("the reset fails") {
    client.after("> Q(begin) < C(BEGIN) Z(T)");
    CHECK_FALSE(client.leave({"C(ROLLBACK) Z(I)", "E(XX000,no) Z(I)"}));
  }
  SECTION("the connection is lost") {
    client.after("> Q(begin) < C(BEGIN) Z(T)");
    const std::size_t step = GENERATE(0U, 1U);
    std::deque<std::string> answers{"C(ROLLBACK) Z(I)", "gone"};
    answers.erase(answers.begin(), answers.begin() + static_cast<std::ptrdiff_t>(step));
    CHECK_FALSE(client.leave(answers));
  }
}
