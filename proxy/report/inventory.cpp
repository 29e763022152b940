#include "proxy/report/inventory.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>

#include "proxy/entry/console_desk.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/report/sources.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/session_directory.hpp"
#include "proxy/worker/workers.hpp"

namespace pgweir {
namespace {

// Some 0.2 ms, most of it for asking the kernel for local addresses.
constexpr std::size_t sessions_in_a_round = 128;

// What every worker is asked for. Each has an answer of its own; the last one tells the main thread.
template <class Answer>
struct Asked {
  using Done = std::function<void(std::vector<Answer>&)>;

  Asked(const Sources& all, Done told)
      : sources(all), done(std::move(told)), answers(all.workers.list.size()), open(answers.size()) {}

  const Sources& sources;
  const Done done;
  std::vector<Answer> answers;
  std::atomic<std::size_t> open;
};
template <class Answer>
void finish_one(const std::shared_ptr<Asked<Answer>>& asked) {
  if (asked->open.fetch_sub(1) == 1) asked->sources.post_to_main([asked] { asked->done(asked->answers); });
}

struct Descriptions {
  std::vector<ClientFacts> clients;
  std::vector<ServerFacts> servers;
  std::vector<std::uint64_t> left;  // sessions that were not looked at yet
};
using AskedDescriptions = std::shared_ptr<Asked<Descriptions>>;

// Looks at some sessions now, and at the others from round to round of the worker's loop.
void describe_some(const SessionDirectory& sessions, const AskedDescriptions& asked, ClientsWanted wanted) {
  Worker& worker = sessions.worker();
  Descriptions& to = asked->answers[worker.index()];
  for (std::size_t n = std::min(to.left.size(), sessions_in_a_round); n > 0; --n) {
    const Session* const session = sessions.find(to.left.back());
    to.left.pop_back();
    if (session != nullptr) session->view().describe(wanted, to.clients, to.servers);
  }
  if (to.left.empty()) return finish_one(asked);
  worker.next_round([&sessions, asked, wanted] { describe_some(sessions, asked, wanted); });
}

Inventory complete(const Sources& sources, ClientsWanted wanted, std::vector<Descriptions>& from) {
  Inventory inventory;
  for (Descriptions& each : from) {
    std::move(each.clients.begin(), each.clients.end(), std::back_inserter(inventory.clients));
    std::move(each.servers.begin(), each.servers.end(), std::back_inserter(inventory.servers));
  }
  if (wanted == ClientsWanted::with_servers || wanted == ClientsWanted::all) {
    for (const auto& pool : sources.pools.all()) pool->describe_idle(inventory.servers);
  }
  inventory.pools = take_pools(sources);
  inventory.client_count = sources.sessions.count();
  inventory.console_count = sources.console.sessions.load();
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

// What the counters tell beside the totals.
void add_load(const Pool& pool, PoolFacts& facts) {
  for (const auto& counters : pool.all_counters()) {
    facts.durations.borrow_wait.add(counters->borrow_wait);
    facts.durations.query.add(counters->query);
    facts.durations.transaction.add(counters->transaction);
    for (std::size_t i = 0; i < pin_count; ++i) facts.pinned[i] += counters->pinned[i].get();
  }
}

}  // namespace

std::vector<PoolFacts> take_pools(const Sources& sources) {
  std::vector<PoolFacts> facts;
  for (const auto& pool : sources.pools.all()) {
    PoolFacts each = pool->facts();
    each.totals = totals_of(*pool);
    add_load(*pool, each);
    facts.push_back(std::move(each));
  }
  return facts;
}

void gather_inventory(const Sources& sources, ClientsWanted wanted,
                      std::function<void(const Inventory&)> done) {
  std::vector<Descriptions> nothing;
  if (wanted == ClientsWanted::none) return done(complete(sources, wanted, nothing));
  const auto asked = std::make_shared<Asked<Descriptions>>(
      sources, [&sources, wanted, done = std::move(done)](std::vector<Descriptions>& answers) {
        done(complete(sources, wanted, answers));
      });
  for (const auto& each : sources.sessions.all()) {
    each->worker().post([&sessions = *each, asked, wanted] {
      asked->answers[sessions.worker().index()].left = sessions.ids();
      describe_some(sessions, asked, wanted);
    });
  }
}

void gather_tally(const Sources& sources, std::function<void(const ClientTally&)> done) {
  const auto asked = std::make_shared<Asked<ClientTally>>(
      sources, [done = std::move(done)](const std::vector<ClientTally>& answers) {
        ClientTally sum;
        for (const ClientTally& each : answers) {
          sum.tls += each.tls;
          sum.in_transaction += each.in_transaction;
          sum.pinned += each.pinned;
        }
        done(sum);
      });
  for (const auto& each : sources.sessions.all()) {
    each->worker().post([&sessions = *each, asked] {
      asked->answers[sessions.worker().index()] = sessions.tally();
      finish_one(asked);
    });
  }
}

}  // namespace pgweir
