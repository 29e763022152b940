#include "proxy/state/schema_version.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("all pools of one database see each other's DDL, and those of no other database do") {
  SchemaVersions versions;
  const std::shared_ptr<SchemaVersion> mine = versions.of("db", 5432, "app");
  const std::uint64_t before = mine->get();
  const std::shared_ptr<SchemaVersion> others[] = {
      versions.of("replica", 5432, "app"), versions.of("db", 5433, "app"), versions.of("db", 5432, "shop")};
  versions.of("db", 5432, "app")->change();
  CHECK(mine->get() != before);
  for (const auto& other : others) CHECK(other->get() == before);
}

TEST_CASE("databases that no pool uses any more are forgotten") {
  SchemaVersions versions;
  const std::weak_ptr<SchemaVersion> gone = versions.of("db", 5432, "app");
  CHECK(gone.expired());
  CHECK(versions.of("db", 5432, "app") != nullptr);
}

TEST_CASE("a schema is in doubt until all code that has run is judged") {
  const auto version = std::make_shared<SchemaVersion>();
  CHECK_FALSE(version->is_in_doubt());
  SchemaVersion::Doubt first = version->doubt();
  CHECK(first);
  SchemaVersion::Doubt second = version->doubt();
  SchemaVersion::Doubt moved = std::move(first);
  first.reset();
  second.reset();
  CHECK(version->is_in_doubt());
  moved.reset();
  CHECK_FALSE(version->is_in_doubt());
}

TEST_CASE("a doubt may outlive the pools of its database") {
  auto version = std::make_shared<SchemaVersion>();
  const std::weak_ptr<SchemaVersion> watched = version;
  SchemaVersion::Doubt doubt = version->doubt();
  version.reset();
  CHECK_FALSE(watched.expired());
  doubt.reset();
  CHECK(watched.expired());
}
