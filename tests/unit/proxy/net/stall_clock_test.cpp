#include "proxy/net/stall_clock.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1h};

}  // namespace

TEST_CASE("a peer that takes nothing stalls for as long as that lasts") {
  StallClock clock;
  CHECK(clock.look(start, 1000) == 0s);
  CHECK(clock.look(start + 1s, 1000) == 1s);
  CHECK(clock.look(start + 61s, 1000) == 61s);
}

TEST_CASE("one byte taken starts the clock again") {
  StallClock clock;
  clock.look(start, 1000);
  CHECK(clock.look(start + 59s, 999) == 0s);
  CHECK(clock.look(start + 60s, 999) == 1s);
}

TEST_CASE("what is added for a peer starts the clock again, too") {
  StallClock clock;
  clock.look(start, 1000);
  CHECK(clock.look(start + 59s, 1001) == 0s);
}

TEST_CASE("a peer for which nothing waits does not stall") {
  StallClock clock;
  CHECK(clock.look(start, 0) == 0s);
  CHECK(clock.look(start + 60s, 0) == 0s);
  CHECK(clock.look(start + 61s, 5) == 0s);
}

TEST_CASE("after a stop the same amount is another wait") {
  StallClock clock;
  clock.look(start, 1000);
  clock.stop();
  CHECK(clock.look(start + 60s, 1000) == 0s);
  CHECK(clock.look(start + 62s, 1000) == 2s);
}
