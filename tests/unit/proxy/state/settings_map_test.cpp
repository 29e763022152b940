#include "proxy/state/settings_map.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("equal maps are one object for as long as somebody holds it") {
  Interner interner;
  const MapRef a = interner.intern({{"work_mem", "3MB"}});
  CHECK(interner.intern({{"work_mem", "3MB"}}) == a);
  CHECK(interner.intern({{"work_mem", "4MB"}}) != a);
  CHECK(same(a, std::make_shared<const SettingMap>(*a)));
  CHECK_FALSE(same(a, interner.intern({})));
}

TEST_CASE("the interner forgets thousands of maps that nobody holds and keeps those that are held") {
  Interner interner;
  const MapRef kept = interner.intern({{"k", "kept"}});
  std::weak_ptr<const SettingMap> gone;
  for (int i = 0; i < 5000; ++i) gone = interner.intern({{"k", std::to_string(i)}});
  CHECK(gone.expired());
  CHECK(interner.intern({{"k", "kept"}}) == kept);
}
