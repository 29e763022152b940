#include "proxy/reply/plan_repair.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;
using Kind = PlanRepair::Kind;

namespace {

constexpr char stale_plan[] = "E(0A000,cached plan must not change result type,RevalidateCachedQuery)";
constexpr char gone[] = "E(26000,prepared statement does not exist)";

// The client's statement "s", and a batch that runs it and is kept to be sent again. Nothing of it is answered.
struct Batched : RelayScript {
  Batched() {
    run("> P(s,select * from t) S < 1 t n Z(I)");
    server();
    client();
    failed = {.reply = Reply::bind, .statement = about = exchange.statements.find("s")};
    exchange.batch = {};
    exchange.batch.state = Batch::State::closed;
    write_bind(backend().kept_batch, {}, "s");
    write_execute(backend().kept_batch, {});
  }
  Kind begin(const std::string& word) {
    const ByteBuffer message = reply(word);
    ErrorView error;
    REQUIRE(ErrorView::parse(ByteView(message).subspan(message_header_size), error) == Errc::ok);
    return PlanRepair(exchange).begin(failed, error, about, "s");
  }
  // Whether a client that parses the text now gets the same statement.
  bool is_shared() {
    run("> P(other,select * from t)");
    return exchange.statements.find("other") == about;
  }
  bool is_trusted() {
    return backend().statements.find(about, exchange.tracker.segment()) ==
           BackendStatements::Presence::present;
  }

  StatementRef about;
  Expected failed;
};

}  // namespace

TEST_CASE("an error of the statement's own is the client's, and the statement stays as it is") {
  Batched relay;
  const char* const error =
      GENERATE("E(42P01,no such table)", "E(0A000,not supported)",
               "E(55000,cached plan must not change result type,RevalidateCachedQuery)");
  CHECK(relay.begin(error) == Kind::no);
  CHECK(relay.is_trusted());
  CHECK(relay.is_shared());
}

TEST_CASE("a statement that has changed gets a successor, for its client and for those who parse it later") {
  Batched relay;
  SECTION("the server says so") {
    CHECK(relay.begin(stale_plan) == Kind::renew);
  }
  SECTION("pgweir knew, and let the batch fail") {
    relay.failed.purpose = Purpose::meant_to_fail;
    CHECK(relay.begin("E(42601,syntax error)") == Kind::renew);
  }
  CHECK_FALSE(relay.is_shared());
}

TEST_CASE("code that is not judged may have made the plan stale, if it has run before") {
  Batched relay;
  relay.exchange.code.unjudged = {"select f()"};
  const bool has_run = GENERATE(true, false);  // or it is this batch that would have run it
  relay.exchange.batch.answered = has_run;
  CHECK(relay.begin(stale_plan) == (has_run ? Kind::no : Kind::renew));
  CHECK((relay.exchange.statements.find("s") == relay.about));
  CHECK_FALSE(relay.is_shared());
}

TEST_CASE("a statement that the server has lost is parsed again, and no other one is trusted") {
  Batched relay;
  std::string error = gone;
  SECTION("missed by a Bind") {}
  SECTION("missed by a Describe") {
    relay.failed.reply = Reply::describe_statement;
  }
  SECTION("missed by an EXECUTE in a text") {
    relay.failed.reply = Reply::query;
    error = "E(26000,prepared statement \"" + relay.about->server_name + "\" does not exist)";
  }
  SECTION("another one has its name") {
    relay.failed.reply = Reply::parse;
    error = "E(42P05,exists)";
  }
  CHECK(relay.begin(error) == Kind::parse_again);
  CHECK(relay.backend().statements.in_doubt());
  CHECK(relay.is_shared());
}

TEST_CASE("a missing statement that is not pgweir's is the client's own mistake") {
  Batched relay;
  std::string error = gone;
  SECTION("a text names one that nobody has") {
    relay.failed.reply = Reply::query;
  }
  SECTION("the unnamed statement") {
    relay.about = make_unnamed("select 1", no_parameter_types);
  }
  SECTION("an Execute runs what a function of its own misses") {
    relay.failed.reply = Reply::execute;
  }
  SECTION("a Bind runs a function that makes a name twice") {
    error = "E(42P05,exists)";
  }
  CHECK(relay.begin(error) == Kind::no);
  CHECK_FALSE(relay.backend().statements.in_doubt());
}

TEST_CASE("what the client has seen a part of, or what did something, is not sent again") {
  Batched relay;
  Batch& batch = relay.exchange.batch;
  SECTION("the batch is not kept") {
    batch.state = Batch::State::none;
  }
  SECTION("a part of it is answered") {
    batch.answered = true;
  }
  SECTION("it was sent again too often") {
    batch.again = Batch::again_max;
  }
  SECTION("it is being mended already") {
    batch.stale = relay.about;
  }
  SECTION("the message is not the client's") {
    relay.failed.fate = Fate::drop;
  }
  SECTION("a transaction is open") {
    relay.run("> Q(begin) < C(BEGIN) Z(T)");
    batch.state = Batch::State::closed;
    batch.answered = false;
  }
  CHECK(relay.begin(gone) == Kind::no);
  // The next use of it finds out what there is.
  CHECK_FALSE(relay.is_trusted());
  CHECK(relay.begin(stale_plan) == Kind::no);
  // A client that has no description gets the new one next time, and no second error.
  const StatementRef next = relay.exchange.statements.find("s");
  CHECK(next != relay.about);
  CHECK(next->text == relay.about->text);
}

TEST_CASE("a client that reads rows by an earlier description is told that it is void") {
  Batched relay;
  Kind expected = Kind::no;
  SECTION("it has it from a Describe") {
    relay.exchange.statements.mark_described("s");
  }
  SECTION("it must have it, as it asks for binary values") {
    ByteBuffer& kept = relay.backend().kept_batch;
    kept.clear();
    Writer(kept).begin_message('B').cstring("").cstring("s").u16(0).u16(0).u16(1).u16(1).end_message();
    write_execute(kept, {});
  }
  SECTION("but not if the batch describes the statement anew") {
    relay.exchange.statements.mark_described("s");
    ByteBuffer describe;
    write_describe_statement(describe, "s");
    relay.backend().kept_batch.insert(relay.backend().kept_batch.begin(), describe.begin(), describe.end());
    expected = Kind::renew;
  }
  CHECK(relay.begin(stale_plan) == expected);
  CHECK(relay.exchange.statements.find("s") == relay.about);
}

TEST_CASE("under another search_path the error is the client's, and under its own the statement goes on") {
  Batched relay;
  const MapRef own = relay.exchange.client.desired;
  relay.exchange.client.desired = relay.worker().interner().intern({{"search_path", "other"}});
  CHECK(relay.begin(stale_plan) == Kind::no);
  CHECK(relay.exchange.statements.find("s") == relay.about);
  relay.exchange.client.desired = own;
  CHECK(relay.is_shared());
}

TEST_CASE(
    "where it is not known what is in force, the error is the client's, and whoever parses the text gets a "
    "new one") {
  Batched relay;
  relay.exchange.watch.marks.insert(Mark::unseen);
  CHECK(relay.begin(stale_plan) == Kind::no);
  CHECK(relay.exchange.statements.find("s") == relay.about);
  relay.exchange.watch.marks.erase(Mark::unseen);
  CHECK_FALSE(relay.is_shared());
}
