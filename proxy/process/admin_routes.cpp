#include "proxy/process/admin_routes.hpp"

#include "proxy/dashboard/state.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/process/drain.hpp"
#include "proxy/process/services.hpp"
#include "proxy/report/inventory.hpp"
#include "proxy/report/liveness.hpp"
#include "proxy/report/metrics.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

HttpReply text(unsigned status, std::string body) {
  HttpReply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

HttpReply json(std::string body) {
  HttpReply reply;
  reply.content_type = "application/json";
  reply.body = std::move(body);
  return reply;
}

}  // namespace

AdminRoutes::AdminRoutes(const Services& services, const Metrics& metrics, const Drain& drain,
                         const Administration& administration)
    : services_(services),
      metrics_(metrics),
      drain_(drain),
      administration_(administration),
      page_(dashboard::make_page()),
      started_(Clock::now()) {}

void AdminRoutes::observe(const std::vector<PoolFacts>& pools, TimePoint now) {
  history_.observe(pools, now);
  judge_ready(pools, now);
}

HttpReply AdminRoutes::answer(std::string_view path) {
  if (path == "/healthz") return healthy();
  if (path == "/readyz") return ready();
  if (path == "/metrics") {
    HttpReply reply = text(200, metrics_text(metrics_));
    reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return reply;
  }
  if (path == "/") return {200, "text/html; charset=utf-8", page_.html, page_.policy};
  if (path == "/api/state") return json(state());
  if (path == "/api/history") return json(dashboard::history_json(history_));
  return text(404, "try /, /metrics, /healthz or /readyz\n");
}

HttpReply AdminRoutes::healthy() const {
  std::vector<TimePoint> last_turns;
  for (const auto& worker : services_.workers.list) last_turns.push_back(worker->last_turn());
  Liveness liveness = judge_liveness(last_turns, Clock::now());
  return text(liveness.alive ? 200 : 503, std::move(liveness.text));
}

ReadyRule::Answer AdminRoutes::judge_ready(const std::vector<PoolFacts>& pools, TimePoint now) {
  return ready_rule_.judge(administration_.settings(), pools, drain_.begun(), now,
                           std::chrono::system_clock::now());
}

HttpReply AdminRoutes::ready() {
  std::vector<PoolFacts> pools;
  for (const auto& pool : services_.pools.all()) pools.push_back(pool->facts());
  ReadyRule::Answer answer = judge_ready(pools, Clock::now());
  return text(answer.ready ? 200 : 503, std::move(answer.text));
}

std::string AdminRoutes::state() {
  const std::vector<PoolFacts> pools = take_pools(services_.sources);
  const TimePoint now = Clock::now();
  dashboard::ProcessFacts process;
  process.version = PGWEIR_VERSION;
  process.uptime = std::chrono::duration_cast<std::chrono::seconds>(now - started_);
  process.workers = services_.workers.list.size();
  process.clients = services_.sessions.count();
  process.max_clients = administration_.settings().listen.max_clients;
  process.draining = drain_.begun();
  process.ready = judge_ready(pools, now).ready;
  process.certificate_expires = services_.certificate_expires.load();
  return dashboard::state_json(
      {process, pools, history_,
       [this](const std::string& database) { return services_.pools.is_disabled(database); }, now,
       std::chrono::system_clock::now()});
}

}  // namespace pgweir
