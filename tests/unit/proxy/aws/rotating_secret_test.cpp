#include "proxy/aws/rotating_secret.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace pgweir::aws;

namespace {

constexpr std::chrono::milliseconds grace = std::chrono::hours(1);
const Time start = std::chrono::system_clock::from_time_t(1'700'000'000);

SecretVersion version(const char* id, const char* user = "app", Time created = start) {
  return {id, user, config::Secret(std::string("password-") + id), created};
}

std::string ids(const UserSecret& secret) {
  std::string out;
  for (const SecretLogin& each : secret.accepted) out += each.version;
  return out;
}

}  // namespace

TEST_CASE("at rest the current version is all there is") {
  RotatingSecret secret(grace);
  CHECK_FALSE(secret.is_known());
  CHECK(secret.other_than("x") == nullptr);
  CHECK(secret.take_current(version("2"), start));
  CHECK_FALSE(secret.take_current(version("2"), start));
  const UserSecret view = secret.view("name", start);
  CHECK(view.login == SecretLogin{"2", "app", config::Secret("password-2")});
  CHECK(ids(view) == "2");
  CHECK(secret.changes_at(start) == Time::max());
}

TEST_CASE("a secret that names no user is for the configured one") {
  RotatingSecret secret(grace);
  secret.take_current(version("2", ""), start);
  CHECK(secret.view("name", start).login.user == "name");
}

TEST_CASE(
    "rotation of a single user: the pending password is tried, kept while it works, and becomes current") {
  RotatingSecret secret(grace);
  secret.take_current(version("2"), start);
  CHECK(secret.other_than("2") == nullptr);
  secret.take_pending(version("3"));
  REQUIRE(secret.other_than("2") != nullptr);
  CHECK(secret.other_than("2")->id == "3");
  CHECK(secret.view("u", start).login.version == "2");
  CHECK(ids(secret.view("u", start)) == "2");
  secret.worked("3");
  CHECK(secret.view("u", start).login.version == "3");
  CHECK(ids(secret.view("u", start)) == "23");
  secret.take_current(version("3"), start);
  CHECK(secret.view("u", start).login.version == "3");
  CHECK(ids(secret.view("u", start)) == "32");
}

TEST_CASE("a rotation that is undone leads back to the current password") {
  RotatingSecret secret(grace);
  secret.take_current(version("2"), start);
  secret.take_pending(version("3"));
  secret.worked("3");
  CHECK(secret.other_than("3")->id == "2");
  secret.worked("2");
  CHECK(secret.view("u", start).login.version == "2");
  secret.take_pending(std::nullopt);
  CHECK(secret.other_than("2") == nullptr);
}

TEST_CASE("another pending version has not worked yet") {
  RotatingSecret secret(grace);
  secret.take_current(version("2"), start);
  secret.take_pending(version("3"));
  secret.worked("3");
  secret.take_pending(version("4"));
  CHECK(secret.view("u", start).login.version == "2");
}

TEST_CASE("AWSPENDING may stay on what is current") {
  RotatingSecret secret(grace);
  secret.take_current(version("3"), start);
  secret.take_pending(version("3"));
  CHECK(secret.other_than("3") == nullptr);
}

TEST_CASE("two users take turns") {
  RotatingSecret secret(grace);
  secret.take_current(version("1", "app"), start);
  secret.take_current(version("2", "app_clone"), start);
  const UserSecret view = secret.view("u", start);
  CHECK(view.login.user == "app_clone");
  REQUIRE(view.accepted.size() == 2);
  CHECK(view.accepted[1].user == "app");
}

TEST_CASE("a replaced password is accepted for the grace period") {
  RotatingSecret secret(grace);
  secret.take_current(version("1"), start);
  secret.take_current(version("2"), start);
  CHECK(secret.changes_at(start) == start + grace);
  CHECK(ids(secret.view("u", start + grace - std::chrono::seconds(1))) == "21");
  CHECK(ids(secret.view("u", start + grace)) == "2");
  CHECK(secret.changes_at(start + grace) == Time::max());
}

TEST_CASE("what was replaced before the start is accepted by the age of what has replaced it") {
  for (const auto& [age, accepted] :
       {std::pair{std::chrono::minutes(50), "21"}, {std::chrono::minutes(60), "2"}}) {
    RotatingSecret secret(grace);
    secret.take_current(version("2", "app", start - age), start);
    secret.take_previous(version("1"), start);
    CHECK(ids(secret.view("u", start)) == accepted);
  }
}

TEST_CASE("not more than a few replaced passwords are kept, and none twice") {
  RotatingSecret secret(grace);
  for (const char* id : {"1", "2", "3", "4", "5"}) secret.take_current(version(id), start);
  CHECK(ids(secret.view("u", start)) == "543");
  secret.take_current(version("4"), start);
  CHECK(ids(secret.view("u", start)) == "453");
  CHECK(secret.view("u", start).accepted.size() <= accepted_passwords_max);
}
