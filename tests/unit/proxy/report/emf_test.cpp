#include "proxy/report/emf.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

namespace pgweir {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const EmfNames names{"pgweir", "proxy-1"};
const std::chrono::system_clock::time_point at{1'764'000'000'123ms};

TEST_CASE("a line of EMF describes exactly the metrics that it has") {
  EmfSample now;
  now.queries = now.borrows = now.pool_looks = 1;
  const json line = json::parse(emf_line({}, now, names, at));
  CHECK(line["_aws"]["Timestamp"] == 1'764'000'000'123);
  const json& directive = line["_aws"]["CloudWatchMetrics"][0];
  CHECK(directive["Namespace"] == "pgweir");
  CHECK(directive["Dimensions"] == json::parse(R"([["ProxyName"]])"));
  CHECK(line["ProxyName"] == "proxy-1");
  std::set<std::string> described;
  for (const json& metric : directive["Metrics"]) {
    described.insert(metric["Name"]);
    CHECK(line[std::string(metric["Name"])].is_number());
    CHECK((metric["Unit"] == "Count" || metric["Unit"] == "Microseconds" || metric["Unit"] == "Percent"));
  }
  // RDS Proxy's, but for those that it has of its endpoints alone.
  CHECK(described == std::set<std::string>{"AvailabilityPercentage",
                                           "ClientConnections",
                                           "ClientConnectionsClosed",
                                           "ClientConnectionsNoTLS",
                                           "ClientConnectionsReceived",
                                           "ClientConnectionsSetupFailedAuth",
                                           "ClientConnectionsSetupSucceeded",
                                           "ClientConnectionsTLS",
                                           "DatabaseConnectionRequests",
                                           "DatabaseConnections",
                                           "DatabaseConnectionsBorrowLatency",
                                           "DatabaseConnectionsCurrentlyBorrowed",
                                           "DatabaseConnectionsCurrentlyInTransaction",
                                           "DatabaseConnectionsCurrentlySessionPinned",
                                           "DatabaseConnectionsSetupFailed",
                                           "DatabaseConnectionsSetupSucceeded",
                                           "MaxDatabaseConnectionsAllowed",
                                           "QueryDatabaseResponseLatency",
                                           "QueryRequests",
                                           "QueryResponseLatency"});
  CHECK(line.size() == described.size() + 2);
}

TEST_CASE("counts and latencies are those since the last line, gauges those of now") {
  EmfSample before;
  before.accepted = 100;
  before.queries = 1'000;
  before.query_us = 5'000;
  before.borrow_us = 40;
  before.borrows = 10;
  before.server_logins = 7;
  before.server_logins_failed = 2;
  before.pool_looks = before.pools_up = 50;
  EmfSample now = before;
  now.accepted += 3;
  now.queries += 4;
  now.query_us += 800;
  now.borrows += 2;
  now.borrow_us += 100;
  now.server_logins += 5;
  now.server_logins_failed += 1;
  now.pool_looks += 10;
  now.pools_up += 9;
  now.clients = 12;
  now.clients_tls = 5;
  const json line = json::parse(emf_line(before, now, names, at));
  CHECK(line["ClientConnectionsReceived"] == 3);
  CHECK(line["QueryRequests"] == 4);
  CHECK(line["QueryDatabaseResponseLatency"] == 200);
  CHECK(line["QueryResponseLatency"] == 225);
  CHECK(line["DatabaseConnectionsBorrowLatency"] == 50);
  CHECK(line["DatabaseConnectionRequests"] == 5);
  CHECK(line["DatabaseConnectionsSetupSucceeded"] == 4);
  CHECK(line["DatabaseConnectionsSetupFailed"] == 1);
  CHECK(line["AvailabilityPercentage"] == 90);
  CHECK(line["ClientConnections"] == 12);
  CHECK(line["ClientConnectionsTLS"] == 5);
  CHECK(line["ClientConnectionsNoTLS"] == 7);
}

TEST_CASE("where nothing was measured there is no latency, rather than a good one") {
  const json line = json::parse(emf_line({}, {}, names, at));
  CHECK_FALSE(line.contains("QueryResponseLatency"));
  CHECK_FALSE(line.contains("DatabaseConnectionsBorrowLatency"));
  CHECK_FALSE(line.contains("AvailabilityPercentage"));
  CHECK(line["QueryRequests"] == 0);
}

TEST_CASE("a pool that is gone makes no count negative") {
  EmfSample before;
  before.queries = before.server_logins = before.server_logins_failed = 1'000;
  EmfSample now;
  now.queries = 10;
  const json line = json::parse(emf_line(before, now, names, at));
  CHECK(line["QueryRequests"] == 0);
  CHECK(line["DatabaseConnectionsSetupSucceeded"] == 0);
  CHECK_FALSE(line.contains("QueryResponseLatency"));
}

TEST_CASE("a name that is not UTF-8 breaks no line") {
  const std::string text = emf_line({}, {}, {"a\xff\nb", "c"}, at);
  CHECK(text.find('\n') == std::string::npos);
  CHECK(json::accept(text));
}

}  // namespace
}  // namespace pgweir
