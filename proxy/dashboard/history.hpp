// What each pool did in the last minutes, so that the page shows it as soon as it is opened. Sampled from the
// facts of all pools; a point is what happened between two samples. All memory is bounded: 64 pools of about
// 35 KiB each. Pure but for what it is told. Thread rule: main thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/facts.hpp"

namespace pgweir {

struct HistoryPoint {
  std::uint32_t waiting = 0;   // the most that were seen in that time
  std::uint32_t borrowed = 0;  // likewise
  float queries = 0;           // in a second
  float transactions = 0;
  std::optional<float> wait_p95{};  // seconds; nullopt: there was none
  std::optional<float> query_p95{};
  std::optional<float> transaction_p95{};
};

class PoolHistory {
 public:
  const std::deque<HistoryPoint>& points() const { return points_; }
  // Of the last minute, or of what there is.
  PoolDurations last_minute() const;
  // Over the last ten seconds, or what there is; nullopt: nothing yet.
  std::optional<double> queries_per_second() const;
  std::optional<double> transactions_per_second() const;
  bool had_queries() const;

 private:
  friend class History;

  // The counters at one time.
  struct Mark {
    TimePoint at{};
    std::uint64_t queries = 0;
    std::uint64_t transactions = 0;
    PoolDurations durations;
  };

  std::optional<double> rate(std::uint64_t Mark::*count) const;
  void look(const PoolFacts& pool);
  void sample(const PoolFacts& pool, TimePoint now);

  std::deque<HistoryPoint> points_;
  std::deque<Mark> marks_;
  HistoryPoint pending_;
  TimePoint busy_{};  // when a client was last connected
};

class History {
 public:
  static constexpr std::chrono::milliseconds interval{2'000};
  static constexpr std::size_t points_max = 300;  // ten minutes
  static constexpr std::size_t pools_max = 64;
  // Percentiles and rates are taken over this many intervals.
  static constexpr std::size_t latency_intervals = 30;
  static constexpr std::size_t rate_intervals = 5;

  // To be called at least once in an interval: what is seen in between counts for the highest values.
  void observe(const std::vector<PoolFacts>& pools, TimePoint now);

  const PoolHistory* find(const PoolFacts& pool) const;
  // Of the last sample; each one has the number after that of the one before.
  std::uint64_t sequence() const { return sequence_; }

  using Key = std::pair<std::string, std::string>;  // database, user
  const std::map<Key, PoolHistory>& pools() const { return pools_; }

 private:
  void forget_gone(const std::vector<PoolFacts>& pools);
  PoolHistory* of(const PoolFacts& pool);

  std::map<Key, PoolHistory> pools_;
  std::optional<TimePoint> sampled_;
  std::uint64_t sequence_ = 0;
};

}  // namespace pgweir
