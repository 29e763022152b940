#include "proxy/session/session_view.hpp"

#include <catch2/catch.hpp>

#include "../session_stage.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using test::Sides;

namespace {

struct Watched : Sides {
  Watched() {
    settings.timeouts.idle_transaction = 10s;
    settings.timeouts.client_idle = 30s;
    settings.timeouts.query = 0s;
  }
  // Which deadline has passed when nothing has happened for so long.
  std::optional<Reason> overdue_after(Clock::duration silence) {
    const SessionView view{this,
                           session_id,
                           life,
                           link,
                           exchange,
                           server_side.lease(),
                           server_side.pin_report(),
                           nullptr,
                           server_side.last_activity(),
                           server_side.query_started()};
    return view.overdue(server_side.last_activity() + silence, settings);
  }

  config::Settings settings = test::app_settings();
};

}  // namespace

TEST_CASE("a client that is silent in a transaction has its time, and more without one") {
  Watched session;
  session.add_server();
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  CHECK_FALSE(session.overdue_after(9s).has_value());
  CHECK(session.overdue_after(10s) == Reason::idle_transaction_timeout);
  session.run("> Q(commit) < C(COMMIT) Z(I)");
  CHECK_FALSE(session.overdue_after(29s).has_value());
  CHECK(session.overdue_after(30s) == Reason::idle_timeout);
}

TEST_CASE("a client whose message waits for pgweir is not idle in its transaction") {
  Watched session;
  session.add_server();
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  session.link.held.wait = ClientLink::Wait::waits;  // by the connection that listens, which is not there yet
  CHECK_FALSE(session.overdue_after(10s).has_value());
  session.link.offer_again();
  CHECK_FALSE(session.overdue_after(10s).has_value());
  session.link.held = {};
  CHECK(session.overdue_after(10s) == Reason::idle_transaction_timeout);
}

TEST_CASE("a client that does not ask for its answers is idle, and one that has asked waits for the server") {
  const bool flushes = GENERATE(false, true);
  Watched session;
  session.settings.timeouts.query = 5s;
  session.add_server();
  SECTION("outside of a transaction block") {
    session.run("> P(,select 1) B() E");
  }
  SECTION("inside one") {
    session.run("> Q(begin) < C(BEGIN) Z(T) > P(,select 1) B() E");
  }
  SECTION("behind what it has asked for") {
    session.run("> P(,select 1) B() E H P(,select 2) B() E < 1 2 C(SELECT 1)");
  }
  CHECK_FALSE(session.overdue_after(9s).has_value());
  CHECK(session.overdue_after(10s) == Reason::idle_transaction_timeout);
  session.run(flushes ? "> H" : "> S");
  CHECK_FALSE(session.overdue_after(4s).has_value());
  CHECK(session.overdue_after(10s) == Reason::query_timeout);
  session.settings.timeouts.query = 0s;
  CHECK_FALSE(session.overdue_after(1h).has_value());
}

TEST_CASE("of a COPY IN only the time counts in which the server takes nothing") {
  Watched session;
  session.settings.timeouts.query = 5s;
  session.add_server();
  session.run("> Q(copy t from stdin) < G > d");
  CHECK_FALSE(session.overdue_after(9s).has_value());
  CHECK(session.overdue_after(10s) == Reason::idle_transaction_timeout);
  session.exchange.backend->backlog.append(as_bytes("data"));
  CHECK_FALSE(session.overdue_after(4s).has_value());
  CHECK(session.overdue_after(5s) == Reason::query_timeout);
  session.settings.timeouts.query = 0s;
  CHECK_FALSE(session.overdue_after(1h).has_value());
}

TEST_CASE("a query's time begins when the client asks for its answer") {
  Watched session;
  session.add_server();
  session.run("> P(,select 1) B() E");
  session.pass(5s);
  session.run("> S");
  CHECK(session.server_side.query_started() == session.worker().now());
}

TEST_CASE("a client's own idle_session_timeout ends it outside of a transaction") {
  Watched session;
  session.exchange.client.desired =
      std::make_shared<const SettingMap>(SettingMap{{"idle_session_timeout", "2s"}});
  session.add_server();
  CHECK_FALSE(session.overdue_after(1'999ms).has_value());
  CHECK(session.overdue_after(2s) == Reason::idle_timeout);
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  CHECK_FALSE(session.overdue_after(9s).has_value());
}

TEST_CASE("a client that listens is not idle, but for the timeout that it has set for itself") {
  Watched session;
  session.exchange.pins.insert(Pin::listen);
  CHECK_FALSE(session.overdue_after(1h).has_value());
  session.exchange.client.desired =
      std::make_shared<const SettingMap>(SettingMap{{"idle_session_timeout", "40s"}});
  CHECK_FALSE(session.overdue_after(39s).has_value());
  CHECK(session.overdue_after(40s) == Reason::idle_timeout);
}

TEST_CASE("a client whose LISTEN waits for its server is not idle") {
  Watched session;
  session.link.held.wait = ClientLink::Wait::waits;
  CHECK_FALSE(session.overdue_after(30s).has_value());
  session.link.held = {};
  CHECK(session.overdue_after(30s) == Reason::idle_timeout);
}
