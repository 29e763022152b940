#include "proxy/login/login_failures.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

const TimePoint start{std::chrono::hours(1)};
const auto here = config::parse_address("10.0.0.1");
const auto there = config::parse_address("10.0.0.2");

}  // namespace

TEST_CASE("a few wrong passwords cost nothing, further ones cost more and more") {
  LoginFailures failures;
  for (unsigned i = 0; i < LoginFailures::free_failures; ++i)
    CHECK(failures.note("u", here, start, 3s) == 0ms);
  CHECK(failures.note("u", here, start, 3s) == 100ms);
  CHECK(failures.note("u", here, start, 3s) == 200ms);
  CHECK(failures.note("u", here, start, 3s) == 400ms);
  for (int i = 0; i < 100; ++i) failures.note("u", here, start, 3s);
  CHECK(failures.note("u", here, start, 3s) == 3s);
}

TEST_CASE("the longest delay is the operator's, and may be none") {
  LoginFailures failures;
  for (int i = 0; i < 20; ++i) CHECK(failures.note("u", here, start, 0ms) == 0ms);
  CHECK(failures.note("u", here, start, 1h) == 1h);
}

TEST_CASE("neither another user nor another address pays for it") {
  LoginFailures failures;
  for (int i = 0; i < 10; ++i) failures.note("u", here, start, 3s);
  CHECK(failures.note("v", here, start, 3s) == 0ms);
  CHECK(failures.note("u", there, start, 3s) == 0ms);
  CHECK(failures.note("u", std::nullopt, start, 3s) == 0ms);
  CHECK(failures.note("u", here, start, 3s) > 0ms);
}

TEST_CASE("it is forgotten when nothing happens for a while") {
  LoginFailures failures;
  for (int i = 0; i < 10; ++i) failures.note("u", here, start, 3s);
  CHECK(failures.note("u", here, start + LoginFailures::memory - 1ms, 3s) > 0ms);
  CHECK(failures.note("u", here, start + 3 * LoginFailures::memory, 3s) == 0ms);
}

TEST_CASE("so many users do not make it grow without end") {
  LoginFailures failures;
  for (std::size_t i = 0; i < 3 * LoginFailures::entries_max; ++i)
    failures.note("u" + std::to_string(i), here, start + std::chrono::milliseconds(i), 3s);
  for (int i = 0; i < 10; ++i) failures.note("u", here, start + 13s, 3s);
  CHECK(failures.note("u", here, start + 13s, 3s) > 0ms);
}
