#include "proxy/backend/role_standing.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace pgweir;
using namespace std::chrono_literals;
using Kind = RoleAnswer::Kind;

namespace {

constexpr std::chrono::milliseconds interval = 60s;

struct Standing : RoleStanding {
  void learn(const RoleAnswer& answer, TimePoint at) {
    begin(at);
    take(answer);
  }
};

const TimePoint start = TimePoint() + 1h;

}  // namespace

TEST_CASE("a role of which nothing is known may log in, and is asked about at once") {
  Standing standing;
  CHECK(standing.verdict(start, true) == RoleVerdict::may);
  CHECK(standing.is_due(start, interval));
  CHECK_FALSE(standing.is_due(start, 0ms));
}

TEST_CASE("the moment at which the password expires is kept, and only passwords expire") {
  Standing standing;
  standing.learn({Kind::may, 10.0}, start);
  CHECK(standing.verdict(start + 9s, true) == RoleVerdict::may);
  CHECK(standing.verdict(start + 10s, true) == RoleVerdict::expired);
  CHECK(standing.verdict(start + 10s, false) == RoleVerdict::may);
}

TEST_CASE("moments that have no end, or are out of any range, are no trouble") {
  const double left =
      GENERATE(1e9, 1e300, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN());
  Standing standing;
  standing.learn({Kind::may, left}, start);
  CHECK(standing.verdict(start + 24h, true) == RoleVerdict::may);
  standing.learn({Kind::may, -std::numeric_limits<double>::infinity()}, start);
  CHECK(standing.verdict(start, true) == RoleVerdict::expired);
}

TEST_CASE("one question at a time, again after the interval, and soon where it keeps clients out") {
  Standing standing;
  standing.begin(start);
  CHECK_FALSE(standing.is_due(start + 2 * interval, interval));
  standing.take({Kind::may});
  CHECK_FALSE(standing.is_due(start + interval - 1ms, interval));
  CHECK(standing.is_due(start + interval, interval));
  standing.learn({Kind::no_login}, start);
  CHECK_FALSE(standing.is_due(start + RoleStanding::bad_news_interval - 1ms, interval));
  CHECK(standing.is_due(start + RoleStanding::bad_news_interval, interval));
}

TEST_CASE("a question that was not answered changes nothing that was known") {
  Standing standing;
  const auto [answer, verdict] = GENERATE(std::pair{RoleAnswer{Kind::may, -1.0}, RoleVerdict::expired},
                                          std::pair{RoleAnswer{Kind::gone}, RoleVerdict::gone},
                                          std::pair{RoleAnswer{Kind::no_login}, RoleVerdict::no_login});
  standing.learn(answer, start);
  standing.learn({}, start + 1s);
  CHECK(standing.verdict(start + 1s, true) == verdict);
  standing.learn({Kind::may}, start + 2s);
  CHECK(standing.verdict(start + 2s, true) == RoleVerdict::may);
}

TEST_CASE("a login by the password shows that it is good again, any other only that the role may log in") {
  Standing standing;
  standing.learn({Kind::may, -1.0}, start);
  standing.logged_in(start, false);
  CHECK(standing.verdict(start, true) == RoleVerdict::expired);
  standing.logged_in(start, true);
  CHECK(standing.verdict(start, true) == RoleVerdict::may);
  CHECK(standing.is_due(start, interval));
  standing.learn({Kind::no_login}, start);
  standing.logged_in(start, false);
  CHECK(standing.verdict(start, true) == RoleVerdict::may);
}

TEST_CASE("a login does not put off what is known to come") {
  Standing standing;
  standing.learn({Kind::may, 10.0}, start);
  standing.logged_in(start + 1s, true);
  CHECK(standing.verdict(start + 10s, true) == RoleVerdict::expired);
  CHECK_FALSE(standing.is_due(start + 1s, interval));
}

TEST_CASE("an answer about the role that was is not taken for the one that is") {
  Standing standing;
  standing.begin(start);
  standing.forget();
  standing.take({Kind::gone});
  CHECK(standing.verdict(start, true) == RoleVerdict::may);
  CHECK(standing.is_due(start, interval));
}
