#include "proxy/console/statistics.hpp"

namespace pgweir {
namespace {

PoolTotals of(const std::map<std::string, PoolTotals>& totals, const std::string& database) {
  const auto it = totals.find(database);
  return it == totals.end() ? PoolTotals{} : it->second;
}

}  // namespace

// A pool that went takes its totals with it, so that a later difference could be negative: such a database
// starts anew.
void Statistics::observe(const std::vector<PoolFacts>& pools, TimePoint now) {
  ByDatabase totals;
  for (const PoolFacts& pool : pools) totals[pool.database] += pool.totals;
  for (const auto& [database, each] : totals) {
    if (each.queries >= of(now_, database).queries && each.received >= of(now_, database).received) continue;
    before_[database] = last_[database] = {};
  }
  now_ = std::move(totals);
  if (now - ends_ < period) return;
  before_ = std::move(last_);
  last_ = now_;
  begins_ = ends_;
  ends_ = now;
}

Statistics::Average Statistics::average(const std::string& database, TimePoint now) const {
  const bool whole = ends_ > begins_;
  const auto span = whole ? ends_ - begins_ : now - ends_;
  const PoolTotals& end = of(whole ? last_ : now_, database);
  return {end - of(before_, database), std::chrono::duration<double>(span).count()};
}

}  // namespace pgweir
