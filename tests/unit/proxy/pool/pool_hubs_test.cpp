#include "proxy/pool/pool_hubs.hpp"

#include <catch2/catch.hpp>

#include "quiet_pool.hpp"

using namespace pgweir;
using testing::QuietPool;

TEST_CASE("clients with the same client_encoding share a hub") {
  QuietPool pool;
  CHECK(pool.core->hubs.all().empty());
  const auto utf8 = pool.hub("UTF8");
  REQUIRE(utf8);
  CHECK(pool.hub("UTF8") == utf8);
  CHECK(pool.hub("LATIN1") != utf8);
  CHECK(pool.core->hubs.all().size() == 2);
}

TEST_CASE("when another server is meant who listens gets another hub") {
  QuietPool pool;
  const auto before = pool.hub("UTF8");
  pool.core->hubs.retire();
  CHECK(pool.core->hubs.all().empty());
  const auto after = pool.hub("UTF8");
  CHECK(after);
  CHECK(after != before);
}

TEST_CASE("a pool that is gone makes no hub any more") {
  QuietPool pool;
  CHECK(pool.hub("UTF8"));
  pool.core->hubs.close();
  CHECK(pool.core->hubs.all().empty());
  CHECK_FALSE(pool.hub("UTF8"));
  CHECK_FALSE(pool.hub("LATIN1"));
}
