#include "proxy/dashboard/history.hpp"

#include <catch2/catch.hpp>

#include "facts.hpp"

namespace pgweir {
namespace {

using namespace std::chrono_literals;

const TimePoint start = TimePoint{} + 1h;

// One sample after the other, as the server takes them.
class Driver {
 public:
  void step(const std::vector<PoolFacts>& pools, std::chrono::milliseconds time = History::interval) {
    history.observe(pools, now);
    now += time;
  }
  const PoolHistory& of(const PoolFacts& pool) const {
    const PoolHistory* const found = history.find(pool);
    REQUIRE(found != nullptr);
    return *found;
  }

  History history;
  TimePoint now = start;
};

TEST_CASE("a point is what happened between two samples") {
  Driver driver;
  PoolFacts pool = pool_facts();
  driver.step({pool});
  CHECK(driver.of(pool).points().empty());
  pool.totals.queries = 100;
  pool.totals.transactions = 40;
  pool.durations.query = durations(1ms, 100);
  driver.step({pool});
  REQUIRE(driver.of(pool).points().size() == 1);
  const HistoryPoint& point = driver.of(pool).points().back();
  CHECK(point.queries == 50);
  CHECK(point.transactions == 20);
  CHECK(point.query_p95.value() == Approx(1e-3).epsilon(0.1));
  CHECK_FALSE(point.wait_p95);
}

TEST_CASE("between two samples the highest counts are remembered, and no point is made") {
  Driver driver;
  PoolFacts pool = pool_facts();
  driver.step({pool}, 1s);
  const std::uint64_t sequence = driver.history.sequence();
  pool.counts.waiting = 7;
  pool.counts.borrowed = 20;
  driver.step({pool}, 1s);
  CHECK(driver.history.sequence() == sequence);
  pool.counts.waiting = 0;
  pool.counts.borrowed = 1;
  driver.step({pool}, 2s);
  CHECK(driver.history.sequence() == sequence + 1);
  CHECK(driver.of(pool).points().back().waiting == 7);
  CHECK(driver.of(pool).points().back().borrowed == 20);
  driver.step({pool});
  CHECK(driver.of(pool).points().back().waiting == 0);
}

TEST_CASE("the ring keeps the newest points, and no more than it may") {
  Driver driver;
  PoolFacts pool = pool_facts();
  for (std::size_t i = 0; i < History::points_max + 50; ++i) {
    pool.counts.waiting = i;
    driver.step({pool});
  }
  const auto& points = driver.of(pool).points();
  CHECK(points.size() == History::points_max);
  CHECK(points.front().waiting == 50);
  CHECK(points.back().waiting == History::points_max + 49);
}

TEST_CASE("what is older than a minute counts for no percentile") {
  Driver driver;
  PoolFacts pool = pool_facts();
  driver.step({pool});
  pool.durations.query = durations(10s, 5);
  pool.totals.queries = 5;
  driver.step({pool});
  CHECK(driver.of(pool).last_minute().query.total() == 5);
  CHECK(driver.of(pool).had_queries());
  for (std::size_t i = 0; i < History::latency_intervals - 1; ++i) driver.step({pool});
  CHECK(driver.of(pool).last_minute().query.total() == 5);
  driver.step({pool});
  CHECK(driver.of(pool).last_minute().query.total() == 0);
  CHECK_FALSE(driver.of(pool).had_queries());
}

TEST_CASE("rates are of the last ten seconds, also when a sample came late") {
  Driver driver;
  PoolFacts pool = pool_facts();
  CHECK_FALSE(PoolHistory{}.queries_per_second());
  pool.totals.queries = 1'000'000;
  driver.step({pool});
  CHECK_FALSE(driver.of(pool).queries_per_second());
  for (int i = 0; i < 5; ++i) {
    pool.totals.queries += 20;
    driver.step({pool}, i == 3 ? 4s : 2s);
  }
  CHECK(driver.of(pool).queries_per_second().value() == Approx(100.0 / 12));
}

TEST_CASE("a pool that is no longer there takes its history with it, a retired one has none") {
  Driver driver;
  PoolFacts pool = pool_facts();
  driver.step({pool});
  CHECK(driver.history.find(pool) != nullptr);
  PoolFacts retired = pool;
  retired.retired = true;
  CHECK(driver.history.find(retired) == nullptr);
  driver.step({retired});
  CHECK(driver.history.pools().empty());
}

TEST_CASE("a pool with clients takes the place of one that has been without them") {
  Driver driver;
  std::vector<PoolFacts> pools;
  for (std::size_t i = 0; i < History::pools_max; ++i) {
    pools.push_back(pool_facts("database" + std::to_string(i)));
    pools.back().clients = i == 3 ? 0 : 1;
  }
  driver.step(pools);
  driver.step(pools);
  PoolFacts newcomer = pool_facts("newcomer");
  pools.push_back(newcomer);
  driver.step(pools);
  CHECK(driver.history.find(newcomer) == nullptr);
  pools.back().clients = 1;
  driver.step(pools);
  CHECK(driver.history.find(newcomer) != nullptr);
  CHECK(driver.history.find(pools[3]) == nullptr);
  CHECK(driver.history.pools().size() == History::pools_max);
}

TEST_CASE("as long as all have clients, nobody loses a place") {
  Driver driver;
  std::vector<PoolFacts> pools;
  for (std::size_t i = 0; i < History::pools_max + 1; ++i) {
    pools.push_back(pool_facts("database" + std::to_string(i)));
    pools.back().clients = 1;
  }
  for (int i = 0; i < 4; ++i) driver.step(pools);
  CHECK(driver.of(pools.front()).points().size() == 3);
  CHECK(driver.history.find(pools.back()) == nullptr);
}

}  // namespace
}  // namespace pgweir
