#include "proxy/reply/own_replies.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"
#include "proxy/exchange/server_stream.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

struct Asked : RelayScript {
  void ask(OwnQuery which) { ServerStream(exchange).send_own(which, "..."); }
  void fail(const char* code) { run(std::string("< E(") + code + ",no) Z(I)"); }
  bool happened(ReplyEvent event) { return replies.events().take(event); }
};

}  // namespace

TEST_CASE("rows of an own query are read whole, however they arrive") {
  Asked relay;
  relay.byte_by_byte = GENERATE(false, true);
  SECTION("settings") {
    relay.ask(OwnQuery::check);
    relay.run("< T(a,25) D(work_mem,8MB) D(jit,off) C(SELECT 2) Z(I)");
    CHECK(relay.exchange.own.answer.settings == SettingMap{{"jit", "off"}, {"work_mem", "8MB"}});
  }
  SECTION("triggers") {
    relay.ask(OwnQuery::triggers);
    relay.run("< T(a,25) D(audit) D(stamp) C(SELECT 2) Z(I)");
    CHECK(relay.exchange.code.trigger_names == std::vector<std::string>{"audit", "stamp"});
    CHECK(relay.happened(ReplyEvent::triggers_answered));
  }
  SECTION("sources") {
    relay.ask(OwnQuery::sources);
    relay.run("< T(a,25) D(f,sql,select 1,x,) C(SELECT 1) Z(I)");
    REQUIRE(relay.exchange.code.sources.size() == 1);
    CHECK(relay.happened(ReplyEvent::sources_answered));
  }
  CHECK(relay.client().empty());
}

TEST_CASE("a row with a null or another number of columns tells nothing, and the next one is read") {
  Asked relay;
  relay.ask(OwnQuery::triggers);
  SECTION("columns") {
    relay.run("< T(a,25) D(audit,stamp) D(only)");
  }
  SECTION("null") {
    ByteBuffer row;
    Writer(row).begin_message('D').u16(1).u32(0xffffffff).end_message();
    ByteView input = row;
    Piece piece;
    REQUIRE(relay.backend().framer.next(input, piece) == FrameStatus::piece);
    relay.replies.take(piece);
    relay.run("< D(only)");
  }
  CHECK(relay.exchange.code.trigger_names == std::vector<std::string>{"only"});
}

TEST_CASE("a row of an own query that asks for nothing is no answer to another one") {
  Asked relay;
  relay.ask(OwnQuery::reset);
  relay.ask(OwnQuery::sources);
  relay.run("< D(f,sql,select 1,x,) C(SELECT 1) Z(I)");
  CHECK(relay.exchange.code.sources.empty());
}

TEST_CASE("a question about the state that a cancel has hit is asked again, one that fails is the end") {
  Asked relay;
  relay.ask(OwnQuery::check);
  const bool cancelled = GENERATE(true, false);
  relay.fail(cancelled ? "57014" : "42501");
  CHECK(relay.exchange.own.cancelled == cancelled);
  CHECK(relay.exchange.own.failed == !cancelled);
  CHECK(relay.happened(ReplyEvent::state_answered));
}

TEST_CASE("only one error of lastval() says that there is no value") {
  Asked relay;
  relay.exchange.own.has_last_value = true;
  relay.ask(OwnQuery::last_value);
  const bool is_none = GENERATE(true, false);
  relay.fail(is_none ? "55000" : "57014");
  CHECK(relay.exchange.own.has_last_value == !is_none);
  CHECK(relay.happened(ReplyEvent::last_value_answered));
}

TEST_CASE("a backend that cannot be cleaned up is not trusted, also when a cancel comes behind that") {
  Asked relay;
  SECTION("a ROLLBACK that a cancel has hit is sent again") {
    relay.ask(OwnQuery::rollback);
    relay.fail("57014");
    CHECK_FALSE(relay.exchange.own.failed);
  }
  SECTION("any other error of it lasts") {
    relay.ask(OwnQuery::rollback);
    relay.fail("XX000");
    relay.ask(OwnQuery::rollback);
    relay.fail("57014");
    CHECK(relay.exchange.own.failed);
  }
  SECTION("a reset has to succeed") {
    relay.ask(GENERATE(OwnQuery::reset, OwnQuery::reset_settings));
    relay.fail("57014");
    CHECK(relay.exchange.own.failed);
  }
  SECTION("nothing else has to") {
    relay.ask(GENERATE(OwnQuery::no_op, OwnQuery::sources, OwnQuery::triggers, OwnQuery::prelude));
    relay.fail("57014");
    CHECK_FALSE(relay.exchange.own.failed);
  }
}

TEST_CASE("code whose sources the server does not tell is not judged") {
  Asked relay;
  relay.ask(GENERATE(OwnQuery::sources, OwnQuery::triggers));
  relay.fail("42501");
  CHECK(relay.exchange.code.sources_failed);
}

TEST_CASE("a client is told its parameters when the settings in front of its statement are in force") {
  Asked relay;
  relay.ask(OwnQuery::prelude);
  relay.run("> Q(select 1) < S(TimeZone,Asia/Tokyo)");
  CHECK(relay.client().empty());
  SECTION("they are") {
    relay.run("< C(SET) Z(I)");
    CHECK(relay.client() == "S(TimeZone,Asia/Tokyo)");
  }
  SECTION("they are refused") {
    relay.fail("22023");
    CHECK(relay.client().empty());
    CHECK(relay.happened(ReplyEvent::prelude_failed));
  }
}
