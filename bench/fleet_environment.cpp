#include "bench/fleet_environment.hpp"

#include <algorithm>

#include "bench/use_tuple.hpp"

namespace asio = boost::asio;

namespace pgweir::bench {
void record_rest(const FleetContext& fleet, std::optional<Invocation> first, EnvironmentSchedule& schedule) {
  for (auto left = first ? first : schedule.next(); left; left = schedule.next()) {
    if (left->due <= fleet.end) {
      fleet.recorder.unstarted(*left, fleet.end);
    } else {
      fleet.recorder.not_due();
    }
  }
}

Environment::Environment(FleetContext& fleet, EnvironmentSchedule schedule,
                         std::optional<asio::ip::address> source)
    : fleet_(fleet), schedule_(std::move(schedule)), source_(std::move(source)), timer_(fleet.io) {}

asio::awaitable<void> Environment::run() {
  fleet_.recorder.arrived();
  std::optional<Invocation> next = schedule_.next();
  bool reaped = false;
  while (next && !reaped) {
    co_await sleep_until(next->due);
    if (fleet_.stopped) break;
    co_await invoke(*next);
    if (next->then != Afterwards::stay && !next->in_transaction) co_await freeze(*next, false);
    reaped = next->then == Afterwards::be_reaped && !fleet_.stopped && fleet_.now() >= next->until;
    if (reaped) reap();
    next = schedule_.next();
  }
  if (!reaped) co_await sleep_until(fleet_.end);
  if (fleet_.stopped) record_rest(fleet_, next, schedule_);
}

void Environment::expire_if_due(Clock::time_point now) {
  if (connection_) connection_->expire_if_due(now);
}

void Environment::stop() {
  timer_.cancel();
  if (connection_) connection_->close();
}

asio::awaitable<void> Environment::sleep_until(Micros at) {
  if (fleet_.stopped) co_return;
  timer_.expires_at(fleet_.started + at);
  [[maybe_unused]] auto [ignored] = co_await timer_.async_wait(use_tuple);
}

asio::awaitable<void> Environment::invoke(const Invocation& invocation) {
  fleet_.recorder.started(invocation, fleet_.now());
  failure_.reset();
  frozen_ = Micros(0);
  const Outcome outcome = co_await perform(invocation);
  record(invocation, outcome);
  if (!fleet_.stopped) keep_or_part(outcome);
}

asio::awaitable<Environment::Outcome> Environment::perform(const Invocation& invocation) {
  Random numbers(invocation.numbers);
  const std::string sql = fleet_.mix.sql(invocation.query, numbers);
  bool good = co_await ensure_connected();
  // The handler that begins a transaction, and is frozen before it comes to COMMIT.
  if (good && invocation.in_transaction) good = co_await query("BEGIN");
  if (good) good = co_await query(sql);
  if (good && invocation.in_transaction) {
    const Micros asleep = fleet_.now();
    co_await freeze(invocation, connection_->in_transaction());
    frozen_ = fleet_.now() - asleep;
    const bool thaws = invocation.then == Afterwards::freeze && invocation.until < fleet_.end;
    if (!thaws || fleet_.stopped) co_return Outcome::abandoned;
    good = connection_->still_open(Stage::thawing);
    if (good) good = co_await query("COMMIT");
    if (!good && !failure_) failure_ = connection_->take_failure();
  }
  co_return good ? Outcome::served : Outcome::failed;
}

asio::awaitable<bool> Environment::ensure_connected() {
  if (connection_) {
    // A handler that is well written looks first whether its cached connection is still there.
    if (connection_->still_open(thawed_ ? Stage::thawing : Stage::idle)) co_return true;
    fleet_.recorder.lost(fleet_.now(), *connection_->failure());
  }
  const Micros asked = fleet_.now();
  connection_.emplace(fleet_.io, fleet_.plan, fleet_.credentials, source_);
  const bool good = co_await connection_->open();
  if (good) {
    fleet_.recorder.connected(fleet_.now(), fleet_.now() - asked);
    co_return true;
  }
  failure_ = connection_->take_failure();
  connection_.reset();
  if (!fleet_.stopped) fleet_.recorder.refused();
  co_return false;
}

asio::awaitable<bool> Environment::query(std::string_view sql) {
  message_.clear();
  Writer(message_).begin_message('Q').cstring(sql).end_message();
  const bool good = co_await connection_->query(message_);
  if (!good) failure_ = connection_->take_failure();
  thawed_ = false;
  co_return good;
}

asio::awaitable<void> Environment::freeze(const Invocation& invocation, bool in_transaction) {
  if (fleet_.stopped || fleet_.now() >= std::min(invocation.until, fleet_.end)) co_return;
  fleet_.recorder.froze(in_transaction);
  co_await sleep_until(std::min(invocation.until, fleet_.end));
  if (fleet_.stopped || invocation.then == Afterwards::be_reaped || invocation.until >= fleet_.end) co_return;
  fleet_.recorder.thawed();
  thawed_ = true;
}

void Environment::record(const Invocation& invocation, Outcome outcome) {
  if (outcome == Outcome::served) {
    fleet_.recorder.served(invocation, fleet_.now(), frozen_);
  } else if (outcome == Outcome::abandoned) {
    fleet_.recorder.abandoned();
  } else if (fleet_.stopped) {
    fleet_.recorder.unfinished(invocation, fleet_.end);  // it failed because it was stopped
  } else {
    fleet_.recorder.failed(invocation, fleet_.now(), frozen_, *failure_);
  }
}

void Environment::keep_or_part(Outcome outcome) {
  // An environment that is frozen for good leaves its connection open.
  if (!connection_ || outcome == Outcome::abandoned) return;
  if (!connection_->usable() || connection_->in_transaction()) {
    connection_->close();
  } else if (fleet_.options.connections == Connections::per_invocation) {
    connection_->terminate();
  } else {
    return;
  }
  connection_.reset();
  fleet_.recorder.disconnected(fleet_.now());
}

void Environment::reap() {
  fleet_.recorder.reaped();
  if (!connection_ || fleet_.options.reaping == Reaping::silent) return;
  if (fleet_.options.reaping == Reaping::reset) {
    connection_->reset();
  } else {
    connection_->close();
  }
  connection_.reset();
  fleet_.recorder.disconnected(fleet_.now());
}

}  // namespace pgweir::bench
