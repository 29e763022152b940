#include "proxy/state/portals.hpp"

#include <catch2/catch.hpp>

#include "proxy/pool/statement_cache.hpp"

using namespace pgweir;

namespace {

using Kind = SettingsItem::Kind;

StatementRef statement(const char* text) {
  return make_unnamed(text, {});
}

SettingsStep sets(const char* name) {
  return {{.kind = Kind::set, .name = name, .value = "1"}};
}

}  // namespace

TEST_CASE("a portal that is run to its end does nothing more") {
  Portals portals;
  REQUIRE(portals.keep(Portals::Step{"p", sets("a.b")}));
  REQUIRE(portals.keep(Portals::Step{"q", sets("c.d")}));
  const SettingsStep step = portals.run("p", true).step;
  REQUIRE(step.size() == 1);
  CHECK(step[0].name == "a.b");
  CHECK(portals.run("p", true).step.empty());
  CHECK(portals.run("q", true).step.size() == 1);
  CHECK(portals.empty());
}

TEST_CASE("a portal that is run in parts may do again what it did") {
  Portals portals;
  REQUIRE(portals.keep(Portals::Step{"p", sets("a.b")}));
  CHECK(portals.run("p", false).step[0].kind == Kind::set);
  const SettingsStep again = portals.run("p", false).step;
  REQUIRE(again.size() == 1);
  CHECK(again[0].kind == Kind::doubt);
  CHECK(again[0].name == "a.b");
}

TEST_CASE("what a kept portal does is in doubt, by its name where that is known") {
  Portals portals;
  REQUIRE(portals.keep(Portals::Step{"p", sets("a.b")}));
  REQUIRE(portals.keep(Portals::Step{"q", {{.kind = Kind::rollback}}}));
  REQUIRE(portals.keep(Portals::Bound{"r", statement("set c.d = 1")}));
  REQUIRE(portals.keep(Portals::Bound{"s", statement("discard all")}));
  const Portals::Doubts doubts = portals.take_doubts();
  REQUIRE(doubts.steps.size() == 3);
  CHECK(doubts.steps[0].name == "a.b");
  CHECK(doubts.steps[1].name.empty());
  CHECK(doubts.steps[2].name.empty());
  REQUIRE(doubts.sets.size() == 1);
  CHECK(doubts.sets[0]->text == "set c.d = 1");
  CHECK(portals.take_doubts().sets.empty());
  CHECK_FALSE(portals.run("r", true).bound.statement);
  CHECK(portals.run("s", true).bound.statement);  // its tag still tells
}

TEST_CASE("another statement takes a portal's place, and there is a limit") {
  Portals portals;
  REQUIRE(portals.keep(Portals::Bound{"p", statement("set a.b = 1")}));
  REQUIRE(portals.keep(Portals::Bound{"p", statement("set c.d = 1")}));
  portals.leave_unfollowed("p");
  CHECK(portals.may_be_unfollowed("p"));
  CHECK_FALSE(portals.may_be_unfollowed("q"));
  const StatementRef bound = portals.run("p", true).bound.statement;
  REQUIRE(bound);
  CHECK(bound->text == "set c.d = 1");
  REQUIRE(portals.keep(Portals::Bound{"p", statement("set a.b = 1")}));
  portals.forget("p");
  CHECK(portals.is_unused());
  for (std::size_t i = 0; i < Portals::portals_max; ++i)
    REQUIRE(portals.keep(Portals::Step{std::to_string(i), sets("a.b")}));
  CHECK_FALSE(portals.keep(Portals::Step{"more", sets("a.b")}));
  portals.end();
  CHECK(portals.empty());
}

TEST_CASE("each portal of a statement that was not described tells about it once") {
  Portals portals;
  CHECK_FALSE(portals.note_bound("one", "s", false));
  CHECK_FALSE(portals.note_bound("two", "t", false));
  CHECK_FALSE(portals.note_bound("three", "u", true));
  CHECK(portals.note_described("one") == "s");
  CHECK_FALSE(portals.note_described("one"));
  CHECK(portals.note_described("two") == "t");
  CHECK_FALSE(portals.note_described("three"));
  CHECK_FALSE(portals.note_described("four"));
  SECTION("what is bound again is another statement's") {
    portals.note_bound("one", "v", false);
    portals.note_bound("two", "w", false);
    portals.note_bound("one", "x", false);
    CHECK(portals.note_described("one") == "x");
    CHECK(portals.note_described("two") == "w");
  }
  SECTION("a transaction ends all but the last") {
    portals.note_bound("one", "v", false);
    portals.note_bound("two", "w", false);
    portals.end();
    CHECK_FALSE(portals.note_described("one"));
  }
}

TEST_CASE("with too many portals the oldest one's statement counts as described") {
  Portals portals;
  for (std::size_t i = 0; i <= Portals::portals_max; ++i)
    CHECK_FALSE(portals.note_bound("p" + std::to_string(i), "s" + std::to_string(i), false));
  CHECK(portals.note_bound("next", "s", false) == "s0");
  CHECK_FALSE(portals.note_described("p0"));
  CHECK(portals.note_described("p1") == "s1");
}
