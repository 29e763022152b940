#include "bench/burst_options.hpp"

#include <limits>

#include <catch2/catch.hpp>

using namespace pgweir::bench;

TEST_CASE("the defaults of a burst are in order") {
  CHECK(check(BurstOptions{}).empty());
}

TEST_CASE("an empty database means the user's name") {
  BurstOptions options;
  options.user = "app";
  CHECK(options.database_name() == "app");
  options.database = "shop";
  CHECK(options.database_name() == "shop");
}

TEST_CASE("each wrong argument is named") {
  struct Case {
    const char* argument;
    void (*spoil)(BurstOptions&);
  };
  const Case cases[] = {
      {"--host", [](BurstOptions& o) { o.host.clear(); }},
      {"--host", [](BurstOptions& o) { o.host = "/run/postgresql"; }},
      {"--port", [](BurstOptions& o) { o.port = 0; }},
      {"--user", [](BurstOptions& o) { o.user.clear(); }},
      {"--database", [](BurstOptions& o) { o.database = std::string("a\0b", 3); }},
      {"--clients", [](BurstOptions& o) { o.clients = 0; }},
      {"--clients", [](BurstOptions& o) { o.clients = 1'000'001; }},
      {"--rate", [](BurstOptions& o) { o.rate = -1; }},
      {"--rate", [](BurstOptions& o) { o.rate = std::numeric_limits<double>::quiet_NaN(); }},
      {"--transactions", [](BurstOptions& o) { o.transactions = 0; }},
      {"--query", [](BurstOptions& o) { o.query.clear(); }},
      {"--timeout", [](BurstOptions& o) { o.timeout = std::chrono::seconds(0); }},
      {"--source-addresses", [](BurstOptions& o) { o.source_addresses = 0; }},
      {"--source-addresses", [](BurstOptions& o) { o.source_addresses = 251; }},
  };
  for (const Case& c : cases) {
    BurstOptions options;
    c.spoil(options);
    const auto problems = check(options);
    INFO(c.argument);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().find(c.argument) != std::string::npos);
  }
}

TEST_CASE("all problems are told at once") {
  BurstOptions options;
  options.port = 0;
  options.clients = 0;
  options.query.clear();
  CHECK(check(options).size() == 3);
}
