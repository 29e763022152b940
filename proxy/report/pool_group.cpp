#include "proxy/report/pool_group.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace pgweir {

PoolGroup::PoolGroup(std::vector<std::shared_ptr<Pool>> pools) : pools_(std::move(pools)) {
  for (const auto& pool : pools_) {
    for (auto& each : pool->lifetime_counters()) {
      // A successor tells those of its predecessor, too.
      if (std::find(counters_.begin(), counters_.end(), each) == counters_.end())
        counters_.push_back(std::move(each));
    }
  }
}

PoolFacts PoolGroup::facts() const {
  PoolFacts facts = current().facts();
  for (const auto& pool : pools_) {
    if (pool == pools_.back()) break;
    const PoolFacts earlier = pool->facts();
    facts.counts += earlier.counts;
    facts.clients += earlier.clients;
    if (earlier.longest_wait)
      facts.longest_wait =
          std::min(*earlier.longest_wait, facts.longest_wait.value_or(*earlier.longest_wait));
  }
  return facts;
}

std::vector<std::shared_ptr<ListenHub>> PoolGroup::hubs() const {
  std::vector<std::shared_ptr<ListenHub>> all;
  for (const auto& pool : pools_) {
    for (auto& hub : pool->hubs()) all.push_back(std::move(hub));
  }
  return all;
}

std::vector<PoolGroup> group_pools(const std::vector<std::shared_ptr<Pool>>& pools) {
  std::map<std::pair<std::string, std::string>, std::vector<std::shared_ptr<Pool>>> by_name;
  for (const auto& pool : pools) by_name[{pool->database(), pool->user()}].push_back(pool);
  std::vector<PoolGroup> groups;
  groups.reserve(by_name.size());
  for (auto& [name, members] : by_name) groups.emplace_back(std::move(members));
  return groups;
}

}  // namespace pgweir
