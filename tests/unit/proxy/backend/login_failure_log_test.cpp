#include "proxy/backend/login_failure_log.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

// When lines are written in an outage with a failed login every so often.
std::vector<std::chrono::milliseconds> lines_of(std::chrono::milliseconds every,
                                                std::chrono::milliseconds outage) {
  const TimePoint begun{1h};
  LoginFailureLog log;
  std::vector<std::chrono::milliseconds> lines;
  unsigned failures = 0;
  for (auto at = 0ms; at < outage; at += every) {
    if (log.wants_line(++failures, begun + at)) lines.push_back(at);
  }
  return lines;
}

}  // namespace

TEST_CASE("the first failures of an outage are told one by one, then ever fewer") {
  CHECK(lines_of(400ms, 20s) ==
        std::vector<std::chrono::milliseconds>{0ms, 400ms, 1200ms, 2800ms, 6s, 12400ms});
}

TEST_CASE("every minute of an outage has a line, and no long outage fills a disk") {
  // As often as login_backoff_max lets them, and as seldom as a silent server and its connect_timeout do.
  const auto every = GENERATE(100ms, 400ms, 5'400ms, 29'000ms);
  const auto lines = lines_of(every, 6h);
  for (std::size_t i = 1; i < lines.size(); ++i) CHECK(lines[i] - lines[i - 1] <= 30s + every);
  CHECK(lines.size() <= 6 * 60 * 2 + 20);
  CHECK(lines.back() > 6h - 60s);
}

TEST_CASE("the next outage begins anew") {
  LoginFailureLog log;
  CHECK(log.wants_line(1, TimePoint{1h}));
  CHECK(log.wants_line(1, TimePoint{1h + 1s}));
  CHECK_FALSE(log.wants_line(3, TimePoint{1h + 2s}));
}
