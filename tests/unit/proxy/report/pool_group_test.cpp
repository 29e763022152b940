#include "proxy/report/pool_group.hpp"

#include <catch2/catch.hpp>

#include "../pool/quiet_pool.hpp"
#include "proxy/pool/pool_registry.hpp"

using namespace pgweir;
using testing::QuietPool;

namespace {

// All pools of a process that is reloaded.
struct Reloaded : QuietPool {
  // Whether the file has the user.
  void reload(bool has_anna) {
    auto all = std::make_shared<config::Settings>();
    config::Database database;
    database.name = "app";
    database.host = "db";
    database.pool.min_size = 0;  // nothing is opened
    all->databases.emplace("app", database);
    if (has_anna) all->users.emplace("anna", config::User{"anna", config::Secret("first")});
    registry.apply(make_snapshot(std::move(all), nullptr));
  }
  std::shared_ptr<Pool> anna() { return registry.find("app", "anna"); }
  std::vector<PoolGroup> groups() { return group_pools(registry.all()); }
  std::uint64_t queries() {
    std::uint64_t total = 0;
    for (const PoolGroup& each : groups()) {
      for (const auto& counters : each.counters()) total += counters->queries.get();
    }
    return total;
  }

  PoolRegistry registry{context};
};

}  // namespace

TEST_CASE("a pool that comes back while clients of the removed one are there is one group with it") {
  Reloaded all;
  all.reload(true);
  const std::shared_ptr<Pool> before = all.anna();
  before->counters(all.worker()).clients.add();
  before->counters(all.worker()).queries.add(3);
  all.reload(false);
  REQUIRE(all.groups().size() == 1);
  CHECK(&all.groups()[0].current() == before.get());

  all.reload(true);
  const std::shared_ptr<Pool> after = all.anna();
  REQUIRE(after != before);
  after->counters(all.worker()).clients.add(2);
  after->counters(all.worker()).queries.add(4);
  REQUIRE(all.groups().size() == 1);
  CHECK(&all.groups()[0].current() == after.get());
  CHECK(all.groups()[0].facts().clients == 3);
  CHECK_FALSE(all.groups()[0].facts().retired);
  CHECK(all.queries() == 7);

  SECTION("and what is counted does not fall when they have left") {
    before->counters(all.worker()).clients.subtract();
    all.registry.maintain(all.worker());
    CHECK(all.registry.all().size() == 1);
    CHECK(all.groups()[0].facts().clients == 2);
    CHECK(all.queries() == 7);
  }
  SECTION("nor when that happens once more") {
    all.reload(false);
    all.reload(true);
    all.anna()->counters(all.worker()).queries.add();
    REQUIRE(all.groups().size() == 1);
    CHECK(all.groups()[0].facts().clients == 3);
    CHECK(all.queries() == 8);
  }
}

TEST_CASE("a pool that comes back when nobody is left of the removed one begins anew") {
  Reloaded all;
  all.reload(true);
  all.anna()->counters(all.worker()).queries.add(3);
  all.reload(false);
  CHECK(all.groups().empty());
  all.reload(true);
  CHECK(all.queries() == 0);
}

TEST_CASE("pools of different names are groups of their own") {
  Reloaded all;
  all.reload(true);
  const SnapshotRef snapshot = make_snapshot(std::make_shared<config::Settings>(), nullptr);
  config::Database database;
  database.host = "db";
  REQUIRE(all.registry.get(*snapshot, database, "app", config::User{"bert", config::Secret("x")}));
  CHECK(all.groups().size() == 2);
}
