#include "proxy/session/pin_report.hpp"

#include <catch2/catch.hpp>

#include "../caught_stderr.hpp"
#include "../session_stage.hpp"

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

config::Settings with_notices(bool on) {
  config::Settings settings = test::app_settings();
  settings.databases["app"].pool.pin_notice = on;
  return settings;
}

struct Reported : test::SessionStage {
  explicit Reported(bool has_notices = true) : SessionStage(with_notices(has_notices)) { use_pool(); }

  void pin(PinSet pins, std::string cause = {}, bool tell = true) {
    exchange.pins = pins;
    report.update(std::move(cause), tell);
  }
  std::uint64_t begun(Pin pin) { return counters().pins[static_cast<std::size_t>(pin)].get(); }
  std::uint64_t pinned(Pin pin) { return counters().pinned[static_cast<std::size_t>(pin)].get(); }
  // What the client has been told since the last look.
  std::string notices() {
    link.flush();
    return client();
  }

  PinReport report{exchange};
};

}  // namespace

TEST_CASE("a pin is counted for as long as it lasts, and the session has a record of it") {
  Reported session;
  const TimePoint since = session.worker().now();
  session.exchange.pins.insert(Pin::advisory_lock);
  CHECK(session.report.is_outdated());
  session.report.update("SELECT", true);
  CHECK_FALSE(session.report.is_outdated());
  CHECK(session.pinned(Pin::advisory_lock) == 1);
  REQUIRE(session.report.record() != nullptr);
  CHECK(session.report.record()->since == since);
  CHECK(session.report.statement() == "SELECT");

  session.pass(3ms);
  session.pin({});
  CHECK(session.pinned(Pin::advisory_lock) == 0);
  CHECK(session.begun(Pin::advisory_lock) == 1);
  CHECK(session.counters().pin.sum_us() == 3'000);
  CHECK(session.report.record() == nullptr);
  CHECK(session.report.statement().empty());
}

TEST_CASE("a pin that joins another is reported for itself, and the time runs to the end of the last one") {
  Reported session;
  session.pin({Pin::listen}, "LISTEN");
  session.notices();
  session.pass(2ms);
  session.pin({Pin::listen, Pin::advisory_lock}, "SELECT");
  CHECK(session.notices() == "N(00000)");
  CHECK(session.report.statement() == "SELECT");
  CHECK(session.begun(Pin::listen) == 1);

  session.pin({Pin::advisory_lock}, "UNLISTEN");
  CHECK(session.notices().empty());
  CHECK(session.pinned(Pin::listen) == 0);
  CHECK(session.pinned(Pin::advisory_lock) == 1);
  CHECK(session.report.statement() == "SELECT");
  CHECK(session.counters().pin.sum_us() == 0);

  session.pass(3ms);
  session.pin({});
  CHECK(session.counters().pin.sum_us() == 5'000);
}

TEST_CASE("the client is told what keeps it, one notice for each pin, and what ends that") {
  Reported session;
  session.pin({Pin::temporary_object, Pin::load});
  const ByteBuffer bytes = session.worker().to_client().bytes();
  const std::string_view told = as_text(bytes);
  CHECK(told.find("a temporary table, view, sequence, type or function; that ends with DROP") !=
        std::string_view::npos);
  CHECK(told.find("a library loaded by LOAD; that ends when the client leaves") != std::string_view::npos);
  CHECK(session.notices() == "N(00000) N(00000)");
}

TEST_CASE("a client is not told of its pins where the pool does not want that, or it may not be told now") {
  const bool is_wanted = GENERATE(false, true);
  Reported session(is_wanted);
  session.pin({Pin::listen}, "LISTEN", !is_wanted);
  CHECK(session.notices().empty());
  CHECK(session.pinned(Pin::listen) == 1);
}

TEST_CASE("session mode is counted like a pin, but nobody is told of it") {
  Reported session;
  const test::CaughtLog log;
  session.pin({Pin::session_mode}, "BEGIN");
  CHECK(log.lines().empty());
  CHECK(session.notices().empty());
  CHECK(session.pinned(Pin::session_mode) == 1);
  REQUIRE(session.report.record() != nullptr);
  CHECK(session.report.statement().empty());

  // What the client has beside it is worth a report.
  session.pin({Pin::session_mode, Pin::listen}, "LISTEN");
  CHECK(log.lines() ==
        "info session_pinned client=7 database=app user=anna reason=listen statement=LISTEN\n");
  CHECK(session.notices() == "N(00000)");
}

TEST_CASE("the log says who is pinned and why, and when that is over") {
  Reported session;
  session.exchange.client.view = session.worker().interner().intern({{"application_name", "report"}});
  const test::CaughtLog log;
  session.pin({Pin::listen, Pin::advisory_lock}, "CREATE TEMPORARY TABLE");
  session.pin({Pin::listen});
  session.pin({});
  CHECK(log.lines() ==
        "info session_pinned client=7 database=app user=anna application_name=report "
        "reason=advisory_lock,listen statement=\"CREATE TEMPORARY TABLE\"\n"
        "debug session_unpinned client=7 database=app user=anna\n");
}

TEST_CASE("the report of a client that leaves is over, although its pins are still to be cleaned up") {
  Reported session;
  session.pin({Pin::listen}, "LISTEN");
  session.pass(3ms);
  session.report.end();
  CHECK(session.exchange.pins.contains(Pin::listen));
  CHECK(session.report.reported().empty());
  CHECK(session.pinned(Pin::listen) == 0);
  CHECK(session.counters().pin.sum_us() == 3'000);
  CHECK(session.report.record() == nullptr);
}

TEST_CASE("a client that was never pinned leaves without a report") {
  Reported session;
  const test::CaughtLog log;
  session.report.end();
  CHECK(log.lines().empty());
  CHECK(session.report.record() == nullptr);
}
