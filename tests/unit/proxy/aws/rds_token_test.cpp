#include "proxy/aws/rds_token.hpp"

#include <catch2/catch.hpp>

using namespace pgweir::aws;
using pgweir::config::Secret;

namespace {

constexpr char token[] = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
constexpr char rds_host[] = "mydb.abcdefghijkl.us-east-1.rds.amazonaws.com";

Time at(std::int64_t seconds) {
  return std::chrono::system_clock::from_time_t(seconds);
}
const Time token_time = at(1440938160);  // 2015-08-30T12:36:00Z

Credentials example(const char* session = "") {
  return {"AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Secret(session)};
}

std::string signature(const Secret& made) {
  const std::string& text = made.reveal();
  return text.substr(text.find("X-Amz-Signature=") + 16);
}

}  // namespace

TEST_CASE("an rds-db token is botocore's own test vector") {
  const Credentials keys{"akid", Secret("skid"), {}};
  const Secret made = rds_token("prod-instance.us-east-1.rds.amazonaws.com", 3306, "someusername",
                                "us-east-1", keys, at(1478540373));
  CHECK(signature(made) == "d1138cdbc0ca63eec012ec0fc6c2267e03642168f5884a7795320d4c18374c61");
}

TEST_CASE("an rds-db token is signed with its port, even 443: Kong's test vector") {
  const Credentials keys{"test_id", Secret("test_key"), {}};
  const Secret made = rds_token("test_database.test_cluster.us-east-1.rds.amazonaws.com", 443, "test_user",
                                "us-east-1", keys, at(1667543171));
  CHECK(signature(made) == "ff72d46f1937c1f5917f69d694929ca814b781619b8d730451c7ffef050059b0");
}

TEST_CASE("an rds-db token is a URL without its scheme") {
  CHECK(rds_token(rds_host, 5432, "iam_user", "us-east-1", example(), token_time).reveal() ==
        "mydb.abcdefghijkl.us-east-1.rds.amazonaws.com:5432/?Action=connect&DBUser=iam_user&X-Amz-Algorithm="
        "AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Frds-db%2Faws4_request&X-Amz-"
        "Date=20150830T123600Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "d6d99df54050dceae2758438da9b450dd8c7ed600b8aee13ac2294b9c12cca12");
}

TEST_CASE("an rds-db token signs the session token and encodes the user") {
  CHECK(signature(rds_token(rds_host, 5432, "iam_user", "us-east-1", example(token), token_time)) ==
        "6d66e9c2c503725028caf1d9b0906a4a5bff23a01d1e4961ddfd4c9c398164b3");
  const Secret made = rds_token(rds_host, 5432, "jane doe@example.com", "us-east-1", example(), token_time);
  CHECK(made.reveal().find("DBUser=jane%20doe%40example.com&") != std::string::npos);
  CHECK(signature(made) == "10752bfcf8256fde1f1567fa1b83f92ba5c8b13f616d4a43c2761d150b8dd7b6");
}

TEST_CASE("an RDS host name tells its region") {
  CHECK(region_of_host(rds_host, "eu-west-1") == "us-east-1");
  CHECK(region_of_host("x.cluster-ro-abc.cn-north-1.rds.amazonaws.com.cn", "eu-west-1") == "cn-north-1");
  for (const char* other : {"127.0.0.1", "db.internal", "a.rds.amazonaws.com.evil", ".rds.amazonaws.com", ""})
    CHECK(region_of_host(other, "eu-west-1") == "eu-west-1");
}
