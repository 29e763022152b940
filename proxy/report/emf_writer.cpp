#include "proxy/report/emf_writer.hpp"

#include <unistd.h>

#include <array>

#include "proxy/pool/pool.hpp"
#include "proxy/report/sources.hpp"
#include "proxy/worker/workers.hpp"

namespace pgweir {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("pgweir");
}

}  // namespace

void EmfWriter::observe(const config::Metrics& settings, const std::vector<PoolFacts>& pools, TimePoint now) {
  for (const PoolFacts& pool : pools) {
    if (pool.settings->min_size == 0 && pool.clients == 0) continue;  // no client wants it
    ++looks_;
    up_ += pool.up ? 1 : 0;
  }
  if (now - printed_at_ < settings.emf_interval) return;
  printed_at_ = now;
  const EmfSample sampled = sample(pools);
  if (!settings.emf) {
    before_ = sampled;
    return;
  }
  const EmfNames names{settings.emf_namespace,
                       settings.emf_proxy_name.empty() ? host_name() : settings.emf_proxy_name};
  gather_tally(sources_, [this, names, sampled](const ClientTally& tally) {
    EmfSample whole = sampled;
    whole.clients_tls = tally.tls;
    whole.pinned = tally.pinned;
    whole.in_transaction = tally.in_transaction;
    print(names, whole);
  });
}

void EmfWriter::print(const EmfNames& names, const EmfSample& sampled) {
  out_ << emf_line(before_, sampled, names, std::chrono::system_clock::now()) << std::endl;
  before_ = sampled;
}

EmfSample EmfWriter::sample(const std::vector<PoolFacts>& pools) const {
  EmfSample s;
  for (const auto& worker : sources_.workers.list) {
    const WorkerCounters& counters = worker->counters();
    s.accepted += counters.accepted.get();
    s.logged_in += counters.logins_ok.get();
    for (const Reason reason :
         {Reason::authentication_failed, Reason::tls_failed, Reason::tls_required, Reason::no_access_rule})
      s.failed_authentication += counters.ended[static_cast<std::size_t>(reason)].get();
    s.clients += counters.clients.get();
  }
  s.closed = s.accepted - s.clients;
  for (const PoolFacts& pool : pools) {
    s.queries += pool.totals.queries;
    s.query_us += pool.totals.query_us;
    s.borrows += pool.totals.assignments;
    s.borrow_us += pool.totals.wait_us;
    s.server_logins += pool.totals.server_logins;
    s.server_logins_failed += pool.totals.server_logins_failed;
    s.backends += pool.counts.total() - pool.counts.opening;
    s.backends_max += pool.settings->max_size;
    s.borrowed += pool.counts.borrowed;
  }
  s.pool_looks = looks_;
  s.pools_up = up_;
  return s;
}

}  // namespace pgweir
