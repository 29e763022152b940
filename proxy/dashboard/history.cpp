#include "proxy/dashboard/history.hpp"

#include <algorithm>
#include <set>

namespace pgweir {
namespace {

PoolDurations since(const PoolDurations& now, const PoolDurations& before) {
  return {now.borrow_wait.since(before.borrow_wait), now.query.since(before.query),
          now.transaction.since(before.transaction)};
}

std::optional<float> p95(const DurationCounts& counts) {
  const std::optional<double> seconds = counts.percentile(0.95);
  return seconds ? std::optional<float>(static_cast<float>(*seconds)) : std::nullopt;
}

double per_second(std::uint64_t now, std::uint64_t before, std::chrono::duration<double> time) {
  // A pool of the same name that was made anew has begun at 0.
  const std::uint64_t count = now >= before ? now - before : now;
  return time.count() > 0 ? static_cast<double>(count) / time.count() : 0;
}

template <class Value>
void keep(std::deque<Value>& values, Value value, std::size_t most) {
  values.push_back(std::move(value));
  if (values.size() > most) values.pop_front();
}

}  // namespace

PoolDurations PoolHistory::last_minute() const {
  if (marks_.empty()) return {};
  return since(marks_.back().durations, marks_.front().durations);
}

std::optional<double> PoolHistory::rate(std::uint64_t Mark::*count) const {
  if (marks_.size() < 2) return std::nullopt;
  const Mark& now = marks_.back();
  const Mark& before = marks_[marks_.size() - 1 - std::min(History::rate_intervals, marks_.size() - 1)];
  return per_second(now.*count, before.*count, now.at - before.at);
}

std::optional<double> PoolHistory::queries_per_second() const {
  return rate(&Mark::queries);
}

std::optional<double> PoolHistory::transactions_per_second() const {
  return rate(&Mark::transactions);
}

bool PoolHistory::had_queries() const {
  return !marks_.empty() && marks_.back().queries != marks_.front().queries;
}

void PoolHistory::look(const PoolFacts& pool) {
  pending_.waiting = std::max(pending_.waiting, static_cast<std::uint32_t>(pool.counts.waiting));
  pending_.borrowed = std::max(pending_.borrowed, static_cast<std::uint32_t>(pool.counts.borrowed));
}

void PoolHistory::sample(const PoolFacts& pool, TimePoint now) {
  Mark mark{now, pool.totals.queries, pool.totals.transactions, pool.durations};
  if (pool.clients > 0) busy_ = now;
  if (!marks_.empty()) {
    const Mark& before = marks_.back();
    const PoolDurations durations = since(mark.durations, before.durations);
    HistoryPoint point = pending_;
    point.queries = static_cast<float>(per_second(mark.queries, before.queries, now - before.at));
    point.transactions =
        static_cast<float>(per_second(mark.transactions, before.transactions, now - before.at));
    point.wait_p95 = p95(durations.borrow_wait);
    point.query_p95 = p95(durations.query);
    point.transaction_p95 = p95(durations.transaction);
    keep(points_, point, History::points_max);
  }
  pending_ = {};
  keep(marks_, std::move(mark), History::latency_intervals + 1);
}

void History::observe(const std::vector<PoolFacts>& pools, TimePoint now) {
  const bool samples = !sampled_ || now - *sampled_ >= interval;
  if (samples) {
    forget_gone(pools);
    sampled_ = now;
    ++sequence_;
  }
  for (const PoolFacts& pool : pools) {
    // Another pool may have its name by now.
    if (pool.retired) continue;
    PoolHistory* const history = of(pool);
    if (history == nullptr) continue;
    history->look(pool);
    if (samples) history->sample(pool, now);
  }
}

const PoolHistory* History::find(const PoolFacts& pool) const {
  if (pool.retired) return nullptr;
  const auto found = pools_.find({pool.database, pool.user});
  return found == pools_.end() ? nullptr : &found->second;
}

void History::forget_gone(const std::vector<PoolFacts>& pools) {
  std::set<Key> there;
  for (const PoolFacts& pool : pools) {
    if (!pool.retired) there.emplace(pool.database, pool.user);
  }
  std::erase_if(pools_, [&](const auto& each) { return !there.contains(each.first); });
}

// When all places are taken, a pool with clients gets that of the one that has been without for longest.
PoolHistory* History::of(const PoolFacts& pool) {
  const Key key{pool.database, pool.user};
  if (const auto found = pools_.find(key); found != pools_.end()) return &found->second;
  if (pools_.size() >= pools_max) {
    if (pool.clients == 0) return nullptr;
    const auto longest = std::min_element(pools_.begin(), pools_.end(), [](const auto& a, const auto& b) {
      return a.second.busy_ < b.second.busy_;
    });
    if (sampled_ && longest->second.busy_ + interval >= *sampled_) return nullptr;
    pools_.erase(longest);
  }
  return &pools_[key];
}

}  // namespace pgweir
