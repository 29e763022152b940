#include "proxy/inventory.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <charconv>
#include <future>

#include "proxy/pool.hpp"
#include "proxy/services.hpp"
#include "proxy/worker.hpp"

namespace pgweir {
namespace {

// What one worker is asked to fill in. Shared with the worker, which may answer when nobody waits any more.
struct Answer {
  std::vector<ClientFacts> clients;
  std::vector<ServerFacts> servers;
  std::promise<void> done;
};

PoolTotals totals_of(const Pool& pool) {
  PoolTotals totals;
  for (const auto& counters : pool.all_counters()) {
    const PoolCounters& c = *counters;
    totals.assignments += c.borrows.get();
    totals.transactions += c.transactions.get();
    totals.queries += c.queries.get();
    totals.received += c.bytes_from_clients.get();
    totals.sent += c.bytes_to_clients.get();
    totals.transaction_us += c.transaction.sum_us();
    totals.query_us += c.query.sum_us();
    totals.wait_us += c.borrow_wait.sum_us();
    totals.client_parses += c.client_parses.get();
    totals.server_parses += c.server_parses.get();
    totals.binds += c.binds.get();
    totals.logins += c.logged_in.get();
  }
  return totals;
}

// What the counters tell of how it goes, beside the totals.
void add_load(const Pool& pool, PoolFacts& facts) {
  for (const auto& counters : pool.all_counters()) {
    facts.durations.borrow_wait.add(counters->borrow_wait);
    facts.durations.query.add(counters->query);
    facts.durations.transaction.add(counters->transaction);
    for (std::size_t i = 0; i < pin_count; ++i) facts.pinned[i] += counters->pinned[i].get();
  }
}

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
  return difference;
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

std::vector<PoolFacts> take_pools(const Services& services) {
  std::vector<PoolFacts> facts;
  for (const auto& pool : services.pools.all()) {
    PoolFacts each = pool->facts();
    each.totals = totals_of(*pool);
    add_load(*pool, each);
    facts.push_back(std::move(each));
  }
  return facts;
}

Inventory take_inventory(const Services& services) {
  std::vector<std::pair<std::shared_ptr<Answer>, std::future<void>>> answers;
  for (const auto& worker : services.workers) {
    auto answer = std::make_shared<Answer>();
    answers.emplace_back(answer, answer->done.get_future());
    worker->post([worker = worker.get(), answer] {
      worker->describe(answer->clients, answer->servers);
      answer->done.set_value();
    });
  }
  const auto deadline = Clock::now() + inventory_timeout;
  Inventory inventory;
  for (auto& [answer, done] : answers) {
    if (done.wait_until(deadline) != std::future_status::ready) {
      ++inventory.silent_workers;
      continue;
    }
    std::move(answer->clients.begin(), answer->clients.end(), std::back_inserter(inventory.clients));
    std::move(answer->servers.begin(), answer->servers.end(), std::back_inserter(inventory.servers));
  }
  for (const auto& pool : services.pools.all()) pool->describe_idle(inventory.servers);
  inventory.pools = take_pools(services);
  inventory.now = Clock::now();
  inventory.wall = std::chrono::system_clock::now();
  return inventory;
}

}  // namespace pgweir
