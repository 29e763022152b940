#include "proxy/pool/pass_through.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

const TimePoint begun_at = TimePoint() + 1h;
constexpr std::chrono::milliseconds recheck = 60s;
constexpr PasswordDigest right_one{1};
constexpr PasswordDigest other_one{2};

}  // namespace

TEST_CASE("a password is known from the moment when the server has taken it, and only for a while") {
  PassThrough passing;
  CHECK_FALSE(passing.knows(right_one, begun_at, recheck));
  passing.proved(right_one, begun_at);
  CHECK(passing.knows(right_one, begun_at + recheck - 1ms, recheck));
  CHECK_FALSE(passing.knows(right_one, begun_at + recheck, recheck));
  CHECK_FALSE(passing.knows(other_one, begun_at, recheck));
}

TEST_CASE("a login of the pool's own makes its password fresh again, but none that is not known") {
  PassThrough passing;
  passing.renew(begun_at);
  CHECK_FALSE(passing.knows(right_one, begun_at, recheck));
  passing.proved(right_one, begun_at);
  passing.renew(begun_at + recheck);
  CHECK(passing.knows(right_one, begun_at + recheck, recheck));
}

TEST_CASE("a refused password is forgotten if it is the known one; another one says nothing about that") {
  PassThrough passing;
  passing.proved(right_one, begun_at);
  passing.refused(other_one);
  CHECK(passing.knows(right_one, begun_at, recheck));
  passing.refused(right_one);
  CHECK_FALSE(passing.knows(right_one, begun_at, recheck));
}

TEST_CASE("a password that has changed takes the place of the old one") {
  PassThrough passing;
  passing.proved(right_one, begun_at);
  passing.proved(other_one, begun_at);
  CHECK(passing.knows(other_one, begun_at, recheck));
  CHECK_FALSE(passing.knows(right_one, begun_at, recheck));
}

TEST_CASE("a pool is unused when it has had no client and no login for a while") {
  PassThrough passing;
  passing.begin(begun_at, 10s);
  CHECK_FALSE(passing.is_unused(begun_at + 9s, false));
  CHECK(passing.is_unused(begun_at + 10s, false));
  SECTION("clients use it for as long as they are there") {
    CHECK_FALSE(passing.is_unused(begun_at + 20s, true));
    CHECK_FALSE(passing.is_unused(begun_at + 29s, false));
    CHECK(passing.is_unused(begun_at + 30s, false));
  }
  SECTION("so does a password that is asked for and known, or proved") {
    passing.proved(right_one, begun_at + 20s);
    CHECK_FALSE(passing.is_unused(begun_at + 29s, false));
    CHECK(passing.knows(right_one, begun_at + 29s, recheck));
    CHECK_FALSE(passing.is_unused(begun_at + 38s, false));
    CHECK_FALSE(passing.knows(other_one, begun_at + 38s, recheck));
    CHECK(passing.is_unused(begun_at + 39s, false));
  }
}

TEST_CASE("the pool of a user who comes into the file stays, and what was proved is not looked at any more") {
  PassThrough passing;
  passing.begin(begun_at, 10s);
  passing.proved(right_one, begun_at);
  CHECK(passing.is_on());
  passing.end();
  CHECK_FALSE(passing.is_on());
  CHECK_FALSE(passing.knows(right_one, begun_at, recheck));
  CHECK_FALSE(passing.is_unused(begun_at + 1h, false));
}
