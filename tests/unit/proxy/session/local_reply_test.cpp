#include "proxy/session/local_reply.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"
#include "../session_stage.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

ByteBuffer query_of(std::string_view text) {
  ByteBuffer out;
  write_query(out, text);
  return out;
}

// A client that has no backend.
struct Unserved : RelayScript {
  Unserved() {
    exchange.backend = nullptr;
    exchange.sequences.number = first_number;
  }

  bool reply(ByteView message, bool listens = false) {
    Framer framer(frontend_rule);
    Piece piece;
    REQUIRE(framer.next(message, piece) == FrameStatus::piece);
    return reply_locally(piece, exchange, listens);
  }
  bool reply_to(std::string_view text, bool listens = false) { return reply(query_of(text), listens); }
  PoolCounters& counters() { return exchange.commons->counters(worker()); }
  // A statement that the client has prepared.
  void prepare(std::string_view name) { exchange.statements.put(name, make_unnamed("select 1", {})); }

  static constexpr std::uint64_t first_number = 7;
};

}  // namespace

TEST_CASE("what a driver's pool resets is answered without a server, and counted as a query") {
  Unserved client;
  CHECK(client.reply_to("DISCARD ALL"));
  CHECK(client.client() == "C(DISCARD ALL) Z(I)");
  CHECK(client.reply_to("CLOSE ALL; RESET ALL"));
  CHECK(client.client() == "C(CLOSE CURSOR ALL) C(RESET) Z(I)");
  CHECK(client.counters().queries.get() == 2);
  CHECK(client.counters().answered_here.get() == 2);
  CHECK(client.server().empty());
}

TEST_CASE("a message that only the server can answer changes nothing here") {
  Unserved client;
  client.prepare("");
  bool is_answered = true;
  SECTION("a statement that asks something") {
    is_answered = client.reply_to("select 1");
  }
  SECTION("a reset of names that the client has given") {
    client.prepare("s");
    is_answered = client.reply_to("DISCARD ALL");
  }
  SECTION("a reset of channels that it listens to") {
    is_answered = client.reply_to("UNLISTEN *", true);
  }
  SECTION("a reset of sequences beside other statements, after it has taken a value") {
    client.exchange.sequences.advanced = true;
    is_answered = client.reply_to("CLOSE ALL; DISCARD SEQUENCES");
  }
  SECTION("one by the extended protocol") {
    ByteBuffer parse;
    write_parse(parse, {}, "DISCARD ALL", no_parameter_types);
    is_answered = client.reply(parse);
  }
  SECTION("one that only describes a statement of such a name") {
    ByteBuffer describe;
    write_describe_statement(describe, "elect pg_catalog.pg_advisory_unlock_all()");  // behind an S
    is_answered = client.reply(describe);
  }
  SECTION("one that has no end") {
    is_answered =
        client.reply(ByteBuffer{'Q', 0, 0, 0, 15, 'D', 'I', 'S', 'C', 'A', 'R', 'D', ' ', 'A', 'L', 'L'});
  }
  CHECK_FALSE(is_answered);
  CHECK(client.client().empty());
  CHECK(client.counters().answered_here.get() == 0);
  CHECK(client.exchange.statements.find("") != nullptr);
  CHECK(client.exchange.sequences.number == Unserved::first_number);
}

TEST_CASE("a Query that is answered here ends the unnamed statement, as each Query does") {
  Unserved client;
  client.prepare("");
  client.prepare("s");
  CHECK(client.reply_to("RESET ALL"));
  CHECK(client.exchange.statements.find("") == nullptr);
  CHECK(client.exchange.statements.find("s") != nullptr);
}

TEST_CASE("settings that nobody was told of are what they were at startup after a reset without a server") {
  Unserved client;
  client.exchange.client.startup = client.worker().interner().intern({{"work_mem", "4MB"}});
  client.exchange.client.desired =
      client.worker().interner().intern({{"work_mem", "8MB"}, {"statement_timeout", "1s"}});
  CHECK(client.reply_to("RESET ALL"));
  CHECK(client.exchange.client.desired == client.exchange.client.startup);
}

TEST_CASE("after a DISCARD that frees sequences no backend has the session's values any more") {
  Unserved client;
  client.exchange.sequences.advanced = true;
  const std::string text = GENERATE("DISCARD ALL", "DISCARD SEQUENCES");
  CHECK(client.reply_to(text));
  CHECK_FALSE(client.exchange.sequences.advanced);
  CHECK(client.exchange.sequences.number != Unserved::first_number);
}

TEST_CASE("other resets leave a session the values of its sequences") {
  Unserved client;
  client.exchange.sequences.advanced = true;
  const std::string text = GENERATE("RESET ALL", "CLOSE ALL");
  CHECK(client.reply_to(text));
  CHECK(client.exchange.sequences.advanced);
  CHECK(client.exchange.sequences.number == Unserved::first_number);
}

TEST_CASE("a DISCARD of other things leaves a session the values of its sequences") {
  test::Sides session;
  session.add_server();
  session.run("> Q(select nextval('s')) < C(SELECT 1) Z(I)");
  const std::string text = GENERATE("select 1", "discard temp", "discard plans");
  session.run("> Q(" + text + ")");
  if (text == "select 1") session.run("< C(SELECT 1) Z(I)");
  session.server();
  session.run("> Q(select currval('s'))");
  INFO(text);
  CHECK(session.server() == "Q(select currval('s'))");
}
