// What each database has done since the start, and on average in the last period: SHOW STATS and its kin.
// Pure but for what it is told. Thread rule: main thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "proxy/base/facts.hpp"

namespace pgweir {

class Statistics {
 public:
  // PgBouncer's stats_period.
  static constexpr std::chrono::seconds period{60};

  explicit Statistics(TimePoint start) : begins_(start), ends_(start) {}

  // To be called now and then, at least once in a period.
  void observe(const std::vector<PoolFacts>& pools, TimePoint now);

  struct Average {
    PoolTotals totals;  // of the last whole period; before there is one, since the start
    double seconds = 0;
  };
  Average average(const std::string& database, TimePoint now) const;
  const std::map<std::string, PoolTotals>& totals() const { return now_; }

 private:
  using ByDatabase = std::map<std::string, PoolTotals>;

  ByDatabase before_;  // at begins_
  ByDatabase last_;    // at ends_
  ByDatabase now_;
  TimePoint begins_;
  TimePoint ends_;
};

}  // namespace pgweir
