// Metrics as CloudWatch Embedded Metric Format: one JSON object a line on standard output, which the log
// driver of ECS or Lambda takes to CloudWatch. Names, units and meanings are those of RDS Proxy, so that its
// dashboards and alarms need another namespace only. (AWS: "Embedded metric format specification";
// "Monitoring RDS Proxy metrics".) Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace pgweir {

// What has happened since the start, and what is there now.
struct EmfSample {
  // Since the start. Times in microseconds.
  std::uint64_t accepted = 0;
  std::uint64_t logged_in = 0;
  std::uint64_t failed_authentication = 0;  // a failed TLS handshake included
  std::uint64_t closed = 0;
  std::uint64_t queries = 0;
  std::uint64_t query_us = 0;
  std::uint64_t borrows = 0;
  std::uint64_t borrow_us = 0;
  std::uint64_t server_logins = 0;  // attempted
  std::uint64_t server_logins_failed = 0;
  std::uint64_t pool_looks = 0;  // how often it was looked whether each pool has a server
  std::uint64_t pools_up = 0;    // of those, how often it had
  // Now.
  std::uint64_t clients = 0;
  std::uint64_t clients_tls = 0;
  std::uint64_t in_transaction = 0;
  std::uint64_t backends = 0;
  std::uint64_t backends_max = 0;
  std::uint64_t borrowed = 0;
  std::uint64_t pinned = 0;
};

struct EmfNames {
  std::string metric_namespace;
  std::string proxy;  // the dimension ProxyName
};

// Without a line's end.
std::string emf_line(const EmfSample& before, const EmfSample& now, const EmfNames& names,
                     std::chrono::system_clock::time_point at);

}  // namespace pgweir
