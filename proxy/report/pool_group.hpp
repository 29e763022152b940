// The pools of one (database, user) that exist at one moment. There is more than one while clients of a pool
// that a reload has removed are still connected, and another reload has put it back. Metrics have one series
// for all of them, as Prometheus takes each set of labels once. Thread rule: any thread; it is a value.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "proxy/pool/pool.hpp"

namespace pgweir {

class PoolGroup {
 public:
  // The oldest first.
  explicit PoolGroup(std::vector<std::shared_ptr<Pool>> pools);

  // The one that clients get now.
  const Pool& current() const { return *pools_.back(); }
  // Of all of them, with those of predecessors that are gone; each once.
  const std::vector<std::shared_ptr<const PoolCounters>>& counters() const { return counters_; }
  // What can be counted is that of all of them; the rest is the current one's.
  PoolFacts facts() const;
  std::vector<std::shared_ptr<ListenHub>> hubs() const;

 private:
  std::vector<std::shared_ptr<Pool>> pools_;
  std::vector<std::shared_ptr<const PoolCounters>> counters_;
};

// `pools`: a retired pool before the one that has taken its place.
std::vector<PoolGroup> group_pools(const std::vector<std::shared_ptr<Pool>>& pools);

}  // namespace pgweir
