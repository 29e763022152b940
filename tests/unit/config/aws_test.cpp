// The section `aws`, and what users and databases say about AWS.
#include <catch2/catch.hpp>

#include "config/aws_check.hpp"
#include "config/aws_url.hpp"
#include "config/diff.hpp"
#include "testing.hpp"

using namespace pgweir::config;

namespace {

constexpr char role[] = "arn:aws:iam::123456789012:role/worker";

std::string with_secret(std::string_view name, std::string_view aws = "region: eu-west-1") {
  return with_user("secret: \"" + std::string(name) + '"') + "aws: {" + std::string(aws) + "}\n";
}

// A client of a role, by TLS; `aws` begins on line 3, the other keys follow.
std::string with_role(std::string_view aws, std::string_view more = "") {
  return "databases: {app: {host: db, iam: true}}\nusers: {u: {iam: {roles: [\"" + std::string(role) +
         "\"]}}}\naws: {" + std::string(aws) + "}\n" + std::string(more);
}
constexpr char by_tls[] = "listen: {tls: {mode: require, cert_file: c, key_file: k}}\n";

FakeEnvironment files() {
  FakeEnvironment fake;
  for (const char* name : {"c", "k", "ca"}) fake.files[name] = {"x", {}, false};
  return fake;
}

}  // namespace

TEST_CASE("every key of aws is read") {
  const LoadResult result = load(R"(
databases:
  app: {host: db, iam: true, tls: {allow_cleartext_password: true}}
users:
  a: {secret: prod/app}
  b: {ssm_parameter: /prod/b}
  c: {iam: {roles: ["arn:aws:iam::123456789012:role/worker"]}}
listen: {tls: {mode: require, cert_file: c, key_file: k}}
aws:
  region: eu-west-1
  endpoints:
    sts: https://a.example/
    secretsmanager: http://127.0.0.1:81
    ssm: https://c.example:444
    container: http://169.254.170.2
    imds: "http://[fd00:ec2::254]"
  ca_file: ca
  timeout: 2s
  secrets: {refresh: 3m, grace: 4m}
  iam: {server_id: weir-1, max_token_age: 5m}
)",
                                 files());
  CHECK(lines_of(result.problems) == Lines{});
  REQUIRE(result.settings);
  const Settings& s = *result.settings;
  CHECK(s.uses_aws());
  CHECK(s.users.at("a").secret == "prod/app");
  CHECK(s.users.at("b").ssm_parameter == "/prod/b");
  CHECK(s.users.at("c").iam_roles == std::vector<std::string>{role});
  CHECK(s.databases.at("app").iam);
  CHECK(s.databases.at("app").tls.allow_cleartext_password);
  Aws expected;
  expected.region = "eu-west-1";
  expected.endpoints = {"https://a.example", "http://127.0.0.1:81", "https://c.example:444",
                        "http://169.254.170.2", "http://[fd00:ec2::254]"};
  expected.ca_file = "ca";
  expected.timeout = Millis(2'000);
  expected.secret_refresh = Millis(180'000);
  expected.secret_grace = Millis(240'000);
  expected.server_id = "weir-1";
  expected.max_token_age = Millis(300'000);
  CHECK(s.aws == expected);
}

TEST_CASE("the region is taken from the environment, as the SDKs do") {
  FakeEnvironment fake;
  fake.variables["AWS_DEFAULT_REGION"] = "eu-north-1";
  CHECK(load(with_user("secret: x"), fake).settings->aws.region == "eu-north-1");
  fake.variables["AWS_REGION"] = "eu-west-3";
  CHECK(load(with_user("secret: x"), fake).settings->aws.region == "eu-west-3");
  CHECK(problems_of(with_user("secret: x")) ==
        Lines{"f: aws.region: is missing: the region of secrets and roles; AWS_REGION would do as well"});
  CHECK_FALSE(load(with("")).settings->uses_aws());
}

TEST_CASE("what is wrong about AWS is one error with its place") {
  struct Case {
    std::string yaml;
    Lines lines;
  };
  const Case cases[] = {
      {with_secret("a b"), {"f:2: users.u.secret: is not a name or ARN"}},
      {with_secret("arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf"),
       {"f:2: users.u.secret: is in region us-east-1, and aws.region is eu-west-1"}},
      {with_secret("prod/app-secret"),
       {"f:2: users.u.secret: warning: Secrets Manager takes a name that ends like this for a part of an "
        "ARN; "
        "give the whole ARN"}},
      {with_secret("x", "region: \"a b\""),
       {"f:3: aws.region: \"a b\" is not a region such as eu-central-1"}},
      {with_secret("x", "region: r, timeout: 0s, secrets: {refresh: 0s}"),
       {"f:3: aws.timeout: must not be 0: a silent endpoint would block for ever",
        "f:3: aws.secrets.refresh: must not be 0"}},
      {with_secret("x", "region: r, endpoints: {sts: \"http://sts.example\"}"),
       {"f:3: aws.endpoints.sts: expected https://host[:port]; http:// is for loopback and link-local "
        "addresses only"}},
      {with_secret("x", "region: r, endpoints: {ssm: \"https://sts.example/path\"}"),
       {"f:3: aws.endpoints.ssm: an endpoint without a path: https://host[:port]"}},
      {with_secret("x", "region: r, ca_file: none"),
       {"f:3: aws.ca_file: cannot read none: No such file or directory"}},
      {with_user("secret: x, password: y") + "aws: {region: r}\n",
       {"f:2: users.u: has more than one secret: secret, password"}},
      {with_role("region: r"),
       {"f: listen.tls.mode: users with iam send their token by TLS only, so none of them could log in",
        "f:3: aws.iam.server_id: is missing: a name of this pgweir, which clients sign their tokens for"}},
      {with_role("region: r, iam: {server_id: \"a b\", max_token_age: 16m}", by_tls),
       {"f:3: aws.iam.server_id: expected a name of at most 128 letters, digits and signs, without spaces",
        "f:3: aws.iam.max_token_age: expected more than 0s and at most 15m: STS takes none that is older"}},
      {"databases: {app: {host: 127.0.0.1, iam: true}}\nusers: {u: {password: p}}\naws: {region: r}\n",
       {"f:1: databases.app.iam: needs tls.mode verify-full or verify-ca: whoever answers is told the "
        "token"}},
      {with_database("tls: {mode: require, allow_cleartext_password: true}"),
       {"f:1: databases.app.tls.allow_cleartext_password: needs mode verify-full or verify-ca: whoever "
        "answers "
        "would be told the password"}},
  };
  for (const Case& each : cases) CHECK(problems_of(each.yaml, files()) == each.lines);
}

TEST_CASE("a user of a role that has nothing for the server is a warning") {
  std::string yaml = with_role("region: r, iam: {server_id: x}", by_tls);
  CHECK(problems_of(yaml, files()) == Lines{});
  yaml.replace(yaml.find(", iam: true"), 11, "");
  CHECK(
      problems_of(yaml, files()) ==
      Lines{
          "f:2: users.u: warning: has nothing to log in to the server of databases.app with: give the user a "
          "secret, or set iam there"});
}

TEST_CASE("a user of a certificate needs somebody to have signed that, and something for the server") {
  const std::string users = "databases: {app: {host: db}}\nusers: {u: {certificate: cn, password: p}}\n";
  CHECK(problems_of(users) == Lines{"f:2: users.u.certificate: needs listen.tls.client_ca_file: who may have "
                                    "signed clients' certificates"});
  const std::string signed_by =
      "listen: {tls: {mode: require, cert_file: c, key_file: k, client_ca_file: ca}}\n";
  const LoadResult good = load(users + signed_by, files());
  CHECK(lines_of(good.problems) == Lines{});
  CHECK(good.settings->users.at("u").certificate == "cn");
  CHECK(
      problems_of("databases: {app: {host: db}}\nusers: {u: {certificate: cn}}\n" + signed_by, files()) ==
      Lines{
          "f:2: users.u: warning: has nothing to log in to the server of databases.app with: give the user a "
          "secret, or set iam there"});
}

TEST_CASE("a role's ARN is one without a path") {
  CHECK(is_role_arn(role));
  CHECK(is_role_arn("arn:aws-us-gov:iam::123456789012:role/a+=,.@_-b"));
  for (const char* bad :
       {"", "arn", "arn:aws:iam::123456789012:role/", "arn:aws:iam::123456789012:role/path/worker",
        "arn:aws:iam::12345678901:role/worker", "arn:aws:sts::123456789012:assumed-role/worker/x",
        "arn:aws:iam:eu-west-1:123456789012:role/worker", "arn:aws:iam::123456789012:role/worker:x",
        "arn:aws:iam::123456789012:user/worker", "arn:aws:iam::123456789012:role/*"})
    CHECK_FALSE(is_role_arn(bad));
}

TEST_CASE("plain http is for addresses that stay on this machine") {
  for (const char* good :
       {"https://sts.eu-west-1.amazonaws.com", "https://x:8443/a?b", "http://127.0.0.1:80/x",
        "http://localhost", "http://[::1]:1", "http://169.254.170.2/v2/credentials/x",
        "http://169.254.170.23", "http://[fd00:ec2::23]/x"})
    CHECK(is_aws_url(good));
  for (const char* bad :
       {"", "sts.example", "ftp://127.0.0.1", "http://10.0.0.1", "http://169.255.1.1", "http://example.org",
        "http://127.0.0.1@example.org/", "https://user@host/", "https://host/#x", "https://", "https:///x",
        "https://host/a b", "http://[fd00:ec3::23]", "http://127.0.0.1.example.org", "https://h\xc3\xb6st/"})
    CHECK_FALSE(is_aws_url(bad));
}

TEST_CASE("a reload tells what it changes about AWS, but no secret") {
  const auto from = load(with_secret("x")).settings;
  const auto to = load(with_secret("y", "region: eu-west-2, secrets: {grace: 5m}")).settings;
  Lines lines;
  for (const Change& change : diff(*from, *to)) lines.push_back(to_string(change));
  CHECK(lines ==
        Lines{"aws.region: eu-west-1 -> eu-west-2", "aws.secrets.grace: 1h -> 5m", "users.u.secret: x -> y"});
}
