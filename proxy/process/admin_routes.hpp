// The paths of the admin address: /metrics, /healthz (the process lives), /readyz (clients should be sent to
// it) and the dashboard, which is / with /api/state and /api/history. Thread rule: main thread.
#pragma once

#include <string_view>
#include <vector>

#include "proxy/base/administration.hpp"
#include "proxy/dashboard/history.hpp"
#include "proxy/dashboard/page.hpp"
#include "proxy/report/http.hpp"
#include "proxy/report/ready_rule.hpp"

namespace pgweir {

class Drain;
class Metrics;
struct Services;

class AdminRoutes {
 public:
  // All of the arguments live longer.
  AdminRoutes(const Services& services, const Metrics& metrics, const Drain& drain,
              const Administration& administration);

  // To be called each second.
  void observe(const std::vector<PoolFacts>& pools, TimePoint now);
  HttpReply answer(std::string_view path);

 private:
  HttpReply healthy() const;
  ReadyRule::Answer judge_ready(const std::vector<PoolFacts>& pools, TimePoint now);
  HttpReply ready();
  std::string state();

  const Services& services_;
  const Metrics& metrics_;
  const Drain& drain_;
  const Administration& administration_;
  const dashboard::Page page_;
  const TimePoint started_;
  History history_;
  ReadyRule ready_rule_;
};

}  // namespace pgweir
