#include "proxy/aws/secret_value.hpp"

#include <catch2/catch.hpp>

using namespace pgweir::aws;

TEST_CASE("a secret is a JSON object or the password itself") {
  std::string error;
  auto made = parse_secret_text(
      R"({"engine":"postgres","host":"h","username":"app","password":"p\"w","port":5432,"dbname":1})", error);
  REQUIRE(made);
  CHECK(made->user == "app");
  CHECK(made->password.reveal() == "p\"w");
  made = parse_secret_text("plain text", error);
  REQUIRE(made);
  CHECK(made->user.empty());
  CHECK(made->password.reveal() == "plain text");
}

TEST_CASE("a secret without a usable password is one clear error that repeats nothing of it") {
  struct Case {
    std::string text;
    std::string error;
  };
  const Case cases[] = {
      {"", "the secret is empty"},
      {"{hunter2", "the secret begins like JSON and is not JSON"},
      {"{}", "the secret holds no \"password\""},
      {R"({"password":7})", "the secret holds no \"password\""},
      {R"({"password":"a\u0000b"})", "the password is too long, or has a NUL in it"},
      {std::string(5'000, 'x'), "the password is too long, or has a NUL in it"},
      {R"({"password":"x","username":")" + std::string(64, 'u') + "\"}",
       "the username is longer than PostgreSQL's names"},
  };
  for (const Case& each : cases) {
    std::string error;
    CHECK_FALSE(parse_secret_text(each.text, error));
    CHECK(error == each.error);
  }
}

TEST_CASE("the answer of GetSecretValue is read") {
  std::string error;
  const auto made = parse_secret_value(
      R"({"ARN":"a","Name":"n","VersionId":"v1","VersionStages":["AWSCURRENT"],"CreatedDate":1.440938160123E9,
          "SecretString":"{\"username\":\"app\",\"password\":\"pw\"}"})",
      error);
  REQUIRE(made);
  CHECK(made->id == "v1");
  CHECK(made->user == "app");
  CHECK(std::chrono::system_clock::to_time_t(made->created) == 1440938160);
  for (const char* bad :
       {"", "[]", "{}", R"({"VersionId":"v"})", R"({"SecretBinary":"AA==","VersionId":"v"})",
        R"({"SecretString":"pw"})", R"({"SecretString":{},"VersionId":"v"})",
        R"({"SecretString":"pw","VersionId":"v")"}) {
    CHECK_FALSE(parse_secret_value(bad, error));
    CHECK_FALSE(error.empty());
  }
}

TEST_CASE("the answer of GetParameter is read") {
  std::string error;
  const auto made =
      parse_parameter(R"({"Parameter":{"Name":"n","Type":"SecureString","Value":"pw","Version":3}})", error);
  REQUIRE(made);
  CHECK(made->id == "3");
  CHECK(made->password.reveal() == "pw");
  for (const char* bad :
       {"", "{}", R"({"Parameter":"x"})", R"({"Parameter":{"Value":"x"}})",
        R"({"Parameter":{"Value":"x","Version":"3"}})", R"({"Parameter":{"Value":"","Version":3}})"}) {
    CHECK_FALSE(parse_parameter(bad, error));
    CHECK_FALSE(error.empty());
  }
}

TEST_CASE("a failed call says what it is and what to do") {
  CHECK(judge_failure(400, R"({"__type":"ResourceNotFoundException","Message":"x"})").result ==
        CallResult::not_found);
  CHECK(judge_failure(400, R"({"__type":"com.amazonaws.x#AccessDeniedException"})").result ==
        CallResult::denied);
  CHECK(judge_failure(400, R"({"__type":"ThrottlingException"})").result == CallResult::throttled);
  CHECK(judge_failure(400, R"({"Error":{"Code":"Throttling"}})").result == CallResult::throttled);
  CHECK(judge_failure(400, R"({"__type":"ExpiredTokenException"})").result == CallResult::expired);
  CHECK(judge_failure(400, R"({"__type":"InvalidSignatureException"})").message ==
        "InvalidSignatureException: is the clock of this machine right?");
  const CallFailure denied =
      judge_failure(400, R"({"__type":"x#AccessDeniedException","Message":"not you"})");
  CHECK((denied.name == "AccessDeniedException" && denied.said == "not you"));
  CHECK(denied.message.find("not you") == std::string::npos);  // the log does not repeat it
  CHECK(judge_failure(403, R"({"Error":{"Code":"Sts","Message":"nobody"}})").said == "nobody");
  CHECK(judge_failure(302, "").result == CallResult::invalid);
  CHECK(judge_failure(403, "<html>").result == CallResult::denied);
  CHECK(judge_failure(429, "").result == CallResult::throttled);
  CHECK(judge_failure(500, R"({"__type":"InternalServiceError"})").message ==
        "status 500 InternalServiceError");
  CHECK(judge_failure(500, R"({"__type":"a\nb"})").message == "status 500 a\\nb");
  for (std::size_t i = 0; i < call_result_count; ++i)
    CHECK_FALSE(to_string(static_cast<CallResult>(i)).empty());
}

TEST_CASE("the version of a parameter before this one") {
  CHECK(previous_parameter_version("7") == "6");
  CHECK(previous_parameter_version("2") == "1");
  for (const char* none : {"1", "0", "-3", "", "7x", "x", "99999999999999999999"}) {
    INFO(none);
    CHECK_FALSE(previous_parameter_version(none));
  }
}
