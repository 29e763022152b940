#include "config/network.hpp"

#include <catch2/catch.hpp>

using namespace pgweir::config;

namespace {

bool contains(const char* network, const char* address) {
  std::string error;
  const std::optional<Network> parsed = parse_network(network, error);
  REQUIRE(parsed.has_value());
  REQUIRE(parse_address(address).has_value());
  return parsed->contains(*parse_address(address));
}

}  // namespace

TEST_CASE("a network holds the addresses of its prefix") {
  CHECK(contains("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  CHECK(contains("10.1.2.128/25", "10.1.2.129"));
  CHECK_FALSE(contains("10.1.2.128/25", "10.1.2.127"));
  CHECK(contains("192.0.2.7", "192.0.2.7"));
  CHECK_FALSE(contains("192.0.2.7", "192.0.2.6"));
  CHECK(contains("0.0.0.0/0", "203.0.113.9"));
  CHECK(contains("fd00::/8", "fdff::1"));
  CHECK_FALSE(contains("fd00::/8", "fe80::1"));
}

TEST_CASE("IPv4 and IPv6 are not taken for each other, except where one is written as the other") {
  CHECK_FALSE(contains("0.0.0.0/0", "::1"));
  CHECK(contains("::/0", "192.0.2.1"));
  CHECK(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
}

TEST_CASE("a network is written as it is read") {
  for (const char* const text : {"10.0.0.0/8", "192.0.2.7/32", "0.0.0.0/0", "fd00::/8", "::/0", "::1/128"}) {
    std::string error;
    const std::optional<Network> network = parse_network(text, error);
    REQUIRE(network.has_value());
    CHECK(to_string(*network) == text);
  }
}

TEST_CASE("what is no address is none") {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv, "10"sv, "10.0.0"sv, "10.0.0.256"sv, "10.0.0.1 "sv, "::g"sv,
                                      "host"sv, "10.0.0.1\0"sv, "fe80::1%eth0"sv}) {
    CHECK_FALSE(parse_address(text).has_value());
  }
  for (const char* const text : {"10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/8x", "/8", "::/129"}) {
    std::string error;
    CHECK_FALSE(parse_network(text, error).has_value());
    CHECK_FALSE(error.empty());
  }
}
