#include "proxy/reply/reply_path.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"
#include "proxy/exchange/server_stream.hpp"

using namespace pgweir;
using test::RelayScript;

TEST_CASE("queries of our own are answered to nobody") {
  RelayScript relay;
  relay.byte_by_byte = GENERATE(false, true);
  ServerStream(relay.exchange).send_own(OwnQuery::reset, "RESET ALL");
  CHECK(relay.server() == "Q(RESET ALL)");
  relay.run("< S(TimeZone,UTC) C(RESET) Z(I)");
  CHECK(relay.client().empty());
  CHECK(relay.exchange.own.empty());
  CHECK(relay.exchange.tracker.settled());
}

TEST_CASE("an answer to our own question becomes an event, once") {
  RelayScript relay;
  ServerStream(relay.exchange).send_own(OwnQuery::check, "SELECT ...");
  relay.run("< T(a,25) D(work_mem,8MB) C(SELECT 1)");
  CHECK_FALSE(relay.replies.events().contains(ReplyEvent::state_answered));
  relay.run("< Z(I)");
  CHECK(relay.replies.events().take(ReplyEvent::state_answered));
  CHECK_FALSE(relay.replies.events().take(ReplyEvent::state_answered));
  CHECK(relay.exchange.own.answer.settings.at("work_mem") == "8MB");
}

TEST_CASE("a prelude that fails is an event, and the reason is kept") {
  RelayScript relay;
  ServerStream(relay.exchange).send_own(OwnQuery::prelude, "SET ...");
  relay.run("> Q(select 1) < E(42501,permission denied) Z(I)");
  CHECK(relay.replies.events().take(ReplyEvent::prelude_failed));
  CHECK(relay.exchange.own.error->code == "42501");
  CHECK(relay.client().empty());
}

TEST_CASE("a ReadyForQuery of the client's ends a query, and in no transaction a transaction, too") {
  RelayScript relay;
  relay.run("> Q(begin) < C(BEGIN) Z(T)");
  CHECK(relay.replies.events().take(ReplyEvent::query_done));
  CHECK_FALSE(relay.replies.events().take(ReplyEvent::transaction_done));
  relay.run("> Q(commit) < C(COMMIT) Z(I)");
  CHECK(relay.replies.events().take(ReplyEvent::query_done));
  CHECK(relay.replies.events().take(ReplyEvent::transaction_done));
}

TEST_CASE("a parameter that changes is told the client, unless it knows") {
  RelayScript relay;
  relay.byte_by_byte = GENERATE(false, true);
  relay.run("> Q(set timezone = 'UTC') < S(TimeZone,UTC) C(SET) Z(I)");
  CHECK(relay.client() == "S(TimeZone,UTC) C(SET) Z(I)");
  relay.run("> Q(set timezone = 'UTC') < S(TimeZone,UTC) C(SET) Z(I)");
  CHECK(relay.client() == "C(SET) Z(I)");
  CHECK(relay.backend().parameters->at("TimeZone") == "UTC");
}

TEST_CASE("defaults that have changed are told whoever keeps the backends") {
  RelayScript relay;
  relay.run("> Q(alter role app set work_mem = '1MB') < C(ALTER ROLE)");
  CHECK_FALSE(relay.replies.events().contains(ReplyEvent::defaults_changed));
  relay.run("< Z(I)");
  CHECK(relay.replies.events().take(ReplyEvent::defaults_changed));
}

TEST_CASE("an error that ends the session at rest is not for the client") {
  RelayScript relay;
  ByteBuffer fatal;
  ErrorFields fields;
  fields.severity = "FATAL";
  fields.code = "57P01";
  fields.message = "terminating connection";
  write_error_response(fatal, fields);
  const auto shown = [&] {
    ByteView input = fatal;
    Piece piece;
    REQUIRE(relay.backend().framer.next(input, piece) == FrameStatus::piece);
    return relay.replies.take(piece);
  };
  SECTION("at rest") {
    CHECK(shown() == ReplyPath::Disposition::ended_untold);
    CHECK(relay.client().empty());
  }
  SECTION("while it waits for an answer") {
    relay.run("> Q(select 1)");
    CHECK(shown() == ReplyPath::Disposition::ended_and_told);
    CHECK(relay.client() == "E(57P01)");
  }
}

TEST_CASE(
    "a plan that DDL has made stale is mended unseen, where nothing was answered and nothing described") {
  RelayScript relay;
  relay.run("> P(s,select * from t) S < 1 t n Z(I)");
  relay.server();
  relay.client();
  Batch& batch = relay.exchange.batch;
  batch = {};
  batch.state = Batch::State::closed;
  SECTION("mended") {
    relay.run("> B(s) E S < E(0A000,cached plan must not change result type,RevalidateCachedQuery) Z(I)");
    CHECK(relay.client().empty());
    CHECK(relay.replies.events().take(ReplyEvent::batch_failed));
    CHECK(batch.renews);
  }
  SECTION("a row was told already") {
    relay.run(
        "> B(s) E B(s) E S < 2 D(1) C(SELECT 1) E(0A000,cached plan must not change result "
        "type,RevalidateCachedQuery) Z(I)");
    CHECK(relay.client() == "2 D C(SELECT 1) E(0A000) Z(I)");
    CHECK_FALSE(relay.replies.events().take(ReplyEvent::batch_failed));
  }
}

TEST_CASE("in the middle of a row that was begun nothing else may be written") {
  RelayScript relay;
  relay.run("> Q(select 1) < T(a,25)");
  CHECK_FALSE(relay.replies.is_inside_message());
  const std::string value(100, 'x');
  ByteBuffer row;
  Writer(row).begin_message('D').u16(1).u32(100).raw(as_bytes(value)).end_message();
  Piece piece;
  ByteView part = ByteView(row).first(50);
  REQUIRE(relay.backend().framer.next(part, piece) == FrameStatus::piece);
  relay.replies.take(piece);
  CHECK(relay.replies.is_inside_message());
  part = ByteView(row).subspan(50);
  REQUIRE(relay.backend().framer.next(part, piece) == FrameStatus::piece);
  relay.replies.take(piece);
  CHECK_FALSE(relay.replies.is_inside_message());
}
