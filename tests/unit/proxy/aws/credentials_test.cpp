#include "proxy/aws/credentials.hpp"

#include <catch2/catch.hpp>

using namespace pgweir::aws;

namespace {

std::int64_t seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::system_clock::to_time_t(time);
}

}  // namespace

TEST_CASE("times of AWS are read") {
  CHECK(seconds(parse_iso_time("2015-08-30T12:36:00Z").value()) == 1440938160);
  CHECK(seconds(parse_iso_time("2015-08-30T12:36:00.123Z").value()) == 1440938160);
  for (const char* bad :
       {"", "2015-08-30", "2015-08-30T12:36:00", "0014-08-30T12:36:00Z", "9999-08-30T12:36:00Z",
        "2015-13-30T12:36:00Z", "yesterday, at ten Z", "2015-08-30T12:36:00+01:00Z"})
    CHECK_FALSE(parse_iso_time(bad));
}

TEST_CASE("credentials of a role are read") {
  std::string error;
  const auto made = parse_role_credentials(
      R"({"RoleArn":"r","AccessKeyId":"a","SecretAccessKey":"s","Token":"t","Expiration":"2015-08-30T12:36:00Z"})",
      error);
  REQUIRE(made);
  CHECK(made->access_key_id == "a");
  CHECK(made->secret_access_key.reveal() == "s");
  CHECK(made->session_token.reveal() == "t");
  CHECK(seconds(made->expires) == 1440938160);
}

TEST_CASE("an answer that holds no credentials is one clear error") {
  for (const char* text : {"", "<html>", "[]", "{}", R"({"AccessKeyId":1,"SecretAccessKey":"s","Token":"t"})",
                           R"({"AccessKeyId":"a","SecretAccessKey":"s","Token":"t"})",
                           R"({"AccessKeyId":"a","SecretAccessKey":"s","Token":"t","Expiration":"soon"})",
                           R"({"AccessKeyId":"a","SecretAccessKey":"s","Token":"t","Expiration":1e300})"}) {
    INFO(text);
    std::string error;
    CHECK_FALSE(parse_role_credentials(text, error));
    CHECK_FALSE(error.empty());
    CHECK_FALSE(parse_web_identity(text, error));
    CHECK_FALSE(error.empty());
  }
  std::string error;
  CHECK_FALSE(parse_role_credentials(std::string(100'000, '['), error));
  CHECK(error == "the answer is nested too deeply");
}

TEST_CASE("credentials of a web identity are read") {
  std::string error;
  const auto made = parse_web_identity(
      R"({"AssumeRoleWithWebIdentityResponse":{"AssumeRoleWithWebIdentityResult":{"Credentials":
         {"AccessKeyId":"a","SecretAccessKey":"s","SessionToken":"t","Expiration":1.44093816E9}}}})",
      error);
  REQUIRE(made);
  CHECK(made->session_token.reveal() == "t");
  CHECK(seconds(made->expires) == 1440938160);
}

TEST_CASE("a shared file is read by its profile") {
  constexpr char text[] =
      "# comment\n[default]\naws_access_key_id = one\naws_secret_access_key=1\n\n"
      "[profile dev]\r\naws_access_key_id = two\r\naws_secret_access_key = 2=2\r\naws_session_token = t\r\n"
      "s3 =\n  aws_access_key_id = nested\n[sso]\nsso_session = x\n[empty]\n";
  std::string error;
  auto made = parse_shared_file(text, "default", error);
  REQUIRE(made);
  CHECK(made->access_key_id == "one");
  CHECK(made->session_token.empty());
  made = parse_shared_file(text, "dev", error);
  REQUIRE(made);
  CHECK(made->access_key_id == "two");
  CHECK(made->secret_access_key.reveal() == "2=2");
  CHECK(made->session_token.reveal() == "t");
  CHECK_FALSE(parse_shared_file(text, "other", error));
  CHECK_FALSE(parse_shared_file(text, "empty", error));
  CHECK(error.empty());
  CHECK_FALSE(parse_shared_file(text, "sso", error));
  CHECK(error.find("sso_session") != std::string::npos);
}

TEST_CASE("credentials are fetched anew before they end, but not in a hurry") {
  const auto start = std::chrono::system_clock::from_time_t(1'700'000'000);
  using std::chrono::seconds;
  Credentials present;
  CHECK_FALSE(are_due(present, start, start + std::chrono::hours(1'000)));
  present.expires = start + seconds(3'600);
  CHECK_FALSE(are_due(present, start, start + seconds(3'299)));
  CHECK(are_due(present, start, start + seconds(3'300)));
  CHECK(are_due(present, start, start + seconds(4'000)));
  present.expires = start + seconds(60);
  CHECK_FALSE(are_due(present, start, start + seconds(9)));
  CHECK(are_due(present, start, start + seconds(10)));
}
