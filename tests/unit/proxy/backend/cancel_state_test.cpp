#include "proxy/backend/cancel_state.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("one cancel request at a time is on its way to a backend") {
  CancelState cancels;
  CHECK_FALSE(cancels.in_flight());
  CHECK(cancels.begin());
  CHECK(cancels.in_flight());
  CHECK_FALSE(cancels.begin());
  CHECK_FALSE(cancels.end(true));
  CHECK_FALSE(cancels.in_flight());
  CHECK(cancels.begin());
}

TEST_CASE(
    "a backend that is given back while a cancel request is on its way is held back until that has ended") {
  CancelState cancels;
  CHECK_FALSE(cancels.hold_back());
  REQUIRE(cancels.begin());
  CHECK(cancels.hold_back());
  CHECK(cancels.in_flight());
  CHECK_FALSE(cancels.begin());
  CHECK(cancels.end(true));
  CHECK_FALSE(cancels.hold_back());
}

TEST_CASE("a cancel request that was not delivered for certain leaves a doubt that no later one takes away") {
  CancelState cancels;
  REQUIRE(cancels.begin());
  CHECK_FALSE(cancels.end(false));
  CHECK(cancels.in_doubt());
  CHECK_FALSE(cancels.in_flight());
  REQUIRE(cancels.begin());
  CHECK(cancels.hold_back());
  CHECK(cancels.end(true));
  CHECK(cancels.in_doubt());
}
