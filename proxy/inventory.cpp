#include "proxy/inventory.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <iterator>

#include "proxy/pool.hpp"
#include "proxy/services.hpp"
#include "proxy/session.hpp"
#include "proxy/worker.hpp"

namespace pgweir {
namespace {

// Some 0.2 ms, most of it for asking the kernel for local addresses.
constexpr std::size_t sessions_in_a_round = 128;

// What every worker is asked for. Each has an answer of its own; the last one tells the main thread.
template <class Answer>
struct Asked {
  using Done = std::function<void(std::vector<Answer>&)>;

  Asked(Services& all, Done told)
      : services(all), done(std::move(told)), answers(all.workers.size()), open(all.workers.size()) {}

  Services& services;
  const Done done;
  std::vector<Answer> answers;
  std::atomic<std::size_t> open;
};
template <class Answer>
void finish_one(const std::shared_ptr<Asked<Answer>>& asked) {
  if (asked->open.fetch_sub(1) == 1) asked->services.post_to_main([asked] { asked->done(asked->answers); });
}

struct Descriptions {
  std::vector<ClientFacts> clients;
  std::vector<ServerFacts> servers;
  std::vector<std::uint64_t> left;  // sessions that were not looked at yet
};
using AskedDescriptions = std::shared_ptr<Asked<Descriptions>>;

// Looks at some sessions now, and at the others from round to round of the worker's loop.
void describe_some(Worker& worker, const AskedDescriptions& asked, ClientsWanted wanted) {
  Descriptions& to = asked->answers[worker.index()];
  for (std::size_t n = std::min(to.left.size(), sessions_in_a_round); n > 0; --n) {
    const Session* const session = worker.find_session(to.left.back());
    to.left.pop_back();
    if (session != nullptr) session->describe(wanted, to.clients, to.servers);
  }
  if (to.left.empty()) return finish_one(asked);
  worker.next_round([&worker, asked, wanted] { describe_some(worker, asked, wanted); });
}

Inventory complete(const Services& services, ClientsWanted wanted, std::vector<Descriptions>& from) {
  Inventory inventory;
  for (Descriptions& each : from) {
    std::move(each.clients.begin(), each.clients.end(), std::back_inserter(inventory.clients));
    std::move(each.servers.begin(), each.servers.end(), std::back_inserter(inventory.servers));
  }
  if (wanted == ClientsWanted::with_servers || wanted == ClientsWanted::all) {
    for (const auto& pool : services.pools.all()) pool->describe_idle(inventory.servers);
  }
  inventory.pools = take_pools(services);
  inventory.client_count = services.sessions();
  inventory.console_count = services.consoles.load();
  inventory.now = Clock::now();
  inventory.wall = std::chrono::system_clock::now();
  return inventory;
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

void gather_inventory(Services& services, ClientsWanted wanted, std::function<void(const Inventory&)> done) {
  std::vector<Descriptions> nothing;
  if (wanted == ClientsWanted::none) return done(complete(services, wanted, nothing));
  const auto asked = std::make_shared<Asked<Descriptions>>(
      services, [&services, wanted, done = std::move(done)](std::vector<Descriptions>& answers) {
        done(complete(services, wanted, answers));
      });
  for (const auto& worker : services.workers) {
    worker->post([worker = worker.get(), asked, wanted] {
      asked->answers[worker->index()].left = worker->session_ids();
      describe_some(*worker, asked, wanted);
    });
  }
}

void gather_tally(Services& services, std::function<void(const ClientTally&)> done) {
  const auto asked = std::make_shared<Asked<ClientTally>>(
      services, [done = std::move(done)](const std::vector<ClientTally>& answers) {
        ClientTally sum;
        for (const ClientTally& each : answers) {
          sum.tls += each.tls;
          sum.in_transaction += each.in_transaction;
          sum.pinned += each.pinned;
        }
        done(sum);
      });
  for (const auto& worker : services.workers) {
    worker->post([worker = worker.get(), asked] {
      asked->answers[worker->index()] = worker->tally();
      finish_one(asked);
    });
  }
}

}  // namespace pgweir
