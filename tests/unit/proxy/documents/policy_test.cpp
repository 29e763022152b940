#include "proxy/documents/policy.hpp"

#include <catch2/catch.hpp>

using namespace pgweir::doctor;

TEST_CASE("a pattern's * stands for anything, its ? for one character") {
  struct Case {
    const char* pattern;
    const char* text;
    bool fits;
  };
  const Case cases[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "anything", true},
      {"ec2:*", "ec2:CreateNetworkInterface", true},
      {"ec2:*", "ec", false},
      {"ec2:*Interface", "ec2:CreateNetworkInterface", true},
      {"ec2:*Interface", "ec2:CreateNetworkInterfaces", false},
      {"*a*b*", "xxaxxbxx", true},
      {"*a*b*", "xxbxxaxx", false},
      {"a*a", "a", false},
      {"a*a", "aa", true},
      {"?", "", false},
      {"d?-ABC", "db-ABC", true},
      {"**", "x", true},
      {"*ab", "aab", true},
      {"*aab", "aaab", true},
  };
  for (const Case& c : cases) {
    INFO(c.pattern << " and " << c.text);
    CHECK(fits_pattern(c.pattern, c.text) == c.fits);
  }
}

TEST_CASE("a pattern of many stars takes no time") {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  CHECK_FALSE(fits_pattern(pattern + "b", std::string(2000, 'a')));
}

TEST_CASE("a policy allows by the action's name in any case, and what is denied is not allowed") {
  const Json allow =
      Json::parse(R"({"Statement": {"Effect": "Allow", "Action": "RDS-DB:Connect", "Resource": "arn:*"}})");
  const Json deny =
      Json::parse(R"({"Statement": [{"Effect": "Deny", "Action": ["*"], "Resource": ["arn:secret*"]}]})");
  const Json conditional = Json::parse(
      R"({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"x": "true"}}}]})");
  CHECK(allows({allow}, "rds-db:connect", "arn:one"));
  CHECK_FALSE(allows({allow}, "rds-db:connect", "other"));
  CHECK_FALSE(allows({allow, deny}, "rds-db:connect", "arn:secret1"));
  CHECK_FALSE(allows({conditional}, "rds-db:connect", "arn:one"));
  CHECK_FALSE(allows({Json(), Json::array(), Json("text")}, "rds-db:connect", "arn:one"));
}
