#include "tests/simulation/world/program_counts.hpp"

#include <numeric>

#include "proxy/pool/pool.hpp"
#include "proxy/process/services.hpp"

namespace pgweir::simulation {
namespace {

void add(const PoolCounters& from, ProgramCounts& to) {
  to.audit_findings += from.audit_findings.get();
  to.transactions += from.transactions.get();
  to.answered_here += from.answered_here.get();
  for (std::size_t i = 0; i < to.closes.size(); ++i) to.closes[i] += from.closes[i].get();
  for (std::size_t i = 0; i < to.logins.size(); ++i) to.logins[i] += from.logins[i].get();
}

}  // namespace

ProgramCounts counts_of(Services& services) {
  ProgramCounts all;
  for (const auto& worker : services.workers.list) {
    const WorkerCounters& counters = worker->counters();
    all.accepted += counters.accepted.get();
    all.cancels_received += counters.cancels_received.get();
    all.cancels_forwarded += counters.cancels_forwarded.get();
    for (std::size_t i = 0; i < all.ended.size(); ++i) all.ended[i] += counters.ended[i].get();
  }
  for (const auto& pool : services.pools.all()) {
    for (const auto& counters : pool->all_counters()) add(*counters, all);
  }
  return all;
}

std::uint64_t ProgramCounts::all_closes() const {
  return std::accumulate(closes.begin(), closes.end(), std::uint64_t{0});
}

std::uint64_t ProgramCounts::failed_logins() const {
  return std::accumulate(logins.begin(), logins.end(), std::uint64_t{0}) - of(BackendLoginResult::ok);
}

// The model's server and clients say nothing that the protocol does not allow, and what clients have set is known.
std::string impossible_in(const ProgramCounts& counts) {
  if (counts.audit_findings > 0) return "an audit has found what a client has left behind";
  if (counts.of(Reason::protocol_violation) > 0) return "a client was ended for a violation of the protocol";
  if (counts.of(Reason::internal_error) > 0) return "a client was ended for an error in the program itself";
  if (counts.of(BackendClose::protocol_violation) > 0)
    return "a server connection was closed for a violation of the protocol";
  return {};
}

}  // namespace pgweir::simulation
