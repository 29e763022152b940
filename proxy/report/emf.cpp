#include "proxy/report/emf.hpp"

#include <nlohmann/json.hpp>
#include <optional>

namespace pgweir {
namespace {

using nlohmann::json;

struct Metric {
  const char* name;
  const char* unit;
  std::optional<double> value;  // nothing: there was nothing to measure
};

std::optional<double> average(std::uint64_t sum, std::uint64_t count) {
  if (count == 0) return std::nullopt;
  return static_cast<double>(sum) / static_cast<double>(count);
}

std::vector<Metric> metrics_of(const EmfSample& before, const EmfSample& now) {
  // A pool that is no longer configured takes its counts with it.
  const auto since = [&](std::uint64_t EmfSample::*field) {
    return now.*field > before.*field ? now.*field - before.*field : 0;
  };
  const auto count = [&](std::uint64_t EmfSample::*field) { return static_cast<double>(since(field)); };
  const auto gauge = [](std::uint64_t value) { return static_cast<double>(value); };
  const std::uint64_t queries = since(&EmfSample::queries);
  const std::uint64_t server_logins = since(&EmfSample::server_logins);
  const std::uint64_t failed = since(&EmfSample::server_logins_failed);
  std::optional<double> available = average(100 * since(&EmfSample::pools_up), since(&EmfSample::pool_looks));
  return {
      {"AvailabilityPercentage", "Percent", available},
      {"ClientConnections", "Count", gauge(now.clients)},
      {"ClientConnectionsClosed", "Count", count(&EmfSample::closed)},
      {"ClientConnectionsNoTLS", "Count", gauge(now.clients - now.clients_tls)},
      {"ClientConnectionsReceived", "Count", count(&EmfSample::accepted)},
      {"ClientConnectionsSetupFailedAuth", "Count", count(&EmfSample::failed_authentication)},
      {"ClientConnectionsSetupSucceeded", "Count", count(&EmfSample::logged_in)},
      {"ClientConnectionsTLS", "Count", gauge(now.clients_tls)},
      {"DatabaseConnectionRequests", "Count", static_cast<double>(server_logins)},
      {"DatabaseConnections", "Count", gauge(now.backends)},
      {"DatabaseConnectionsBorrowLatency", "Microseconds",
       average(since(&EmfSample::borrow_us), since(&EmfSample::borrows))},
      {"DatabaseConnectionsCurrentlyBorrowed", "Count", gauge(now.borrowed)},
      {"DatabaseConnectionsCurrentlyInTransaction", "Count", gauge(now.in_transaction)},
      {"DatabaseConnectionsCurrentlySessionPinned", "Count", gauge(now.pinned)},
      {"DatabaseConnectionsSetupFailed", "Count", static_cast<double>(failed)},
      {"DatabaseConnectionsSetupSucceeded", "Count",
       static_cast<double>(server_logins > failed ? server_logins - failed : 0)},
      {"MaxDatabaseConnectionsAllowed", "Count", gauge(now.backends_max)},
      {"QueryDatabaseResponseLatency", "Microseconds", average(since(&EmfSample::query_us), queries)},
      {"QueryRequests", "Count", static_cast<double>(queries)},
      {"QueryResponseLatency", "Microseconds",
       average(since(&EmfSample::query_us) + since(&EmfSample::borrow_us), queries)},
  };
}

}  // namespace

std::string emf_line(const EmfSample& before, const EmfSample& now, const EmfNames& names,
                     std::chrono::system_clock::time_point at) {
  json line = json::object();
  json described = json::array();
  for (const Metric& metric : metrics_of(before, now)) {
    if (!metric.value) continue;
    described.push_back({{"Name", metric.name}, {"Unit", metric.unit}, {"StorageResolution", 60}});
    line[metric.name] = *metric.value;
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  const json directive = {{"Namespace", names.metric_namespace},
                          {"Dimensions", json::array({json::array({"ProxyName"})})},
                          {"Metrics", std::move(described)}};
  line["_aws"] = {{"Timestamp", ms}, {"CloudWatchMetrics", json::array({directive})}};
  line["ProxyName"] = names.proxy;
  return line.dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace pgweir
