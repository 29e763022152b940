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
  const SettingsStep step = portals.run("p", true);
  REQUIRE(step.size() == 1);
  CHECK(step[0].name == "a.b");
  CHECK(portals.run("p", true).empty());
  CHECK(portals.run("q", true).size() == 1);
  CHECK(portals.empty());
}

TEST_CASE("a portal that is run in parts may do again what it did") {
  Portals portals;
  REQUIRE(portals.keep(Portals::Step{"p", sets("a.b")}));
  CHECK(portals.run("p", false)[0].kind == Kind::set);
  const SettingsStep again = portals.run("p", false);
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
  const SettingsStep doubts = portals.take_doubts();
  REQUIRE(doubts.size() == 3);
  CHECK(doubts[0].name == "a.b");
  CHECK(doubts[1].name.empty());
  CHECK(doubts[2].name.empty());
  const std::vector<StatementRef> kept = portals.take_sets();
  REQUIRE(kept.size() == 1);
  CHECK(kept[0]->text == "set c.d = 1");
  CHECK(portals.find("r") == nullptr);
  CHECK(portals.find("s") != nullptr);  // its tag still tells
  CHECK(portals.take_sets().empty());
}

TEST_CASE("another statement takes a portal's place, and there is a limit") {
  Portals portals;
  REQUIRE(portals.keep(Portals::Bound{"p", statement("set a.b = 1")}));
  REQUIRE(portals.keep(Portals::Bound{"p", statement("set c.d = 1")}));
  CHECK(portals.find("p")->statement->text == "set c.d = 1");
  portals.unfollowed = "p";
  portals.forget("p");
  CHECK(portals.find("p") == nullptr);
  CHECK_FALSE(portals.unfollowed);
  for (std::size_t i = 0; i < Portals::portals_max; ++i)
    REQUIRE(portals.keep(Portals::Step{std::to_string(i), sets("a.b")}));
  CHECK_FALSE(portals.keep(Portals::Step{"more", sets("a.b")}));
  portals.end();
  CHECK(portals.empty());
}
