#include "proxy/admin_routes.hpp"

#include <algorithm>

#include "proxy/dashboard/state.hpp"
#include "proxy/drain.hpp"
#include "proxy/metrics.hpp"
#include "proxy/pool.hpp"
#include "proxy/services.hpp"

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

HttpReply AdminRoutes::answer(std::string_view path) const {
  if (path == "/healthz") return text(200, "ok\n");
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

HttpReply AdminRoutes::ready() const {
  if (can_serve()) return text(200, "ready\n");
  return text(503, drain_.begun() ? "draining\n" : "a database cannot be reached yet\n");
}

// Every pool that is to be warm has reached its server, and has not lost it since.
bool AdminRoutes::can_serve() const {
  if (drain_.begun()) return false;
  const auto pools = services_.pools.all();
  return std::all_of(pools.begin(), pools.end(),
                     [](const auto& pool) { return pool->settings()->min_size == 0 || pool->is_warm(); });
}

std::string AdminRoutes::state() const {
  const std::vector<PoolFacts> pools = take_pools(services_);
  const TimePoint now = Clock::now();
  dashboard::ProcessFacts process;
  process.version = PGWEIR_VERSION;
  process.uptime = std::chrono::duration_cast<std::chrono::seconds>(now - started_);
  process.workers = services_.workers.size();
  process.clients = services_.sessions();
  process.max_clients = administration_.settings().listen.max_clients;
  process.draining = drain_.begun();
  process.ready = can_serve();
  process.certificate_expires = services_.certificate_expires.load();
  return dashboard::state_json(
      {process, pools, history_,
       [this](const std::string& database) { return services_.pools.is_disabled(database); }, now,
       std::chrono::system_clock::now()});
}

}  // namespace pgweir
