#include "proxy/session/statement_log.hpp"

#include <catch2/catch.hpp>

#include "../caught_stderr.hpp"
#include "../session_stage.hpp"

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

struct Logged : test::SessionStage {
  Logged() { use_pool(); }
};

}  // namespace

TEST_CASE("the line about a statement says whose it is, what happened, and how long that took") {
  Logged session;
  session.exchange.client.view = session.worker().interner().intern({{"application_name", "report"}});
  const TimePoint since = session.worker().now();
  session.pass(1'500ms);
  const test::CaughtLog log;
  log_statement(session.parts, session.exchange, "statement_refused", Reason::borrow_timeout, since,
                "all are borrowed");
  CHECK(
      log.lines() ==
      "info statement_refused client=7 reason=borrow_timeout database=app user=anna application_name=report "
      "peer=192.0.2.7:4711 cause=\"all are borrowed\" waited_ms=1500\n");
}

TEST_CASE("the line about a statement leaves out what there is not, and counts only whole milliseconds") {
  Logged session;
  const test::CaughtLog log;
  log_statement(session.parts, session.exchange, "statement_timed_out", Reason::query_timeout,
                session.worker().now() - 999us);
  CHECK(log.lines() ==
        "info statement_timed_out client=7 reason=query_timeout database=app user=anna "
        "peer=192.0.2.7:4711 waited_ms=0\n");
}
