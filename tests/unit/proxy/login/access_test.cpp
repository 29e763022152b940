#include "proxy/login/access.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

namespace {

config::Network network(const char* text) {
  std::string error;
  return config::parse_network(text, error).value();
}

config::Settings with(std::vector<config::AccessRule> rules) {
  config::Settings settings;
  settings.access = std::move(rules);
  return settings;
}

}  // namespace

TEST_CASE("without rules everybody may come, with rules nobody but whom one fits") {
  CHECK(may_enter({}, {std::nullopt, "app", "u", false}));
  CHECK_FALSE(may_enter(with({}), {std::nullopt, "app", "u", false}));
  CHECK(may_enter(with({{}}), {std::nullopt, "app", "u", false}));
}

TEST_CASE("a rule fits by all that it names") {
  const config::Settings settings =
      with({{true, {network("10.0.0.0/8"), network("fd00::/8")}, {"app"}, {"u", "v"}, true}});
  CHECK(may_enter(settings, {address_of("10.1.1.1:5000"), "app", "u", true}));
  CHECK(may_enter(settings, {address_of("fd00::1:5000"), "app", "v", true}));
  CHECK_FALSE(may_enter(settings, {address_of("11.1.1.1:5000"), "app", "u", true}));
  CHECK_FALSE(may_enter(settings, {std::nullopt, "app", "u", true}));
  CHECK_FALSE(may_enter(settings, {address_of("10.1.1.1:5000"), "other", "u", true}));
  CHECK_FALSE(may_enter(settings, {address_of("10.1.1.1:5000"), "app", "w", true}));
  CHECK_FALSE(may_enter(settings, {address_of("10.1.1.1:5000"), "app", "u", false}));
}

TEST_CASE("the first rule that fits decides") {
  const config::Settings settings =
      with({{false, {network("10.0.0.9")}, {}, {}, false}, {true, {network("10.0.0.0/8")}, {}, {}, false}});
  CHECK_FALSE(may_enter(settings, {address_of("10.0.0.9:1"), "app", "u", false}));
  CHECK(may_enter(settings, {address_of("10.0.0.8:1"), "app", "u", false}));
}

TEST_CASE("the address of a peer stands in front of its last colon") {
  CHECK(address_of("127.0.0.1:80") == config::parse_address("127.0.0.1"));
  CHECK(address_of("::1:80") == config::parse_address("::1"));
  CHECK_FALSE(address_of("unknown").has_value());
  CHECK_FALSE(address_of("").has_value());
}
