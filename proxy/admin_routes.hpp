// The paths of the admin address: /metrics, /healthz (the process answers), /readyz (it can serve) and the
// dashboard, which is / with /api/state and /api/history. Thread rule: main thread.
#pragma once

#include <string_view>
#include <vector>

#include "proxy/console/administration.hpp"
#include "proxy/dashboard/history.hpp"
#include "proxy/dashboard/page.hpp"
#include "proxy/http.hpp"

namespace pgweir {

class Drain;
class Metrics;
struct Services;

class AdminRoutes {
 public:
  // All of them live longer.
  AdminRoutes(const Services& services, const Metrics& metrics, const Drain& drain,
              const Administration& administration);

  // To be called each second.
  void observe(const std::vector<PoolFacts>& pools, TimePoint now) { history_.observe(pools, now); }
  HttpReply answer(std::string_view path) const;

 private:
  bool can_serve() const;
  HttpReply ready() const;
  std::string state() const;

  const Services& services_;
  const Metrics& metrics_;
  const Drain& drain_;
  const Administration& administration_;
  const dashboard::Page page_;
  const TimePoint started_;
  History history_;
};

}  // namespace pgweir
