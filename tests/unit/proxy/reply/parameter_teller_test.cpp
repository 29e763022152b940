#include "proxy/reply/parameter_teller.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;
using Verdict = ParameterTeller::Verdict;

namespace {

// A client that has brought its time zone, and has another one now.
struct Brought : RelayScript {
  Brought() {
    exchange.client.startup = map({{"timezone", "CET"}});
    exchange.client.greeting = map({{"TimeZone", "CET"}, {"DateStyle", "ISO"}});
    exchange.client.view = map({{"TimeZone", "UTC"}, {"DateStyle", "German"}});
  }
  MapRef map(SettingMap settings) { return worker().interner().intern(std::move(settings)); }
  Verdict take(const ByteBuffer& message, bool is_own = false) {
    ByteView input = message;
    Piece piece;
    REQUIRE(backend().framer.next(input, piece) == FrameStatus::piece);
    return teller.take(piece, is_own);
  }
  Verdict take(const std::string& word, bool is_own = false) { return take(reply(word), is_own); }
  const std::string& told(const char* name) { return exchange.client.view->at(name); }
  void resets() { exchange.watch.marks.insert(Mark::resets_now); }

  ParameterTeller teller{exchange};
};

}  // namespace

TEST_CASE("what a server reports is the client's, where the client does not know it yet") {
  Brought relay;
  CHECK(relay.take("S(TimeZone,GMT)") == Verdict::forward);
  CHECK(relay.told("TimeZone") == "GMT");
  CHECK(relay.take("S(TimeZone,GMT)") == Verdict::keep);
  CHECK(relay.take("S(TimeZone,UTC)") == Verdict::forward);
  CHECK(relay.take("S(IntervalStyle,iso_8601)") == Verdict::forward);
  CHECK(relay.client().empty());
}

TEST_CASE("what the server reports is noted for the backend also where it is not for the client") {
  Brought relay;
  const bool is_own = GENERATE(true, false);
  relay.exchange.client.greeted = is_own;  // a client that was not greeted is told all at its login
  CHECK(relay.take("S(TimeZone,GMT)", is_own) == Verdict::keep);
  CHECK(relay.told("TimeZone") == "UTC");
  CHECK(relay.backend().parameters->at("TimeZone") == "GMT");
}

TEST_CASE("a report that cannot be read is the end of the backend") {
  Brought relay;
  CHECK(relay.take(ByteBuffer{'S', 0, 0, 0, 6, 'x', 0}) == Verdict::violation);
}

TEST_CASE("a RESET gives the client what it has brought, whatever the server's default is") {
  Brought relay;
  relay.resets();
  CHECK(relay.take("S(TimeZone,GMT)") == Verdict::keep);
  CHECK(relay.client() == "S(TimeZone,CET)");
  CHECK(relay.told("TimeZone") == "CET");
  CHECK(relay.backend().parameters->at("TimeZone") == "GMT");
  // The client has seen something of the answer.
  CHECK(relay.exchange.batch.answered);
  CHECK(relay.take("S(TimeZone,GMT)") == Verdict::keep);
  CHECK(relay.client().empty());
}

TEST_CASE("a RESET gives the client the server's default of what it has not brought") {
  Brought relay;
  relay.resets();
  CHECK(relay.take("S(DateStyle,SQL)") == Verdict::forward);
  CHECK(relay.told("DateStyle") == "SQL");
}

TEST_CASE("in a message that also resets, only the default is taken for the outcome of the RESET") {
  Brought relay;
  relay.resets();
  relay.pool().logins().use_baseline(relay.map({{"TimeZone", "GMT"}}));
  CHECK(relay.take("S(TimeZone,Asia/Tokyo)") == Verdict::forward);
  CHECK(relay.take("S(TimeZone,GMT)") == Verdict::keep);
  CHECK(relay.client() == "S(TimeZone,CET)");
}

TEST_CASE("is_superuser comes back with the role that the client has brought") {
  Brought relay;
  relay.exchange.client.greeting = relay.map({{"is_superuser", "off"}});
  const bool brings_role = GENERATE(true, false);
  if (brings_role) relay.exchange.client.startup = relay.map({{"role", "app"}});
  relay.resets();
  CHECK(relay.take("S(is_superuser,on)") == (brings_role ? Verdict::keep : Verdict::forward));
  CHECK(relay.client() == (brings_role ? "S(is_superuser,off)" : ""));
}

TEST_CASE("a client is told what another backend has differently, once") {
  Brought relay;
  relay.backend().parameters =
      relay.map({{"TimeZone", "UTC"}, {"DateStyle", "ISO"}, {"server_version", "18"}});
  relay.exchange.client.greeted = false;
  relay.teller.tell();
  CHECK(relay.client().empty());
  relay.exchange.client.greeted = true;
  relay.teller.tell();
  CHECK(relay.client() == "S(DateStyle,ISO) S(server_version,18)");
  relay.teller.tell();
  CHECK(relay.client().empty());
  CHECK(relay.exchange.client.view == relay.backend().parameters);
}

TEST_CASE("what a RESET will restore is told before the answer ends, of what the client has brought") {
  Brought relay;
  const bool resets_one = GENERATE(true, false);
  relay.exchange.watch.restores_now = resets_one ? StatementMap::hash_of("timezone") : resets_all;
  relay.teller.tell_restored();
  CHECK(relay.client() == "S(TimeZone,CET)");
  CHECK(relay.told("DateStyle") == "German");
  relay.teller.tell_restored();
  CHECK(relay.client().empty());
}

TEST_CASE("a RESET of another setting restores nothing") {
  Brought relay;
  relay.exchange.watch.restores_now = StatementMap::hash_of("datestyle");
  relay.teller.tell_restored();
  CHECK(relay.client().empty());
  CHECK(relay.told("TimeZone") == "UTC");
}
