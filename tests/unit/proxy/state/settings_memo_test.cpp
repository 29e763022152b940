#include "proxy/state/settings_memo.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("a remembered prelude is the one that would be made") {
  Interner interner;
  SettingsMemo memo(interner);
  const MapRef none = interner.intern({});
  const MapRef berlin = interner.intern({{"timezone", "Europe/Berlin"}, {"work_mem", "3MB"}});
  const MapRef owner = interner.intern({{"role", "owner"}});
  for (const MapRef& applied : {none, berlin, owner}) {
    for (const MapRef& desired : {none, berlin, owner}) {
      const Prelude expected = make_prelude(*applied, *desired);
      const std::shared_ptr<const Prelude> first = memo.prelude(applied, desired);
      CHECK(first->sql == expected.sql);
      CHECK(first->must_wait == expected.must_wait);
      CHECK(memo.prelude(applied, desired) == first);
    }
  }
}

TEST_CASE("a remembered change of a parameter is the map that would be made") {
  Interner interner;
  SettingsMemo memo(interner);
  const MapRef before = interner.intern({{"DateStyle", "ISO, MDY"}, {"TimeZone", "UTC"}});
  for (int i = 0; i < 2; ++i) {
    CHECK(memo.with(before, "TimeZone", "Asia/Tokyo") ==
          interner.intern({{"DateStyle", "ISO, MDY"}, {"TimeZone", "Asia/Tokyo"}}));
    CHECK(memo.with(before, "TimeZone", "UTC") == before);
    CHECK(memo.with(before, "in_hot_standby", "off") ==
          interner.intern({{"DateStyle", "ISO, MDY"}, {"TimeZone", "UTC"}, {"in_hot_standby", "off"}}));
    CHECK(memo.with(before, "DateStyle", "UTC") ==
          interner.intern({{"DateStyle", "UTC"}, {"TimeZone", "UTC"}}));
  }
}

TEST_CASE("names and values that meet differently are different changes") {
  Interner interner;
  SettingsMemo memo(interner);
  const MapRef none = interner.intern({});
  CHECK(memo.with(none, "ab", "c") == interner.intern({{"ab", "c"}}));
  CHECK(memo.with(none, "a", "bc") == interner.intern({{"a", "bc"}}));
}

TEST_CASE("what matters of a map is found in any order of maps") {
  Interner interner;
  SettingsMemo memo(interner);
  for (int i = 0; i < 3000; ++i) {
    const MapRef map =
        interner.intern({{"app.tenant", std::to_string(i)}, {"role", "r"}, {"search_path", "a"}});
    const MapRef other = interner.intern({{"timezone", std::to_string(i)}});
    CHECK(memo.analysis_settings(map) == interner.intern({{"role", "r"}, {"search_path", "a"}}));
    CHECK(memo.plan_settings(map) == interner.intern({{"role", "r"}}));
    CHECK(memo.plan_settings(other) == other);
    CHECK(memo.plan_settings(map) == interner.intern({{"role", "r"}}));
  }
}

// The address of a map that nobody holds may be that of another one a moment later.
TEST_CASE("what is remembered of a map stays true when only the memory holds it") {
  Interner interner;
  SettingsMemo memo(interner);
  const MapRef none = interner.intern({});
  for (int i = 0; i < 2000; ++i) {
    const std::string value = std::to_string(i);
    const MapRef map = interner.intern({{"app.tenant", value}});
    CHECK(memo.prelude(none, map)->sql == make_prelude({}, *map).sql);
    CHECK(memo.with(map, "TimeZone", value)->at("app.tenant") == value);
  }
  CHECK(memo.size() <= 2 * SettingsMemo::entries_max);
}

TEST_CASE("large settings are not kept for those who are gone") {
  Interner interner;
  SettingsMemo memo(interner);
  const MapRef none = interner.intern({});
  std::weak_ptr<const SettingMap> gone;
  {
    const MapRef large = interner.intern({{"app.text", std::string(SettingsMemo::text_max, 'x')}});
    gone = large;
    CHECK(memo.prelude(none, large)->sql == make_prelude({}, *large).sql);
    CHECK(memo.prelude(large, none)->sql == make_prelude(*large, {}).sql);
    CHECK(memo.with(large, "a", "b")->size() == 2);
  }
  CHECK(gone.expired());
  CHECK(memo.size() == 0);
}
