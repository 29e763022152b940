#include "proxy/login/known_logins.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

using namespace pgweir;

namespace {

MapRef map_of(SettingMap map) {
  return std::make_shared<const SettingMap>(std::move(map));
}

const MapRef none = map_of({});

}  // namespace

TEST_CASE("a client without settings of its own is told what a fresh backend reports") {
  KnownLogins logins(none);
  CHECK(logins.parameters(none) == nullptr);
  const MapRef reported = map_of({{"server_version", "15.1"}});
  logins.use_baseline(reported);
  CHECK(logins.baseline() == reported);
  CHECK(logins.parameters(none) == reported);
}

TEST_CASE("what was found out is forgotten with its reason") {
  KnownLogins logins(none);
  const MapRef startup = map_of({{"timezone", "UTC"}});
  const MapRef told = map_of({{"TimeZone", "UTC"}});
  const SettingMap sent = {{"application_name", "a"}, {"timezone", "UTC"}};
  logins.use_baseline(map_of({{"server_version", "15.1"}}));
  logins.remember(logins.epoch(), startup, told);
  logins.remember(logins.epoch(), sent, {startup, told});
  CHECK(logins.parameters(startup) == told);
  REQUIRE(logins.greeting(sent));
  CHECK(logins.greeting(sent)->parameters == told);
  CHECK_FALSE(logins.greeting({{"application_name", "b"}, {"timezone", "UTC"}}));

  SECTION("the same baseline again changes nothing") {
    logins.use_baseline(map_of({{"server_version", "15.1"}}));
    CHECK(logins.greeting(sent));
    CHECK(logins.parameters(startup) == told);
    return;
  }
  SECTION("another baseline") {
    logins.use_baseline(map_of({{"server_version", "15.2"}}));
  }
  SECTION("new defaults of the database or role") {
    logins.forget();
    CHECK(logins.baseline() != nullptr);
    CHECK(logins.parameters(none) == nullptr);
    CHECK(logins.parameters(none, true) == logins.baseline());
    logins.remember(logins.epoch(), sent, {startup, told});
  }
  SECTION("another server") {
    logins.forget_all();
    CHECK(logins.baseline() == nullptr);
  }
  CHECK_FALSE(logins.greeting(sent));
  CHECK(logins.parameters(startup) == nullptr);
}

TEST_CASE("what was found out before a clearing is not remembered after it") {
  KnownLogins logins(none);
  logins.use_baseline(map_of({{"server_version", "15.1"}}));
  const std::uint64_t before = logins.epoch();
  logins.forget();
  const MapRef startup = map_of({{"timezone", "UTC"}});
  const SettingMap sent = {{"timezone", "UTC"}};
  logins.remember(before, startup, map_of({{"TimeZone", "UTC"}}));
  logins.remember(before, sent, {startup, startup});
  CHECK(logins.parameters(startup) == nullptr);
  CHECK_FALSE(logins.greeting(sent));
}

TEST_CASE("the number of remembered logins is limited") {
  KnownLogins logins(none);
  logins.use_baseline(map_of({{"server_version", "15.1"}}));
  const SettingMap first = {{"application_name", "0"}};
  for (std::size_t i = 0; i < KnownLogins::entries_max; ++i)
    logins.remember(logins.epoch(), {{"application_name", std::to_string(i)}}, {none, none});
  CHECK(logins.greeting(first));
  logins.remember(logins.epoch(), {{"application_name", "one more"}}, {none, none});
  CHECK_FALSE(logins.greeting(first));
}
