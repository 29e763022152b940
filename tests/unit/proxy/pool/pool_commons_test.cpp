#include "proxy/pool/pool_commons.hpp"

#include <catch2/catch.hpp>

#include "quiet_pool.hpp"

using namespace pgweir;
using testing::QuietPool;

TEST_CASE("a client that one worker has counted and another has not is there all the same") {
  QuietPool pool(2);
  PoolCommons& commons = *pool.commons;
  REQUIRE(commons.all_counters().size() == 2);
  CHECK_FALSE(commons.has_clients());
  commons.counters(pool.worker(1)).clients.add();
  CHECK(commons.has_clients());
  commons.counters(pool.worker(1)).clients.subtract();
  CHECK_FALSE(commons.has_clients());
}

TEST_CASE("a backend is described with the names of its pool") {
  QuietPool pool;
  Backend& backend = pool.add_backend();
  backend.pid = 42;
  CHECK(backend.cancels.begin());
  const ServerFacts facts = pool.commons->facts_of(backend);
  CHECK(facts.database == "app");
  CHECK(facts.user == "anna");
  CHECK(facts.pid == 42);
  CHECK(facts.being_cancelled);
  CHECK_FALSE(facts.borrowed);
}
