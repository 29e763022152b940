#include "proxy/backend/backend_statements.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace pgweir;
using namespace std::chrono_literals;
using Presence = BackendStatements::Presence;

namespace {

StatementRef statement(std::string name) {
  auto made = std::make_shared<Statement>();
  made->text = "select 1";
  made->server_name = std::move(name);
  return made;
}

void hold(BackendStatements& held, const StatementRef& s) {
  held.begin_parse(s, 0);
  held.end_parse(s, Outcome::done);
}

}  // namespace

TEST_CASE("a statement whose Parse is unanswered is usable in its own segment and undecided in the next") {
  BackendStatements held(10);
  const StatementRef s = statement("a");
  CHECK(held.find(s, 1) == Presence::absent);
  held.begin_parse(s, 1);
  CHECK(held.find(s, 1) == Presence::present);
  CHECK(held.find(s, 2) == Presence::undecided);
  held.end_parse(s, Outcome::done);
  CHECK(held.find(s, 2) == Presence::present);
}

TEST_CASE("a statement whose Parse failed or was skipped is absent again") {
  const Outcome outcome = GENERATE(Outcome::failed, Outcome::skipped);
  BackendStatements held(10);
  const StatementRef s = statement("a");
  held.begin_parse(s, 1);
  held.end_parse(s, outcome);
  CHECK(held.find(s, 1) == Presence::absent);
  CHECK(held.size() == 0);
}

TEST_CASE("a statement whose Close is unanswered is absent in its own segment and undecided in the next") {
  BackendStatements held(10);
  const StatementRef s = statement("a");
  hold(held, s);
  held.begin_close(s, 3);
  CHECK(held.find(s, 3) == Presence::absent);
  CHECK(held.find(s, 4) == Presence::undecided);
  held.end_close(s, Outcome::done);
  CHECK(held.find(s, 4) == Presence::absent);
  CHECK(held.size() == 0);
}

TEST_CASE("a statement whose Close was skipped is still there") {
  BackendStatements held(10);
  const StatementRef s = statement("a");
  hold(held, s);
  held.begin_close(s, 3);
  held.end_close(s, Outcome::skipped);
  CHECK(held.find(s, 4) == Presence::present);
}

TEST_CASE("a statement closed and parsed again in one segment follows what becomes of either") {
  struct Case {
    const char* name;
    Outcome close;
    Outcome parse;
    Presence expected;
  };
  const auto c = GENERATE(values<Case>({
      {"both done", Outcome::done, Outcome::done, Presence::present},
      {"the Parse failed", Outcome::done, Outcome::failed, Presence::absent},
      {"the Parse was skipped", Outcome::done, Outcome::skipped, Presence::absent},
      {"both skipped", Outcome::skipped, Outcome::skipped, Presence::present},
  }));
  INFO(c.name);
  BackendStatements held(10);
  const StatementRef s = statement("a");
  hold(held, s);
  held.begin_close(s, 5);
  held.begin_parse(s, 5);
  CHECK(held.find(s, 5) == Presence::present);
  held.end_close(s, c.close);
  CHECK(held.find(s, 6) == Presence::undecided);
  held.end_parse(s, c.parse);
  CHECK(held.find(s, 6) == c.expected);
  CHECK(held.size() == (c.expected == Presence::present ? 1 : 0));
}

TEST_CASE("at the limit the least recently used statement has to go") {
  BackendStatements held(3);
  const StatementRef a = statement("a");
  const StatementRef b = statement("b");
  const StatementRef c = statement("c");
  hold(held, a);
  hold(held, b);
  CHECK(held.to_evict(1) == nullptr);
  hold(held, c);
  CHECK(held.to_evict(1) == a);
  CHECK(held.find(a, 9) == Presence::present);  // used just now
  CHECK(held.to_evict(1) == b);
}

TEST_CASE("a statement with an unanswered Parse is never evicted") {
  BackendStatements held(2);
  const StatementRef a = statement("a");
  const StatementRef b = statement("b");
  held.begin_parse(a, 1);
  held.begin_parse(b, 1);
  CHECK(held.to_evict(1) == nullptr);
  held.end_parse(a, Outcome::done);
  CHECK(held.to_evict(1) == a);
}

TEST_CASE("a statement that is being closed has made room already") {
  BackendStatements held(2);
  const StatementRef a = statement("a");
  const StatementRef b = statement("b");
  hold(held, a);
  hold(held, b);
  held.begin_close(a, 1);
  CHECK(held.to_evict(1) == nullptr);
  held.begin_parse(statement("c"), 1);
  CHECK(held.to_evict(1) == b);
}

TEST_CASE("more statements than the limit can be evicted down to it") {
  BackendStatements held(4);
  std::vector<StatementRef> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(statement(std::to_string(i)));
    held.begin_parse(all.back(), 1);
  }
  for (const StatementRef& s : all) held.end_parse(s, Outcome::done);
  int evicted = 0;
  while (const StatementRef victim = held.to_evict(1)) {
    REQUIRE(victim == all[static_cast<std::size_t>(evicted)]);
    held.begin_close(victim, 2);
    REQUIRE(++evicted <= 10);
  }
  CHECK(evicted == 7);  // one place is free then
}

TEST_CASE("without room for another one, as many as the limit stay") {
  BackendStatements held(2);
  const StatementRef a = statement("a");
  hold(held, a);
  hold(held, statement("b"));
  CHECK_FALSE(held.is_over());
  CHECK(held.to_evict(0) == nullptr);
  hold(held, statement("c"));
  CHECK(held.is_over());
  CHECK(held.to_evict(0) == a);
  held.begin_close(a, 1);
  CHECK(held.to_evict(0) == nullptr);
  held.end_close(a, Outcome::done);
  CHECK_FALSE(held.is_over());
}

TEST_CASE("DEALLOCATE ALL forgets what was there, not what was sent behind it") {
  BackendStatements held(10);
  const StatementRef old = statement("old");
  const StatementRef fresh = statement("fresh");
  const StatementRef again = statement("again");
  hold(held, old);
  hold(held, again);
  held.begin_parse(fresh, 2);
  held.begin_close(again, 2);
  held.begin_parse(again, 2);
  held.clear();
  CHECK(held.find(old, 2) == Presence::absent);
  CHECK(held.find(fresh, 2) == Presence::present);
  held.end_parse(fresh, Outcome::done);
  held.end_close(again, Outcome::done);
  held.end_parse(again, Outcome::failed);
  CHECK(held.find(fresh, 3) == Presence::present);
  CHECK(held.find(again, 3) == Presence::absent);
  CHECK(held.size() == 1);
}

TEST_CASE("a Close that SQL did is the end of a statement, and of one that is not known nothing") {
  BackendStatements held(10);
  const StatementRef s = statement("a");
  hold(held, s);
  held.end_close(s, Outcome::done);
  CHECK(held.find(s, 1) == Presence::absent);
  held.end_close(s, Outcome::done);
  held.end_parse(s, Outcome::done);
  CHECK(held.size() == 0);
}

TEST_CASE("the unnamed statement of a fresh backend is nobody's") {
  const BackendStatements held(10);
  CHECK(held.find_unnamed(statement(""), 0) == Presence::absent);
  CHECK(held.find_unnamed(nullptr, 0) == Presence::absent);
}

TEST_CASE("the unnamed statement is the one that was sent last") {
  BackendStatements held(10);
  const StatementRef a = statement("");
  const StatementRef b = statement("");
  held.begin_unnamed(a, 1);
  held.begin_unnamed(b, 1);
  CHECK(held.find_unnamed(b, 1) == Presence::present);
  CHECK(held.find_unnamed(a, 1) == Presence::absent);
  CHECK(held.find_unnamed(b, 2) == Presence::undecided);
  held.end_unnamed(a, Outcome::done);
  CHECK(held.find_unnamed(b, 2) == Presence::undecided);
  held.end_unnamed(b, Outcome::done);
  CHECK(held.find_unnamed(b, 2) == Presence::present);
  CHECK(held.find_unnamed(nullptr, 2) == Presence::absent);
}

TEST_CASE("an unnamed Parse that failed leaves none, one that was skipped leaves nobody knows which") {
  BackendStatements held(10);
  const StatementRef a = statement("");
  const StatementRef b = statement("");
  held.begin_unnamed(a, 1);
  held.end_unnamed(a, Outcome::done);
  SECTION("failed") {
    held.begin_unnamed(b, 2);
    held.end_unnamed(b, Outcome::failed);
    CHECK(held.find_unnamed(nullptr, 3) == Presence::present);
  }
  SECTION("skipped") {
    held.begin_unnamed(b, 2);
    held.end_unnamed(b, Outcome::skipped);
    CHECK(held.find_unnamed(nullptr, 3) == Presence::absent);
  }
  CHECK(held.find_unnamed(a, 3) == Presence::absent);
  CHECK(held.find_unnamed(b, 3) == Presence::absent);
}

TEST_CASE("an unnamed Parse that failed is not taken for a later Parse of the same statement") {
  const Outcome first = GENERATE(Outcome::failed, Outcome::skipped);
  BackendStatements held(10);
  const StatementRef a = statement("");
  held.begin_unnamed(a, 1);
  held.begin_unnamed(a, 2);
  held.end_unnamed(a, first);
  CHECK(held.find_unnamed(nullptr, 2) == Presence::absent);
  held.end_unnamed(a, Outcome::done);
  // The server holds it now: whoever has none must not run it.
  CHECK(held.find_unnamed(nullptr, 3) == Presence::absent);
}

TEST_CASE("a client's Parse is answered without the server for a short time after one on the same backend") {
  BackendStatements held(10);
  BackendStatements other(10);
  const StatementRef s = statement("a");
  const TimePoint now{10s};
  hold(held, s);
  hold(other, s);
  CHECK_FALSE(held.was_parsed_lately(s, now));  // that Parse was pgweir's, and nobody knows what for
  held.note_parse(s, now, true);
  CHECK(held.was_parsed_lately(s, now));
  CHECK_FALSE(held.is_client_parse(s));
  held.note_client_parse(s, now);
  CHECK(held.was_parsed_lately(s, now + BackendStatements::parse_age_max));
  CHECK_FALSE(held.was_parsed_lately(s, now + BackendStatements::parse_age_max + 1ms));
  CHECK_FALSE(other.was_parsed_lately(s, now));
  held.note_client_parse(s, TimePoint{});  // under settings that are not certain
  CHECK_FALSE(held.was_parsed_lately(s, now));
}

TEST_CASE("what is to be parsed again is absent until it was") {
  BackendStatements held(10);
  const StatementRef s = statement("a");
  const StatementRef unnamed = statement("");
  hold(held, s);
  held.begin_unnamed(unnamed, 0);
  held.end_unnamed(unnamed, Outcome::done);
  const StatementRef own = statement("own");
  hold(held, own);
  held.parse_again_all_but(own);
  CHECK(held.find(own, 1) == Presence::present);
  CHECK(held.find(s, 1) == Presence::absent);
  CHECK(held.is_doubtful(s));
  CHECK(held.find_unnamed(unnamed, 1) == Presence::absent);
  CHECK_FALSE(held.in_doubt());
  held.begin_close(s, 1);
  held.begin_parse(s, 1);
  held.end_close(s, Outcome::done);
  held.end_parse(s, Outcome::done);
  CHECK(held.find(s, 2) == Presence::present);
}

TEST_CASE(
    "what a client has parsed elsewhere is outdated here, and once in a hundred milliseconds is enough") {
  const TimePoint start = TimePoint() + 1h;
  const auto lately = BackendStatements::parse_age_max;
  BackendStatements here(10);
  BackendStatements there(10);
  const StatementRef s = statement("a");
  for (BackendStatements* each : {&here, &there}) {
    hold(*each, s);
    each->describe(s, BackendStatements::Description::same);
  }
  CHECK_FALSE(here.is_outdated(s));
  hold(there, s);
  there.note_client_parse(s, start);
  CHECK(here.is_outdated(s));
  CHECK_FALSE(here.use_as_told(s, 0, 7));
  CHECK_FALSE(there.is_outdated(s));
  SECTION("parsed again it is as good as there") {
    hold(here, s);
    here.describe(s, BackendStatements::Description::same);
    CHECK_FALSE(here.is_outdated(s));
    CHECK(here.use_as_told(s, 0, 7));
    there.note_answered_parse(s, start + lately);
    CHECK_FALSE(here.is_outdated(s));
    there.note_answered_parse(s, start + lately + 1ms);
    CHECK(here.is_outdated(s));
    CHECK_FALSE(there.is_outdated(s));
  }
  SECTION("under settings that are not certain nobody knows what was found") {
    hold(here, s);
    here.note_client_parse(s, {});
    CHECK_FALSE(here.is_outdated(s));
    CHECK_FALSE(there.is_outdated(s));
  }
}
