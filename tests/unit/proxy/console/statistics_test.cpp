#include "proxy/console/statistics.hpp"

#include <catch2/catch.hpp>

#include "proxy/console/aliases.hpp"

namespace pgweir {
namespace {

using namespace std::chrono_literals;

PoolFacts pool(std::string database, std::uint64_t queries, std::uint64_t query_us) {
  PoolFacts facts;
  facts.database = std::move(database);
  facts.totals.queries = queries;
  facts.totals.query_us = query_us;
  return facts;
}

TEST_CASE("totals of a database are those of all its pools") {
  const TimePoint start{};
  Statistics statistics(start);
  statistics.observe({pool("app", 3, 30), pool("app", 4, 40), pool("other", 1, 1)}, start + 1s);
  CHECK(statistics.totals().at("app").queries == 7);
  CHECK(statistics.totals().at("other").queries == 1);
}

TEST_CASE("averages are of the last whole period, and of what there is before one is over") {
  const TimePoint start{};
  Statistics statistics(start);
  statistics.observe({pool("app", 100, 0)}, start + 10s);
  CHECK(statistics.average("app", start + 10s).totals.queries == 100);
  CHECK(statistics.average("app", start + 10s).seconds == 10);
  statistics.observe({pool("app", 600, 0)}, start + 60s);
  statistics.observe({pool("app", 9'000, 0)}, start + 70s);
  CHECK(statistics.average("app", start + 70s).totals.queries == 600);
  CHECK(statistics.average("app", start + 70s).seconds == 60);
  statistics.observe({pool("app", 9'600, 0)}, start + 120s);
  CHECK(statistics.average("app", start + 121s).totals.queries == 9'000);
  CHECK(statistics.average("nothing", start + 121s).totals.queries == 0);
}

TEST_CASE("a pool that goes makes no average negative") {
  const TimePoint start{};
  Statistics statistics(start);
  statistics.observe({pool("app", 500, 0)}, start + 60s);
  statistics.observe({pool("app", 10, 0)}, start + 120s);
  CHECK(statistics.average("app", start + 120s).totals.queries == 10);
}

TEST_CASE("durations are whole seconds by PgBouncer's names") {
  const Alias* const wait = find_alias("query_wait_timeout");
  REQUIRE(wait != nullptr);
  CHECK(to_pgbouncer(*wait, "2m") == "120");
  CHECK(from_pgbouncer(*wait, "90") == "90s");
  CHECK(from_pgbouncer(*wait, "90ms") == "90ms");
  const Alias* const size = find_alias("default_pool_size");
  REQUIRE(size != nullptr);
  CHECK(from_pgbouncer(*size, "30") == "30");
  CHECK(find_alias("pool.max_size") == nullptr);
}

TEST_CASE("an address and its port come apart") {
  CHECK(endpoint_of("10.0.0.5:41234").address == "10.0.0.5");
  CHECK(endpoint_of("10.0.0.5:41234").port == 41234);
  CHECK(endpoint_of("::1:6432").address == "::1");
  CHECK(endpoint_of("unknown").port == 0);
}

}  // namespace
}  // namespace pgweir
