#include "tests/simulation/model/session.hpp"

#include <catch2/catch.hpp>

#include "protocol/frontend.hpp"

using namespace pgweir;
using namespace pgweir::simulation;

TEST_CASE("a session logs in and answers a query") {
  ModelCluster cluster;
  cluster.add_role("app");
  cluster.add_database("app");
  ModelSession session(cluster, 7, 9);
  ByteBuffer bytes;
  write_startup_message(bytes, 0, "app", "app", {});
  write_query(bytes, "SELECT 'nonce'");
  session.receive(bytes);
  CHECK(session.has_begun());
  CHECK(as_text(session.take_output()).find("nonce") != std::string_view::npos);
  CHECK(session.is_clean());
}
