#include "proxy/report/liveness.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

const TimePoint at_noon{1h};

}  // namespace

TEST_CASE("a process lives while all of its workers turn") {
  const Liveness liveness =
      judge_liveness({at_noon, at_noon - 50ms, at_noon - worker_stuck_after + 1ms}, at_noon);
  CHECK(liveness.alive);
  CHECK(liveness.text == "ok\n");
}

TEST_CASE("one worker that does not turn is enough, and is named") {
  const Liveness liveness = judge_liveness({at_noon, at_noon - 42s, at_noon - worker_stuck_after}, at_noon);
  CHECK_FALSE(liveness.alive);
  CHECK(liveness.text == "worker 1 has been stuck for 42 s\nworker 2 has been stuck for 5 s\n");
}

TEST_CASE("a worker that has turned after the question was begun lives") {
  CHECK(judge_liveness({at_noon + 1s}, at_noon).alive);
}
