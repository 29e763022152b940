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

// Has every worker fill in an answer of its own and takes those that come in time; the number of the others.
// A worker may answer when nobody waits any more: the answer is shared with it.
template <class Answer, class Fill, class Take>
unsigned ask_workers(const Services& services, Fill fill, Take take) {
  struct Asked {
    Answer answer;
    std::promise<void> done;
  };
  std::vector<std::pair<std::shared_ptr<Asked>, std::future<void>>> asked;
  for (const auto& worker : services.workers) {
    auto each = std::make_shared<Asked>();
    asked.emplace_back(each, each->done.get_future());
    worker->post([worker = worker.get(), each, fill] {
      fill(*worker, each->answer);
      each->done.set_value();
    });
  }
  const auto deadline = Clock::now() + inventory_timeout;
  unsigned silent = 0;
  for (auto& [each, done] : asked) {
    const bool answered = done.wait_until(deadline) == std::future_status::ready;
    if (answered) take(each->answer);
    silent += answered ? 0 : 1;
  }
  return silent;
}

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
    for (std::size_t i = 0; i < c.logins.size(); ++i) {
      totals.server_logins += c.logins[i].get();
      if (i != static_cast<std::size_t>(BackendLoginResult::ok))
        totals.server_logins_failed += c.logins[i].get();
    }
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

Inventory take_pool_inventory(const Services& services) {
  Inventory inventory;
  inventory.pools = take_pools(services);
  inventory.now = Clock::now();
  inventory.wall = std::chrono::system_clock::now();
  return inventory;
}

Inventory take_inventory(const Services& services) {
  struct Answer {
    std::vector<ClientFacts> clients;
    std::vector<ServerFacts> servers;
  };
  std::vector<ClientFacts> clients;
  std::vector<ServerFacts> servers;
  const unsigned silent_workers = ask_workers<Answer>(
      services, [](const Worker& worker, Answer& to) { worker.describe(to.clients, to.servers); },
      [&](Answer& from) {
        std::move(from.clients.begin(), from.clients.end(), std::back_inserter(clients));
        std::move(from.servers.begin(), from.servers.end(), std::back_inserter(servers));
      });
  for (const auto& pool : services.pools.all()) pool->describe_idle(servers);
  Inventory inventory = take_pool_inventory(services);
  inventory.clients = std::move(clients);
  inventory.servers = std::move(servers);
  inventory.silent_workers = silent_workers;
  return inventory;
}

ClientTally take_tally(const Services& services) {
  ClientTally sum;
  ask_workers<ClientTally>(
      services, [](const Worker& worker, ClientTally& to) { to = worker.tally(); },
      [&](const ClientTally& from) {
        sum.tls += from.tls;
        sum.in_transaction += from.in_transaction;
        sum.pinned += from.pinned;
      });
  return sum;
}

}  // namespace pgweir
