#include "proxy/aws/sigv4.hpp"

#include <catch2/catch.hpp>

using namespace pgweir::aws;
using pgweir::config::Secret;

namespace {

// What AWS publishes with its signing test suite (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4).
const Time suite_time = std::chrono::system_clock::from_time_t(1440938160);  // 2015-08-30T12:36:00Z
const Scope suite_scope{"us-east-1", "service"};
constexpr char suite_token[] = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";

Credentials suite_credentials(const char* token = "") {
  return {"AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Secret(token)};
}

Signable suite_request(std::string path = "/", Pairs query = {}) {
  Signable request;
  request.path = std::move(path);
  request.query = std::move(query);
  request.headers = {{"Host", "example.amazonaws.com"}};
  return request;
}

Signable form_request() {
  Signable request = suite_request();
  request.method = "POST";
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.headers.emplace_back("Content-Length", "13");
  request.body = "Param1=value1";
  return request;
}

std::string after(const std::string& text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  REQUIRE(at != std::string::npos);
  return text.substr(at + mark.size());
}

std::string header_signature(const Signable& request, const char* token = "") {
  const Pairs added = sign(request, suite_scope, suite_credentials(token), suite_time);
  return after(added.back().second, "Signature=");
}

std::string query_signature(const Signable& request, const char* token = "") {
  return after(
      presign(request, suite_scope, suite_credentials(token), suite_time, std::chrono::seconds(3600)),
      "X-Amz-Signature=");
}

}  // namespace

TEST_CASE("signatures are those of the published suite") {
  struct Case {
    const char* name;
    Signable request;
    const char* token;
    const char* header;
    const char* query;
  };
  const Case cases[] = {
      {"get-vanilla", suite_request(), "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
       "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d"},
      {"get-vanilla-query-order-key-case", suite_request("/", {{"Param2", "value2"}, {"Param1", "value1"}}),
       "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
       "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5"},
      {"get-vanilla-with-session-token", suite_request(), suite_token,
       "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
       "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c"},
      {"get-utf8", suite_request("/\xe1\x88\xb4"), "",
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
       "10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44"},
      {"get-space-normalized", suite_request("/example space/"), "",
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
       "7a1f416954786484c9824d93c1f26ef64acb9b1b6c9154d08c9f07d0e394abf6"},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    CHECK(header_signature(each.request, each.token) == each.header);
    CHECK(query_signature(each.request, each.token) == each.query);
  }
}

TEST_CASE("a body is part of what is signed: post-x-www-form-urlencoded of the suite") {
  Signable request = form_request();
  CHECK(query_signature(request) == "89a40deed0f26f9461242825a082d2222717248abc7ab41f552ad84a94ad46e9");
  request.headers.emplace_back("X-Amz-Content-Sha256", sha256_hex(request.body));
  CHECK(header_signature(request) == "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b");
}

TEST_CASE("a signing key is that of the published derivation") {
  const auto hex_key = [](const char* service) {
    std::string out;
    const Secret key = signing_key(suite_credentials().secret_access_key, "20150830", {"us-east-1", service});
    for (const char c : key.reveal()) {
      char two[3];
      std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(c));
      out += two;
    }
    return out;
  };
  CHECK(hex_key("iam") == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
  CHECK(hex_key("rds-db") == "10a582aab7ba4736f4608306f11bd2dfe64933c9ee3c50c250459488d83542fa");
}

TEST_CASE("GetSecretValue is signed as botocore does it") {
  Signable request;
  request.method = "POST";
  request.headers = {{"Host", "secretsmanager.us-east-1.amazonaws.com"},
                     {"Content-Type", "application/x-amz-json-1.1"},
                     {"X-Amz-Target", "secretsmanager.GetSecretValue"}};
  request.body = R"({"SecretId":"prod/app/db","VersionStage":"AWSCURRENT"})";
  CHECK(sha256_hex(request.body) == "0376e030493a29609d7061e43bd8c576628f80e550fb8349a9626a549f8f6f7c");
  const Pairs added =
      sign(request, {"us-east-1", "secretsmanager"}, suite_credentials(suite_token), suite_time);
  CHECK(added.back().second ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/secretsmanager/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
        "Signature=23ed6b0a6771658c439c013b800fef16ef355c0d11e5a3c969e786fca49d1002");
}

TEST_CASE("GetCallerIdentity with a signed header is presigned as botocore does it") {
  Signable request;
  request.query = {{"Action", "GetCallerIdentity"}, {"Version", "2011-06-15"}};
  request.headers = {{"Host", "sts.us-east-1.amazonaws.com"},
                     {"x-pgproxy-server-id", "proxy.internal.example"}};
  const std::string url = presign(request, {"us-east-1", "sts"}, suite_credentials(suite_token), suite_time,
                                  std::chrono::seconds(60));
  CHECK(after(url, "X-Amz-Signature=") == "ca0d5923ff28f9391b18e16f56dbc880bb6235fafdf19a2f2a0257aaa90a2258");
  CHECK(url.find("&X-Amz-SignedHeaders=host%3Bx-pgproxy-server-id&") != std::string::npos);
}
