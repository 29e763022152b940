// Pools as the dashboard is told of them.
#pragma once

#include <memory>

#include "proxy/report/inventory.hpp"

namespace pgweir {

inline PoolFacts pool_facts(std::string database = "app", std::uint32_t max_size = 20) {
  PoolFacts facts;
  facts.database = std::move(database);
  facts.user = "app_user";
  facts.host = "db";
  facts.port = 5432;
  auto settings = std::make_shared<config::Pool>();
  settings->max_size = max_size;
  settings->connect_timeout = std::chrono::seconds(5);
  facts.settings = std::move(settings);
  return facts;
}

inline DurationCounts durations(std::chrono::microseconds each, std::size_t count) {
  DurationHistogram histogram;
  for (std::size_t i = 0; i < count; ++i) histogram.observe(each);
  DurationCounts counts;
  counts.add(histogram);
  return counts;
}

}  // namespace pgweir
