#include "proxy/pool/login_outcomes.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

const TimePoint failed_at = TimePoint() + 1h;
const ServerRefusal unreachable{"", "no route to host", false, BackendLoginResult::unreachable};
const ServerRefusal wrong_password{"28P01", "password authentication failed", true};

}  // namespace

TEST_CASE("a login that succeeds ends the trouble and the refusal, and is not forgotten by failures") {
  LoginOutcomes outcomes;
  CHECK(outcomes.record() == LoginRecord::untried);
  CHECK(outcomes.failed(wrong_password, 1, failed_at));
  CHECK(outcomes.record() == LoginRecord::failed);
  outcomes.succeeded();
  CHECK(outcomes.record() == LoginRecord::reached);
  CHECK_FALSE(outcomes.refusal());
  CHECK_FALSE(outcomes.trouble());
  CHECK(outcomes.failed(unreachable, 1, failed_at + 1s));
  CHECK(outcomes.record() == LoginRecord::reached);
}

TEST_CASE("the trouble with a server lasts from its first failed login, and is told as the last one was") {
  LoginOutcomes outcomes;
  CHECK(outcomes.failed(unreachable, 1, failed_at));
  CHECK(outcomes.failed(wrong_password, 2, failed_at + 1s));
  REQUIRE(outcomes.trouble());
  CHECK(outcomes.trouble()->since == failed_at);
  CHECK(outcomes.trouble()->last_try == failed_at + 1s);
  CHECK(outcomes.trouble()->result == BackendLoginResult::refused);
  CHECK(outcomes.trouble()->message == "password authentication failed");
}

TEST_CASE("only what trying again cannot help is a refusal, and it is kept for a while") {
  LoginOutcomes outcomes;
  CHECK(outcomes.failed(unreachable, 1, failed_at));
  CHECK_FALSE(outcomes.refusal());
  CHECK(outcomes.failed(wrong_password, 2, failed_at));
  // A failure of another kind does not take it back.
  CHECK_FALSE(outcomes.failed(unreachable, 3, failed_at + 1ms));
  REQUIRE(outcomes.refusal());
  CHECK(outcomes.refusal()->sqlstate == "28P01");
  outcomes.forget_old_refusal(failed_at + LoginOutcomes::refusal_age_max - 1ms);
  CHECK(outcomes.refusal());
  outcomes.forget_old_refusal(failed_at + LoginOutcomes::refusal_age_max);
  CHECK_FALSE(outcomes.refusal());
  CHECK(outcomes.trouble());
}

TEST_CASE("another password is worth another try, and another server has never been tried") {
  LoginOutcomes outcomes;
  outcomes.succeeded();
  CHECK(outcomes.failed(wrong_password, 1, failed_at));
  SECTION("the password that a client has proved ends the refusal") {
    outcomes.forget_refusal();
    CHECK_FALSE(outcomes.refusal());
    CHECK(outcomes.trouble());
  }
  SECTION("another password ends the trouble, too") {
    outcomes.other_password();
    CHECK_FALSE(outcomes.refusal());
    CHECK_FALSE(outcomes.trouble());
    CHECK(outcomes.record() == LoginRecord::reached);
  }
  SECTION("another server") {
    outcomes.other_server();
    CHECK_FALSE(outcomes.refusal());
    CHECK_FALSE(outcomes.trouble());
    CHECK(outcomes.record() == LoginRecord::untried);
  }
}

TEST_CASE("we refuse for a reason of ours, of which the server has said nothing") {
  LoginOutcomes outcomes;
  outcomes.refuse({"", "no longer configured", true});
  REQUIRE(outcomes.refusal());
  CHECK(outcomes.refusal()->message == "no longer configured");
  CHECK_FALSE(outcomes.trouble());
  CHECK(outcomes.record() == LoginRecord::untried);
}
