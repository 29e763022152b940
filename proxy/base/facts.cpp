#include "proxy/base/facts.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <charconv>

namespace pgweir {
namespace {

Endpoint endpoint_of(int fd, int (*name_of)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (name_of(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  const int error = ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, port,
                                  sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  return error == 0 ? pgweir::endpoint_of(std::string(host) + ':' + port) : Endpoint{};
}

}  // namespace

PoolTotals& PoolTotals::operator+=(const PoolTotals& other) {
  assignments += other.assignments;
  transactions += other.transactions;
  queries += other.queries;
  received += other.received;
  sent += other.sent;
  transaction_us += other.transaction_us;
  query_us += other.query_us;
  wait_us += other.wait_us;
  client_parses += other.client_parses;
  server_parses += other.server_parses;
  binds += other.binds;
  logins += other.logins;
  server_logins += other.server_logins;
  server_logins_failed += other.server_logins_failed;
  return *this;
}

PoolTotals PoolTotals::operator-(const PoolTotals& earlier) const {
  PoolTotals difference;
  difference.assignments = assignments - earlier.assignments;
  difference.transactions = transactions - earlier.transactions;
  difference.queries = queries - earlier.queries;
  difference.received = received - earlier.received;
  difference.sent = sent - earlier.sent;
  difference.transaction_us = transaction_us - earlier.transaction_us;
  difference.query_us = query_us - earlier.query_us;
  difference.wait_us = wait_us - earlier.wait_us;
  difference.client_parses = client_parses - earlier.client_parses;
  difference.server_parses = server_parses - earlier.server_parses;
  difference.binds = binds - earlier.binds;
  difference.logins = logins - earlier.logins;
  difference.server_logins = server_logins - earlier.server_logins;
  difference.server_logins_failed = server_logins_failed - earlier.server_logins_failed;
  return difference;
}

PoolCounts& PoolCounts::operator+=(const PoolCounts& other) {
  idle += other.idle;
  borrowed += other.borrowed;
  opening += other.opening;
  leaving += other.leaving;
  waiting += other.waiting;
  return *this;
}

Endpoint endpoint_of(const std::string& address_and_port) {
  const std::size_t colon = address_and_port.rfind(':');
  if (colon == std::string::npos) return {address_and_port, 0};
  Endpoint endpoint{address_and_port.substr(0, colon), 0};
  const char* const end = address_and_port.data() + address_and_port.size();
  std::from_chars(address_and_port.data() + colon + 1, end, endpoint.port);
  return endpoint;
}

Endpoint local_endpoint(int fd) {
  return endpoint_of(fd, ::getsockname);
}

Endpoint remote_endpoint(int fd) {
  return endpoint_of(fd, ::getpeername);
}

}  // namespace pgweir
