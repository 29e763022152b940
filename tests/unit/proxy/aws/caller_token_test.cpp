// Each case of what must not pass has its name; see the comments of caller_token for why.
#include "proxy/aws/caller_token.hpp"

#include <catch2/catch.hpp>

#include "protocol/base64.hpp"

using namespace pgweir;
using namespace pgweir::aws;

namespace {

const Time now = std::chrono::system_clock::from_time_t(1440938160);  // 2015-08-30T12:36:00Z
constexpr char host[] = "sts.us-east-1.amazonaws.com";

CallerRules rules(std::chrono::seconds max_age = std::chrono::seconds(900)) {
  return {"us-east-1", {host}, max_age};
}

std::string packed(std::string_view url) {
  std::string out = to_base64(as_bytes(url));
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return std::string(caller_token_prefix) + out;
}

using Changes = std::map<std::string, std::string>;

// A token as the helpers make it; `changes` replaces parameters, a value "-" removes one.
std::string url(Changes changes = {}, std::string_view base = "https://sts.us-east-1.amazonaws.com/") {
  Changes all{{"Action", "GetCallerIdentity"},
              {"Version", "2011-06-15"},
              {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
              {"X-Amz-Credential", "AKIDEXAMPLE/20150830/us-east-1/sts/aws4_request"},
              {"X-Amz-Date", "20150830T123600Z"},
              {"X-Amz-Expires", "900"},
              {"X-Amz-Security-Token", "a/b+c="},
              {"X-Amz-SignedHeaders", "host;x-pgweir-server-id"},
              {"X-Amz-Signature", "00ff"}};
  for (const auto& [name, value] : changes) all[name] = value;
  std::string query;
  for (const auto& [name, value] : all) {
    if (value != "-")
      query += (query.empty() ? std::string("?") : std::string("&")) + name + "=" + uri_encode(value);
  }
  return std::string(base) + query;
}

std::string error_of(std::string_view token, const CallerRules& by = rules(), Time at = now) {
  std::string error;
  CHECK_FALSE(parse_caller_token(token, by, at, error));
  CHECK_FALSE(error.empty());
  return error;
}

std::string identity(const std::string& arn, const std::string& user_id = "AROA:s",
                     const std::string& account = "123456789012") {
  return R"({"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":")" + account +
         R"(","Arn":")" + arn + R"(","UserId":")" + user_id + R"("},"ResponseMetadata":{"RequestId":"x"}}})";
}

}  // namespace

TEST_CASE("a token is taken apart and written anew") {
  std::string error;
  const auto token = parse_caller_token(packed(url()), rules(), now, error);
  REQUIRE(token);
  CHECK(token->host == host);
  CHECK(token->good_until == now + std::chrono::seconds(900));
  CHECK(token->query ==
        "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
        "AKIDEXAMPLE"
        "%2F20150830%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=900&X-Amz-"
        "Security-"
        "Token=a%2Fb%2Bc%3D&X-Amz-Signature=00ff&X-Amz-SignedHeaders=host%3Bx-pgweir-server-id");
  CHECK(parse_caller_token(packed(url({{"X-Amz-Security-Token", "-"}})), rules(), now, error));
}

TEST_CASE("a token that must not pass, by name") {
  const std::string good = url();
  const auto with = [](Changes changes) { return packed(url(std::move(changes))); };
  const auto at = [](std::string_view base) { return packed(url({}, base)); };
  struct Case {
    const char* name;
    std::string token;
    const char* error;
  };
  const char* const other_host = "it is for another host than STS of this region";
  const Case cases[] = {
      {"too large", std::string(caller_token_prefix) + std::string(caller_token_max, 'a'), "it is too large"},
      {"empty", "", "it is not a token: the prefix is another one"},
      {"wrong prefix", "k8s-aws-v1." + packed(good).substr(10),
       "it is not a token: the prefix is another one"},
      {"bad base64", "pgweir-v1.a*b", "it is not base64url"},
      {"base64 of the other alphabet", "pgweir-v1.//++", "it is not base64url"},
      {"padded base64", "pgweir-v1.aGk=", "it is not base64url"},
      {"no URL", packed(":ab:cd"), "it is not an https URL"},
      {"http scheme", at("http://sts.us-east-1.amazonaws.com/"), "it is not an https URL"},
      {"scheme in capitals", at("HTTPS://sts.us-east-1.amazonaws.com/"), "it is not an https URL"},
      {"another host", packed("https://google.com"), other_host},
      {"another host with all parameters", at("https://sts.example.com/"), other_host},
      {"another region", at("https://sts.eu-west-1.amazonaws.com/"), other_host},
      {"the global host", at("https://sts.amazonaws.com/"), other_host},
      {"China", at("https://sts.cn-north-1.amazonaws.com.cn/"), other_host},
      {"GovCloud", at("https://sts.us-gov-west-1.amazonaws.com/"), other_host},
      {"a host that begins alike", at("https://sts.us-east-1.amazonaws.com.evil.example/"), other_host},
      {"a user in front of the host", at("https://x@sts.us-east-1.amazonaws.com/"), other_host},
      {"the host as a user", at("https://sts.us-east-1.amazonaws.com@evil.example/"), other_host},
      {"a port", at("https://sts.us-east-1.amazonaws.com:443/"), other_host},
      {"a dot behind the host", at("https://sts.us-east-1.amazonaws.com./"), other_host},
      {"a host in capitals", at("https://STS.us-east-1.amazonaws.com/"), other_host},
      {"a host in other letters", at("https://\xd1\x95ts.us-east-1.amazonaws.com/"), other_host},
      {"a backslash", at("https://sts.us-east-1.amazonaws.com\\@evil.example/"), other_host},
      {"a path", at("https://sts.us-east-1.amazonaws.com/abc"), "its path is not /"},
      {"two slashes", at("https://sts.us-east-1.amazonaws.com//"), "its path is not /"},
      {"no query", packed("https://sts.us-east-1.amazonaws.com/"), "its path is not /"},
      {"a fragment", packed(good + "#x"), "a malformed query"},
      {"NUL", packed(good + std::string("\0", 1)), "a malformed query"},
      {"an escaped NUL", packed(good + "%00"), "a malformed query"},
      {"a malformed escape", packed(good + "%gh"), "a malformed query"},
      {"half an escape", packed(good + "%2"), "a malformed query"},
      {"a plus", packed(good + "+"), "a malformed query"},
      {"a space", packed(good + " "), "a malformed query"},
      {"a line end", packed(good + "\r\nHost:x"), "a malformed query"},
      {"a parameter without a value", packed(good + "&Action"), "a malformed query"},
      {"unknown parameter", packed(good + "&x=y"), "a parameter that does not belong there"},
      {"action twice", packed(good + "&action=GetCallerIdentity"), "a parameter twice"},
      {"CVE-2022-2385: the credential twice, in two spellings", packed(good + "&x-amz-credential=AKIDOTHER"),
       "a parameter twice"},
      {"the same spelled by an escape", packed(good + "&x%2Damz%2Dcredential=AKIDOTHER"),
       "a parameter twice"},
      {"no signature", with({{"X-Amz-Signature", "-"}}), "a parameter is missing"},
      {"another action", with({{"Action", "NotGetCallerIdentity"}}), "another action than GetCallerIdentity"},
      {"another version", with({{"Version", "2010-05-08"}}), "another version than 2011-06-15"},
      {"another algorithm", with({{"X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256"}}),
       "another algorithm than AWS4-HMAC-SHA256"},
      {"server-id header not in SignedHeaders", with({{"X-Amz-SignedHeaders", "host"}}),
       "the server's id is not signed"},
      {"server-id header only in part", with({{"X-Amz-SignedHeaders", "host;x-pgweir-server-id2"}}),
       "the server's id is not signed"},
      {"host not in SignedHeaders", with({{"X-Amz-SignedHeaders", "x-pgweir-server-id"}}),
       "the server's id is not signed"},
      {"expires 9999999", with({{"X-Amz-Expires", "9999999"}}),
       "an X-Amz-Expires that is not a number up to 900"},
      {"expires negative", with({{"X-Amz-Expires", "-1"}}),
       "an X-Amz-Expires that is not a number up to 900"},
      {"expires garbage", with({{"X-Amz-Expires", "1e2"}}),
       "an X-Amz-Expires that is not a number up to 900"},
      {"date garbage", with({{"X-Amz-Date", "yesterday"}}), "an X-Amz-Date that is not a date"},
      {"a date that no calendar has", with({{"X-Amz-Date", "20150231T123600Z"}}),
       "an X-Amz-Date that is not a date"},
      {"date 1990", with({{"X-Amz-Date", "19900830T123600Z"}}), "it is too old; is a clock wrong?"},
      {"date in the future", with({{"X-Amz-Date", "20150830T123701Z"}}),
       "a date in the future; is a clock wrong?"},
      {"a scope of another day", with({{"X-Amz-Credential", "AKID/20150829/us-east-1/sts/aws4_request"}}),
       "a scope that is not this region's STS of that day"},
      {"a scope of another region", with({{"X-Amz-Credential", "AKID/20150830/eu-west-1/sts/aws4_request"}}),
       "a scope that is not this region's STS of that day"},
      {"a scope of another service", with({{"X-Amz-Credential", "AKID/20150830/us-east-1/iam/aws4_request"}}),
       "a scope that is not this region's STS of that day"},
      {"no access key", with({{"X-Amz-Credential", "/20150830/us-east-1/sts/aws4_request"}}),
       "a scope that is not this region's STS of that day"},
      {"a token for RDS", packed("https://db.us-east-1.rds.amazonaws.com/?Action=connect"), other_host},
  };
  for (const Case& each : cases) {
    DYNAMIC_SECTION(each.name) {
      CHECK(error_of(each.token) == each.error);
    }
  }
}

TEST_CASE("a token is good for its time, for STS' and for the configured one, whichever ends first") {
  using std::chrono::seconds;
  std::string error;
  const std::string token = packed(url());
  CHECK(parse_caller_token(token, rules(), now + seconds(899), error));
  CHECK(error_of(token, rules(), now + seconds(900)) == "it is too old; is a clock wrong?");
  CHECK(parse_caller_token(token, rules(seconds(60)), now + seconds(59), error)->good_until ==
        now + seconds(60));
  error_of(token, rules(seconds(60)), now + seconds(60));
  const std::string brief = packed(url({{"X-Amz-Expires", "30"}}));
  CHECK(parse_caller_token(brief, rules(), now + seconds(30), error));
  error_of(brief, rules(), now + seconds(30) + clock_skew_max);
}

TEST_CASE("a region in China has its own host") {
  const CallerRules china{"cn-north-1", {"sts.cn-north-1.amazonaws.com.cn"}};
  std::string error;
  CHECK(parse_caller_token(packed(url({{"X-Amz-Credential", "AKID/20150830/cn-north-1/sts/aws4_request"}},
                                      "https://sts.cn-north-1.amazonaws.com.cn/")),
                           china, now, error));
}

TEST_CASE("every beginning of a token is no token") {
  const std::string token = packed(url());
  for (std::size_t size = 0; size < token.size(); ++size) {
    std::string error;
    // Without its last letters only the signature is shorter, which STS will notice.
    if (size < token.size() - 6) CHECK_FALSE(parse_caller_token(token.substr(0, size), rules(), now, error));
  }
}

TEST_CASE("the role behind a session is told without its path") {
  std::string error;
  CHECK(parse_caller_identity(identity("arn:aws:sts::123456789012:assumed-role/worker/s"), error) ==
        "arn:aws:iam::123456789012:role/worker");
  CHECK(parse_caller_identity(identity("arn:aws-us-gov:sts::123456789012:assumed-role/worker/s"), error) ==
        "arn:aws-us-gov:iam::123456789012:role/worker");
}

TEST_CASE("an answer of STS that is not clearly a role is none, by name") {
  struct Case {
    const char* name;
    std::string json;
  };
  const Case cases[] = {
      {"empty", ""},
      {"not JSON", "<GetCallerIdentityResponse/>"},
      {"cut off", identity("arn:aws:sts::123456789012:assumed-role/worker/s").substr(0, 60)},
      {"another answer", R"({"GetSessionTokenResponse":{}})"},
      {"no result", R"({"GetCallerIdentityResponse":{}})"},
      {"ARN arn", identity("arn")},
      {"no ARN", identity("")},
      {"a user", identity("arn:aws:iam::123456789012:user/worker")},
      {"the root", identity("arn:aws:iam::123456789012:root")},
      {"a federated user", identity("arn:aws:sts::123456789012:federated-user/worker")},
      {"no session", identity("arn:aws:sts::123456789012:assumed-role/worker")},
      {"an empty session", identity("arn:aws:sts::123456789012:assumed-role/worker/", "AROA:")},
      {"more than a session", identity("arn:aws:sts::123456789012:assumed-role/path/worker/s")},
      {"UserId a:b:c", identity("arn:aws:sts::123456789012:assumed-role/worker/b:c", "a:b:c")},
      {"UserId without a session", identity("arn:aws:sts::123456789012:assumed-role/worker/s", "AROA")},
      {"UserId of another session", identity("arn:aws:sts::123456789012:assumed-role/worker/s", "AROA:t")},
      {"another account",
       identity("arn:aws:sts::123456789012:assumed-role/worker/s", "AROA:s", "210987654321")},
      {"an account that is no number", identity("arn:aws:sts::x:assumed-role/worker/s", "AROA:s", "x")},
      {"numbers for texts",
       R"({"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":1,"Arn":2,"UserId":3}}})"},
  };
  for (const Case& each : cases) {
    DYNAMIC_SECTION(each.name) {
      std::string error;
      CHECK_FALSE(parse_caller_identity(each.json, error));
      CHECK_FALSE(error.empty());
    }
  }
}
