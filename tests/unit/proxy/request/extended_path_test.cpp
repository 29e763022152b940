#include "proxy/request/extended_path.hpp"

#include <catch2/catch.hpp>
#include <deque>

#include "../relay_script.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using test::RelayScript;

namespace {

// A client with a statement "s", which returns no rows, on a backend that has it.
struct Extended : RelayScript {
  Extended() {
    run("> P(s,select 1) S < 1 t n Z(I)");
    server();
    client();
  }
  // Messages that no script has a word for.
  RequestDisposition send(ByteBuffer message) {
    sent_.push_back(std::move(message));
    ByteView input = sent_.back();
    Framer framer(frontend_rule);
    Piece piece;
    REQUIRE(framer.next(input, piece) == FrameStatus::piece);
    return requests.take(piece);
  }
  static ByteBuffer message(char type, char kind, std::string_view name) {
    ByteBuffer out;
    Writer(out).begin_message(type).u8(static_cast<Byte>(kind)).cstring(name).end_message();
    return out;
  }
  static ByteBuffer bind(std::string_view portal, std::string_view statement) {
    ByteBuffer out;
    write_bind(out, portal, statement);
    return out;
  }
  const StatementRef& statement(const char* name) { return exchange.statements.find(name); }
  bool is_described() { return exchange.statements.is_described("s"); }

 private:
  std::deque<ByteBuffer> sent_;
};

}  // namespace

TEST_CASE("a Parse is answered without the server only while it is certain what the server would say") {
  Extended relay;
  SchemaVersion::Doubt doubt;
  std::string expected = "Cs(#1) P(#1,select 1) Ds(#1)";
  SECTION("so it is") {
    expected = "";
  }
  SECTION("the backend has parsed it too long ago") {
    relay.worker().use_time(relay.worker().now() + BackendStatements::parse_age_max + 1ms);
  }
  SECTION("code that is not judged may have changed the schema") {
    doubt = relay.pool().schema_version()->doubt();
    expected = "P(#2,select 1) Ds(#2)";
  }
  SECTION("in a failed transaction it is an error") {
    relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(select x) < E(42703,no x) Z(E)");
  }
  SECTION("an answer that is still to come may say that the transaction has failed") {
    relay.run("> Q(begin)");
  }
  SECTION("there was DDL, after which the text is another statement") {
    relay.pool().schema_version()->change();
    expected = "P(#2,select 1) Ds(#2)";
  }
  relay.server();
  relay.run("> P(t,select 1)");
  CHECK(relay.server() == expected);
  CHECK(relay.held().empty());
}

TEST_CASE("what is parsed beside code that is not judged is its client's own until it is") {
  Extended relay;
  relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(select f()) < C(SELECT 1) Z(T)");
  relay.server();
  relay.run("> P(t,select 1)");
  CHECK(relay.server() == "P(#2,select 1) Ds(#2)");
  const StatementRef own = relay.exchange.statements.find("t");
  CHECK(own->context == nullptr);
  REQUIRE(relay.exchange.code.presumed.size() == 1);
  const PresumedStatement& presumed = relay.exchange.code.presumed.front();
  CHECK(presumed.statement.lock() == own);
  CHECK(presumed.settings == relay.statement("s")->context);
}

TEST_CASE("what is parsed while a change of the schema is being committed is its client's own") {
  RelayScript relay;
  const auto is_in_doubt = [&] {
    const bool doubts = relay.exchange.code.commit_doubt != nullptr;
    CHECK((!doubts || relay.pool().schema_version()->is_in_doubt()));
    return doubts;
  };
  relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(create table t as select 1) < C(SELECT 1) Z(T)");
  CHECK_FALSE(is_in_doubt());
  SECTION("by a COMMIT in front of something slow") {
    relay.run("> P(,commit) B() E P(,select pg_sleep\\(1\\)) B() E S < 1 2");
    relay.run("< C(COMMIT) 1 2");
    CHECK(is_in_doubt());
    relay.run("< C(SELECT 1) Z(I)");
  }
  SECTION("behind another message that is answered before") {
    relay.run(
        "> Q(rollback) < C(ROLLBACK) Z(I) > Q(select 1) Q(begin; create table t \\(\\); commit; select 1)");
    relay.run("< C(SELECT 1) Z(I)");
    CHECK(is_in_doubt());
    relay.run("< C(BEGIN) C(CREATE TABLE) C(COMMIT)");
    CHECK(is_in_doubt());
    relay.run("< C(SELECT 1) Z(I)");
  }
  SECTION("of a transaction that goes on") {
    relay.run("> Q(do 'begin perform 1; end')");
    CHECK(is_in_doubt());
    relay.run("< C(DO) Z(T)");
  }
  SECTION("by a block that commits") {
    relay.run(
        "> Q(rollback) < C(ROLLBACK) Z(I) > Q(do 'begin create table t \\(\\); commit; perform "
        "pg_sleep\\(1\\); end')");
    CHECK(is_in_doubt());
    relay.run("< C(DO) Z(I)");
  }
  SECTION("of a prepared transaction") {
    relay.run("> Q(rollback) < C(ROLLBACK) Z(I) > Q(commit prepared 'x')");
    CHECK(is_in_doubt());
    relay.run("< C(COMMIT PREPARED) Z(I)");
  }
  CHECK_FALSE(is_in_doubt());
}

TEST_CASE("a client shares no statement that it parses while another one's change is being committed") {
  RelayScript relay;
  SchemaVersion::Doubt doubt = relay.pool().schema_version()->doubt();
  relay.run("> P(s,select 1) S < 1 t n Z(I)");
  CHECK(relay.exchange.statements.find("s")->context == nullptr);
  doubt.reset();
  relay.run("> P(t,select 1) S < 1 t n Z(I)");
  CHECK(relay.exchange.statements.find("t")->context != nullptr);
}

TEST_CASE("of very many statements beside code that is not judged, the last ones stay their client's own") {
  Extended relay;
  relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(select f()) < C(SELECT 1) Z(T)");
  relay.exchange.code.presumed.resize(CodeDoubts::presumed_max);
  relay.run("> P(t,select 1)");
  CHECK(relay.exchange.statements.find("t")->context == nullptr);
  CHECK(relay.exchange.code.presumed.size() == CodeDoubts::presumed_max);
}

TEST_CASE("a name that an unanswered batch makes or drops stands for nothing certain in the next one") {
  Extended relay;
  const std::string next = GENERATE(as<std::string>{}, "B(t)", "Ds(t)", "C(t)", "P(t,select 2)");
  relay.run("> P(t,select 3) S " + next);
  CHECK(relay.held() == next);
  relay.run("< 1 t n Z(I) > " + next);
  CHECK(relay.held().empty());
}

TEST_CASE("a client may hold a bounded number of names, and may drop them when it has that many") {
  Extended relay;
  for (std::size_t i = 1; i < StatementMap::names_max; ++i)
    relay.exchange.statements.put(std::to_string(i), relay.statement("s"));
  relay.run("> P(more,select 1)");
  CHECK(relay.held() == "P(more,select 1)!");
  relay.run("> C(1) P(more,select 1)");
  CHECK(relay.held().empty());
}

TEST_CASE("the name of a statement on the server is no name for clients") {
  Extended relay;
  const std::string name = relay.statement("s")->server_name;
  REQUIRE(name.starts_with(server_name_prefix));
  SECTION("to run it") {
    relay.run("> B(" + name + ") E S");
    CHECK(relay.server() == "B(" + name.substr(1) + ") E S");
  }
  SECTION("to see what it is") {
    relay.run("> Ds(" + name + ") S");
    CHECK(relay.server() == "Ds(" + name.substr(1) + ") S");
  }
  SECTION("to drop it") {
    relay.run("> C(" + name + ") S");
    CHECK(relay.server() == "S");
    relay.run("< Z(I)");
    CHECK(relay.client() == "3 Z(I)");
  }
  SECTION("but it may be one of the client's own") {
    relay.run("> P(" + name + ",select 2) S");
    CHECK(relay.server() == "P(#2,select 2) Ds(#2) S");
  }
}

TEST_CASE("a Close of a name that pgweir does not know is the server's, which may know it from SQL") {
  Extended relay;
  relay.run("> C(nothing) S");
  CHECK(relay.server() == "Cs(nothing) S");
}

TEST_CASE("a Close of the unnamed statement is the end of it on both sides") {
  Extended relay;
  relay.run("> P(,select 2) C() S < 1 3 Z(I)");
  CHECK(relay.server() == "P(,select 2) Cs() S");
  CHECK(relay.client() == "1 3 Z(I)");
  CHECK(relay.statement("") == nullptr);
  CHECK(relay.backend().statements.unnamed() == nullptr);
}

TEST_CASE(
    "while a PREPARE may have taken a name, the server is asked whether it has, and the client unseen") {
  Extended relay;
  relay.exchange.pins.insert(Pin::sql_prepare);
  relay.run("> P(t,select 2) S");
  CHECK(relay.server() == "P(t,select 2) Cs(t) P(#2,select 2) Ds(#2) S");
  SECTION("it has not") {
    relay.run("< 1 3 1 t n Z(I)");
    CHECK(relay.client() == "1 Z(I)");
  }
  SECTION("it has") {
    relay.run("< E(42P05,exists) Z(I)");
    CHECK(relay.client() == "E(42P05) Z(I)");
    CHECK(relay.statement("t") == nullptr);
  }
}

TEST_CASE(
    "a Parse under a name that is taken fails on the server, under a name that stands for nobody's text") {
  Extended relay;
  const StatementRef before = relay.statement("s");
  const std::string taken = relay.pool().statements().taken_name()->server_name;
  relay.run("> P(s,select secret) S");
  CHECK(relay.server() == "Cs(" + taken + ") P(" + taken + ",) P(" + taken + ",select secret) S");
  relay.run("< 3 1 E(42P05,exists) Z(I)");
  CHECK(relay.client() == "E(42P05) Z(I)");
  CHECK(relay.statement("s") == before);
}

TEST_CASE("a client has a statement described by a Describe of a portal of it, and of no other") {
  Extended relay;
  REQUIRE(relay.send(Extended::bind("a", "s")) == RequestDisposition::taken);
  SECTION("of this one") {
    relay.send(Extended::message('D', 'P', "a"));
    CHECK(relay.is_described());
  }
  SECTION("of another one") {
    relay.send(Extended::message('D', 'P', "b"));
    CHECK_FALSE(relay.is_described());
  }
  SECTION("by itself") {
    relay.run("> Ds(s)");
    CHECK(relay.is_described());
  }
}

TEST_CASE("a client that reads rows by a description gets an error instead of other rows") {
  Extended relay;
  relay.exchange.statements.mark_described("s");
  relay.lend();
  relay.run("> B(s)");
  REQUIRE(relay.held() == "B(s)");
  relay.run("> S < 1 t T(a,25) Z(I) > B(s)");
  REQUIRE(relay.held() == "B(s)");
  relay.run("> S < 3 1 t T(a,25) Z(I)");
  relay.server();
  relay.client();
  relay.run("> B(s) E S");
  CHECK(relay.server() == "B(#2) E S");
  relay.run("< E(26000,does not exist) Z(I)");
  CHECK(relay.client() == "E(0A000) Z(I)");
}

TEST_CASE("a Close of a portal may be that of a cursor which outlives its transaction") {
  Extended relay;
  const bool has_one = GENERATE(true, false);
  if (has_one) relay.exchange.pins.insert(Pin::holdable_cursor);
  relay.send(Extended::message('C', 'P', "c"));
  CHECK(relay.server() == "Cp(c)");
  CHECK(relay.exchange.watch.may_have_ended.contains(Pin::holdable_cursor) == has_one);
}

TEST_CASE("a message that cannot be read goes to the server, which says what is wrong with it") {
  Extended relay;
  const char type = GENERATE('P', 'B', 'D', 'C');
  ByteBuffer message;
  Writer(message).begin_message(type).text("no end").end_message();
  CHECK(relay.send(message) == RequestDisposition::taken);
  CHECK(relay.worker().to_server().bytes() == message);
  relay.run("> S < E(08P01,invalid message format) Z(I)");
  CHECK(relay.client() == "E(08P01) Z(I)");
  CHECK(relay.exchange.tracker.settled());
}

TEST_CASE("a SET by the extended protocol is one when it is executed, and not when it is bound") {
  Extended relay;
  relay.run("> P(,set work_mem = '1MB') B() S < 1 2 Z(I)");
  CHECK(relay.exchange.journal.committed().empty());
  relay.run("> P(,set work_mem = '1MB') B() E S < 1 2 C(SET) Z(I)");
  REQUIRE(relay.exchange.journal.committed().size() == 1);
  CHECK(relay.exchange.journal.committed()[0].value == "1MB");
  CHECK_FALSE(relay.exchange.watch.sets_unknown());
}
