#include "proxy/reply/tag_reader.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"
#include "proxy/exchange/server_stream.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

// The text of the query says nothing of what it does.
struct Opaque : RelayScript {
  void complete(const std::string& tag) { run("> Q(select 1) < C(" + tag + ")"); }
  bool has(Mark mark) const { return exchange.watch.marks.contains(mark); }
  std::uint64_t schema() { return pool().schema_version()->get(); }
  bool knows_code() { return pool().code().definitions().verdict() != FunctionVerdict::unknown; }
};

}  // namespace

TEST_CASE("DDL is seen by others at once, and again when it is committed") {
  Opaque relay;
  std::uint64_t before = relay.schema();
  const auto has_changed = [&] { return std::exchange(before, relay.schema()) != before; };
  relay.complete("SELECT 1");
  CHECK_FALSE(has_changed());
  relay.complete("COMMIT");
  CHECK_FALSE(has_changed());
  relay.run("< Z(T)");
  relay.complete("CREATE TABLE");
  CHECK(relay.has(Mark::changed_schema));
  CHECK(has_changed());
  relay.complete("COMMIT");
  CHECK(has_changed());
}

TEST_CASE("what is known of code is void once code was made") {
  Opaque relay;
  relay.complete("CREATE TABLE");
  CHECK(relay.knows_code());
  relay.complete("CREATE FUNCTION");
  CHECK_FALSE(relay.knows_code());
  CHECK(relay.has(Mark::made_code));
}

TEST_CASE("the tag of what pgweir has sent tells nothing of the client's") {
  Opaque relay;
  const std::uint64_t before = relay.schema();
  ServerStream(relay.exchange).send_own(OwnQuery::reset, "DISCARD ALL");
  relay.run("< C(DISCARD ALL) C(DROP TABLE)");
  CHECK(relay.schema() == before);
  CHECK_FALSE(relay.exchange.watch.touched());
}

TEST_CASE("a tag that cannot be read tells nothing") {
  Opaque relay;
  const std::uint64_t before = relay.schema();
  relay.run("> Q(select 1)");
  ByteBuffer message;
  Writer(message).begin_message('C').text("DROP TABLE").end_message();
  ByteView input = message;
  Piece piece;
  REQUIRE(relay.backend().framer.next(input, piece) == FrameStatus::piece);
  TagReader(relay.exchange).take(piece);
  CHECK(relay.schema() == before);
}

TEST_CASE("a COMMIT that no text has told makes all settings doubtful that are followed") {
  Opaque relay;
  SECTION("nothing is followed") {
    relay.complete("COMMIT");
    CHECK_FALSE(relay.exchange.journal.doubts_all());
  }
  relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(set work_mem = '1MB') < C(SET) Z(T)");
  SECTION("the text says it") {
    relay.run("> Q(commit) < C(COMMIT) Z(I)");
    CHECK_FALSE(relay.exchange.journal.doubts_all());
  }
  SECTION("the text does not say it") {
    relay.complete(GENERATE("COMMIT", "ROLLBACK"));
    CHECK(relay.exchange.journal.doubts_all());
  }
}

TEST_CASE("a RESET is known by its tag, and by its text where others follow it") {
  Opaque relay;
  SECTION("in a Query, whose settings are reported before it ends") {
    relay.complete(GENERATE("RESET", "DISCARD ALL"));
    CHECK(relay.has(Mark::resets_now));
  }
  SECTION("by its text") {
    relay.exchange.expect({.reply = Reply::query, .resets_setting = resets_all});
    relay.run("< C(SELECT 1)");
    CHECK(relay.has(Mark::resets_now));
    CHECK(relay.exchange.watch.restores_now == resets_all);
  }
  SECTION("not in a batch, which has no answer to be put right before it ends") {
    relay.run("> P(,reset all) B() E < 1 2 C(RESET)");
    CHECK_FALSE(relay.has(Mark::resets_now));
  }
  SECTION("nor by another tag") {
    relay.complete("SET");
    CHECK_FALSE(relay.has(Mark::resets_now));
  }
}

TEST_CASE("each DEALLOCATE drops the name whose turn it is") {
  Opaque relay;
  relay.run("> P(a,select 1) P(b,select 2) S < 1 t n 1 t n Z(I)");
  const StatementRef a = relay.exchange.statements.find("a");
  Expected deallocates{.reply = Reply::query};
  relay.exchange.begin_naming(deallocates).drops = {"a", "b"};
  relay.exchange.expect(std::move(deallocates));
  relay.run("< C(DEALLOCATE)");
  CHECK_FALSE(relay.exchange.statements.find("a"));
  CHECK(relay.exchange.statements.find("b"));
  CHECK(relay.backend().statements.find(a, 99) == BackendStatements::Presence::absent);
  CHECK(relay.exchange.naming->drops == std::vector<std::string>{"b"});
  CHECK_FALSE(relay.exchange.may_have_prepared());
}

TEST_CASE("a DEALLOCATE in front of the message that drops a name does not drop it") {
  Opaque relay;
  relay.run("> P(a,select 1) S < 1 t n Z(I)");
  relay.run("> Q(select 1)");
  Expected deallocates{.reply = Reply::query};
  relay.exchange.begin_naming(deallocates).drops = {"a"};
  relay.exchange.expect(std::move(deallocates));
  relay.run("< C(DEALLOCATE) Z(I)");
  CHECK(relay.exchange.statements.find("a"));
  relay.run("< E(26000,no) Z(I)");
  CHECK(relay.exchange.statements.find("a"));
}

TEST_CASE("a DEALLOCATE whose name is not known is a reason to ask what is left") {
  Opaque relay;
  relay.complete("DEALLOCATE");
  CHECK(relay.exchange.may_have_prepared());
}

TEST_CASE("a DEALLOCATE whose name is not known may stand in front of one that is") {
  Opaque relay;
  relay.run("> P(a,select 1) S < 1 t n Z(I)");
  Expected deallocates{.reply = Reply::query};
  relay.exchange.begin_naming(deallocates).drops = {"", "a"};
  relay.exchange.expect(std::move(deallocates));
  relay.run("< C(DEALLOCATE)");
  CHECK(relay.exchange.statements.find("a"));
  CHECK(relay.exchange.may_have_prepared());
  relay.run("< C(DEALLOCATE)");
  CHECK_FALSE(relay.exchange.statements.find("a"));
}

TEST_CASE("all names are gone when the server has dropped them all, the client's and the backend's") {
  Opaque relay;
  relay.run("> P(a,select 1) P(b,select 2) S < 1 t n 1 t n Z(I)");
  relay.complete(GENERATE("DEALLOCATE ALL", "DISCARD ALL"));
  CHECK(relay.exchange.statements.committed().empty());
  CHECK(relay.backend().statements.size() == 0);
}

TEST_CASE("a PREPARE under a name of pgweir's gives the client the statement, and any other one does not") {
  Opaque relay;
  const StatementRef made = relay.pool().statements().make_by_sql(" as select 1", "select 1");
  SECTION("pgweir's") {
    Expected prepares{.reply = Reply::query};
    SqlNaming& naming = relay.exchange.begin_naming(prepares);
    naming.name = "s";
    naming.statement = made;
    relay.exchange.expect(std::move(prepares));
    relay.run("< C(PREPARE)");
    CHECK(relay.exchange.statements.find("s") == made);
    CHECK(relay.backend().statements.find(made, 99) == BackendStatements::Presence::present);
  }
  SECTION("of a name that pgweir does not know") {
    relay.complete("PREPARE");
    CHECK(relay.exchange.statements.committed().empty());
    CHECK(relay.backend().statements.size() == 0);
  }
}
