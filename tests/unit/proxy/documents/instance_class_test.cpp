#include "proxy/documents/instance_class.hpp"

#include <catch2/catch.hpp>

using namespace pgweir::doctor;

TEST_CASE("an instance class tells its memory") {
  struct Case {
    const char* name;
    std::int64_t gib;
  };
  const Case cases[] = {{"db.t4g.micro", 1},
                        {"db.t3.medium", 4},
                        {"db.t3.2xlarge", 32},
                        {"db.m6g.large", 8},
                        {"db.m6g.4xlarge", 64},
                        {"db.r6g.large", 16},
                        {"db.r6g.xlarge", 32},
                        {"db.r5.24xlarge", 768},
                        {"db.serverless", 0},
                        {"db.x2g.large", 0},
                        {"m6g.large", 0},
                        {"", 0},
                        {"db.r6g.9999999999999999999xlarge", 0}};
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(memory_gib(c.name) == c.gib);
  }
}

TEST_CASE("RDS's default of max_connections ends at 5000") {
  CHECK(default_max_connections("db.t4g.medium") == 450);
  CHECK(default_max_connections("db.r5.24xlarge") == 5000);
  CHECK(default_max_connections("db.serverless") == 0);
}
