#include "proxy/report/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <array>

#include "proxy/listen/listen_hub.hpp"
#include "proxy/login/password_proofs.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/report/aws_metrics.hpp"
#include "proxy/report/metric_family.hpp"
#include "proxy/report/pool_group.hpp"
#include "proxy/report/process_metrics.hpp"
#include "proxy/report/sources.hpp"
#include "proxy/worker/workers.hpp"

namespace pgweir {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = MetricLabels;

Labels labels_of(const PoolGroup& pool) {
  return {{"database", pool.current().database()}, {"user", pool.current().user()}};
}

Labels labels_of(const PoolGroup& pool, std::string name, std::string value) {
  Labels labels = labels_of(pool);
  labels.push_back({std::move(name), std::move(value)});
  return labels;
}

using Pools = std::vector<PoolGroup>;

std::uint64_t sum(const PoolGroup& pool, Counter PoolCounters::*counter) {
  std::uint64_t total = 0;
  for (const auto& counters : pool.counters()) total += ((*counters).*counter).get();
  return total;
}

MetricFamily pool_counter(const Pools& pools, std::string name, std::string help,
                          Counter PoolCounters::*counter, MetricType type = MetricType::Counter) {
  MetricFamily f = metric_family(std::move(name), std::move(help), type);
  for (const PoolGroup& pool : pools) add_series(f, labels_of(pool), static_cast<double>(sum(pool, counter)));
  return f;
}

// One series for each of a closed list of reasons.
template <std::size_t Size>
MetricFamily pool_counters_by(const std::string& label, std::string_view (*name_of)(std::size_t),
                              const Pools& pools, std::string name, std::string help,
                              std::array<Counter, Size> PoolCounters::*array,
                              MetricType type = MetricType::Counter) {
  MetricFamily f = metric_family(std::move(name), std::move(help), type);
  for (const PoolGroup& pool : pools) {
    for (std::size_t i = 0; i < Size; ++i) {
      std::uint64_t total = 0;
      for (const auto& counters : pool.counters()) total += ((*counters).*array)[i].get();
      add_series(f, labels_of(pool, label, std::string(name_of(i))), static_cast<double>(total));
    }
  }
  return f;
}

MetricFamily pool_histogram(const Pools& pools, std::string name, std::string help,
                            DurationHistogram PoolCounters::*histogram) {
  MetricFamily f = metric_family(std::move(name), std::move(help), MetricType::Histogram);
  for (const PoolGroup& pool : pools) {
    std::vector<const DurationHistogram*> parts;
    for (const auto& counters : pool.counters()) parts.push_back(&((*counters).*histogram));
    add_histogram(f, labels_of(pool), parts);
  }
  return f;
}

MetricFamily worker_counter(const Sources& sources, std::string name, std::string help,
                            Counter WorkerCounters::*counter, MetricType type = MetricType::Counter) {
  MetricFamily f = metric_family(std::move(name), std::move(help), type);
  for (const auto& worker : sources.workers.list) {
    add_series(f, {{"worker", std::to_string(worker->index())}},
               static_cast<double>((worker->counters().*counter).get()));
  }
  return f;
}

void add_pool_state(const Pools& pools, std::vector<MetricFamily>& out) {
  MetricFamily backends = metric_family(
      "pgweir_backends", "Server connections by state; their sum never exceeds the limit", MetricType::Gauge);
  MetricFamily clients =
      metric_family("pgweir_pool_clients", "Clients of a pool by state", MetricType::Gauge);
  MetricFamily limits = metric_family(
      "pgweir_pool_limit", "Configured limits of a pool, in server connections", MetricType::Gauge);
  MetricFamily up = metric_family("pgweir_pool_up",
                                  "1: a login to the pool's server has succeeded, and none has failed since",
                                  MetricType::Gauge);
  MetricFamily paused =
      metric_family("pgweir_pool_paused", "1 while the console has it paused", MetricType::Gauge);
  MetricFamily wait = metric_family("pgweir_longest_wait_seconds",
                                    "How long the oldest waiting client has waited", MetricType::Gauge);
  for (const PoolGroup& pool : pools) {
    const PoolFacts facts = pool.facts();
    const PoolCounts& counts = facts.counts;
    add_series(backends, labels_of(pool, "state", "idle"), static_cast<double>(counts.idle));
    add_series(backends, labels_of(pool, "state", "borrowed"), static_cast<double>(counts.borrowed));
    add_series(backends, labels_of(pool, "state", "opening"), static_cast<double>(counts.opening));
    add_series(backends, labels_of(pool, "state", "leaving"), static_cast<double>(counts.leaving));
    const double all = static_cast<double>(facts.clients);
    const double waiting = static_cast<double>(counts.waiting);
    const double active = static_cast<double>(counts.borrowed);
    add_series(clients, labels_of(pool, "state", "waiting"), waiting);
    add_series(clients, labels_of(pool, "state", "active"), active);
    add_series(clients, labels_of(pool, "state", "idle"), std::max(0.0, all - waiting - active));
    add_series(limits, labels_of(pool, "limit", "min_size"), facts.settings->min_size);
    add_series(limits, labels_of(pool, "limit", "max_size"), facts.settings->max_size);
    add_series(up, labels_of(pool), facts.up ? 1 : 0);
    add_series(paused, labels_of(pool), facts.paused ? 1 : 0);
    const auto waited = facts.longest_wait ? Clock::now() - *facts.longest_wait : Clock::duration{};
    add_series(wait, labels_of(pool), std::chrono::duration<double>(waited).count());
  }
  out.push_back(std::move(up));
  out.push_back(std::move(paused));
  out.push_back(std::move(wait));
  out.push_back(std::move(backends));
  out.push_back(std::move(clients));
  out.push_back(std::move(limits));
}

void add_pins(const Pools& pools, std::vector<MetricFamily>& out) {
  const auto name_of = [](std::size_t i) { return text_of(static_cast<Pin>(i)).name; };
  out.push_back(pool_counters_by("reason", name_of, pools, "pgweir_pins_total",
                                 "Times that a session was pinned to its backend, by reason",
                                 &PoolCounters::pins));
  out.push_back(pool_counters_by("reason", name_of, pools, "pgweir_pinned_sessions",
                                 "Sessions pinned to a backend now, by reason", &PoolCounters::pinned,
                                 MetricType::Gauge));
  out.push_back(
      pool_histogram(pools, "pgweir_pin_seconds", "How long sessions were pinned", &PoolCounters::pin));
  out.push_back(pool_counter(pools, "pgweir_state_checks_total",
                             "Times the server was asked what a transaction had left behind",
                             &PoolCounters::state_checks));
  out.push_back(pool_counter(pools, "pgweir_audits_total", "Released backends that were checked as a sample",
                             &PoolCounters::audits));
  out.push_back(pool_counter(pools, "pgweir_audit_findings_total",
                             "Of these, backends with state that pgweir did not know of; must stay 0",
                             &PoolCounters::audit_findings));
}

void add_backend_ends(const Pools& pools, std::vector<MetricFamily>& out) {
  const auto close = [](std::size_t i) { return to_string(static_cast<BackendClose>(i)); };
  out.push_back(pool_counters_by("reason", close, pools, "pgweir_backend_closes_total",
                                 "Server connections closed, by reason", &PoolCounters::closes));
  const auto result = [](std::size_t i) { return to_string(static_cast<BackendLoginResult>(i)); };
  out.push_back(pool_counters_by("result", result, pools, "pgweir_backend_logins_total",
                                 "Logins to the server for the pool, by how they ended",
                                 &PoolCounters::logins));
}

MetricFamily hub_metric(const Pools& pools, std::string name, std::string help, Counter HubCounters::*counter,
                        MetricType type = MetricType::Counter) {
  MetricFamily f = metric_family(std::move(name), std::move(help), type);
  for (const PoolGroup& pool : pools) {
    std::uint64_t total = 0;
    for (const auto& hub : pool.hubs()) total += (hub->counters().*counter).get();
    add_series(f, labels_of(pool), static_cast<double>(total));
  }
  return f;
}

void add_listening(const Pools& pools, std::vector<MetricFamily>& out) {
  out.push_back(hub_metric(pools, "pgweir_listen_connections",
                           "Server connections that listen for clients, beside the pool's own",
                           &HubCounters::connections, MetricType::Gauge));
  out.push_back(hub_metric(pools, "pgweir_listen_channels", "Channels that they listen to",
                           &HubCounters::channels, MetricType::Gauge));
  out.push_back(hub_metric(pools, "pgweir_listen_clients", "Clients that listen through them",
                           &HubCounters::clients, MetricType::Gauge));
  out.push_back(hub_metric(pools, "pgweir_notifications_total", "Notifications that they received",
                           &HubCounters::notifications));
  out.push_back(hub_metric(pools, "pgweir_notifications_delivered_total",
                           "Notifications passed on, one for each client", &HubCounters::deliveries));
  out.push_back(hub_metric(pools, "pgweir_listen_losses_total",
                           "Listening connections that were lost; their clients were closed",
                           &HubCounters::losses));
}

void add_process(const Sources& sources, std::vector<MetricFamily>& out) {
  MetricFamily build =
      metric_family("pgweir_build_info", "Always 1; the version is in the label", MetricType::Gauge);
  add_series(build, {{"version", PGWEIR_VERSION}, {"compiler", __VERSION__}}, 1);
  out.push_back(std::move(build));
  MetricFamily ended =
      metric_family("pgweir_clients_ended_total", "Clients closed, refused or sent an error, by reason",
                    MetricType::Counter);
  for (std::size_t i = 0; i < reason_count; ++i) {
    std::uint64_t total = 0;
    for (const auto& worker : sources.workers.list) total += worker->counters().ended[i].get();
    add_series(ended, {{"reason", std::string(text_of(static_cast<Reason>(i)).name)}},
               static_cast<double>(total));
  }
  out.push_back(std::move(ended));
  MetricFamily draining = metric_family("pgweir_draining", "1 while the process drains", MetricType::Gauge);
  add_series(draining, {}, sources.workers.shared.draining.load() ? 1 : 0);
  out.push_back(std::move(draining));
}

// Without user names: in a flood, the attacker chooses them.
void add_passwords(const Sources& sources, std::vector<MetricFamily>& out) {
  const PasswordProofs::Counts counts = sources.proofs.counts();
  MetricFamily judged = metric_family("pgweir_passwords_judged_total",
                                      "Passwords of users who are not in the file, by what became of them",
                                      MetricType::Counter);
  const std::pair<const char*, std::uint64_t> results[] = {{"known", counts.known},
                                                           {"right", counts.right},
                                                           {"wrong", counts.wrong},
                                                           {"wrong_again", counts.again},
                                                           {"unknown", counts.unknown}};
  for (const auto& [name, count] : results)
    add_series(judged, {{"result", name}}, static_cast<double>(count));
  out.push_back(std::move(judged));
  MetricFamily under_way = metric_family(
      "pgweir_passwords_under_way", "Of these, passwords that the server is judging now", MetricType::Gauge);
  add_series(under_way, {}, static_cast<double>(counts.under_way));
  out.push_back(std::move(under_way));
}

void add_certificate(const Sources& sources, std::vector<MetricFamily>& out) {
  const std::int64_t expires = sources.certificate_expires.load();
  if (expires == 0) return;
  MetricFamily f = metric_family("pgweir_tls_certificate_expiry_timestamp_seconds",
                                 "When the certificate that clients are shown expires", MetricType::Gauge);
  add_series(f, {}, static_cast<double>(expires));
  out.push_back(std::move(f));
}

}  // namespace

std::vector<MetricFamily> Metrics::Collect() const {
  const Pools pools = group_pools(sources_.pools.all());
  std::vector<MetricFamily> out;
  add_process(sources_, out);
  add_process_metrics(sources_, out);
  out.push_back(worker_counter(sources_, "pgweir_clients", "Open client connections, logging in included",
                               &WorkerCounters::clients, MetricType::Gauge));
  out.push_back(worker_counter(sources_, "pgweir_clients_accepted_total", "Accepted client connections",
                               &WorkerCounters::accepted));
  out.push_back(worker_counter(sources_, "pgweir_accept_pauses_total",
                               "Times that accepting paused because descriptors ran out",
                               &WorkerCounters::accept_pauses));
  out.push_back(worker_counter(sources_, "pgweir_tls_handshakes_total",
                               "TLS handshakes with clients, completed", &WorkerCounters::tls_handshakes));
  out.push_back(worker_counter(sources_, "pgweir_tls_handshake_failures_total",
                               "TLS handshakes with clients that failed", &WorkerCounters::tls_failures));
  add_certificate(sources_, out);
  aws::add_metrics(sources_, out);
  add_passwords(sources_, out);
  out.push_back(worker_counter(sources_, "pgweir_logins_total",
                               "Successful client logins; refused ones are in pgweir_clients_ended_total",
                               &WorkerCounters::logins_ok));
  out.push_back(worker_counter(sources_, "pgweir_cancels_received_total", "Cancel requests from clients",
                               &WorkerCounters::cancels_received));
  out.push_back(worker_counter(sources_, "pgweir_cancels_forwarded_total", "Cancel requests sent to servers",
                               &WorkerCounters::cancels_forwarded));
  add_pool_state(pools, out);
  add_backend_ends(pools, out);
  add_pins(pools, out);
  add_listening(pools, out);
  out.push_back(pool_counter(pools, "pgweir_queries_total", "ReadyForQuery messages sent to clients",
                             &PoolCounters::queries));
  out.push_back(
      pool_counter(pools, "pgweir_transactions_total", "Transactions ended", &PoolCounters::transactions));
  out.push_back(pool_counter(pools, "pgweir_queries_answered_here_total",
                             "Queries that change nothing in their session and needed no server",
                             &PoolCounters::answered_here));
  out.push_back(pool_counter(pools, "pgweir_client_bytes_received_total", "Bytes from clients after login",
                             &PoolCounters::bytes_from_clients));
  out.push_back(pool_counter(pools, "pgweir_client_bytes_sent_total", "Bytes to clients after login",
                             &PoolCounters::bytes_to_clients));
  out.push_back(
      pool_counter(pools, "pgweir_borrows_total", "Backends given to clients", &PoolCounters::borrows));
  out.push_back(pool_counter(pools, "pgweir_settings_applied_total",
                             "Times a backend was brought to a client's settings",
                             &PoolCounters::prelude_sent));
  out.push_back(pool_counter(pools, "pgweir_statements_injected_total",
                             "Parse messages sent because a backend lacked a statement",
                             &PoolCounters::statements_injected));
  out.push_back(pool_counter(pools, "pgweir_abandoned_total", "Transactions that their client left behind",
                             &PoolCounters::abandoned));
  out.push_back(pool_histogram(pools, "pgweir_borrow_wait_seconds",
                               "Time from asking for a backend to having it", &PoolCounters::borrow_wait));
  out.push_back(pool_histogram(pools, "pgweir_query_seconds", "Time from a client's message to ReadyForQuery",
                               &PoolCounters::query));
  out.push_back(pool_histogram(pools, "pgweir_transaction_seconds", "Time that a backend was borrowed",
                               &PoolCounters::transaction));
  return out;
}

std::string metrics_text(const Metrics& metrics) {
  return prometheus::TextSerializer().Serialize(metrics.Collect());
}

}  // namespace pgweir
