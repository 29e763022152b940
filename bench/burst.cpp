#include "bench/burst.hpp"

#include <algorithm>
#include <exception>
#include <memory>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "bench/activity_watcher.hpp"
#include "bench/client.hpp"
#include "bench/descriptor_limit.hpp"
#include "bench/progress.hpp"
#include "bench/target.hpp"
#include "bench/use_tuple.hpp"
#include "protocol/startup.hpp"

namespace asio = boost::asio;

namespace pgweir::bench {
namespace {

// Connections opened between two looks at what has arrived: enough to be a flood, few enough that the
// generator's own queue does not grow into the measured times.
constexpr std::size_t start_batch = 32;
constexpr auto tick_interval = std::chrono::milliseconds(100);  // deadlines and progress
constexpr std::size_t spare_descriptors = 32;                   // everything that is not a client

ClientPlan make_plan(const BurstOptions& options) {
  ClientPlan plan;
  plan.connection.target = resolve(options.host, options.port, "--host");
  const StartupParameter name{"application_name", "pgweir-bench"};
  write_startup_message(plan.connection.startup_message, 0, options.user, options.database_name(),
                        std::span(&name, 1));
  plan.connection.timeout = options.timeout;
  Writer(plan.query_message).begin_message('Q').cstring(options.query).end_message();
  plan.transactions = options.transactions;
  return plan;
}

class Burst final : public ClientEvents {
 public:
  explicit Burst(const BurstOptions& options)
      : options_(options),
        plan_(make_plan(options)),
        credentials_(options.user, options.password),
        gate_(io_),
        tick_(io_),
        progress_(options.clients, options.progress) {
    require_loopback_for_sources(options.source_addresses, plan_.connection.target);
    require_descriptors(options.clients + spare_descriptors);
    if (!options.hold) gate_.open();
    clients_.reserve(options.clients);
    result_.connect_times.reserve(options.clients);
    result_.transaction_times.reserve(std::size_t{options.clients} * std::min(options.transactions, 100U));
  }

  BurstResult run() {
    std::optional<ActivityWatcher> watcher;
    if (!options_.watch.empty()) watcher.emplace(options_.watch, options_.user, options_.database_name());
    started_ = Clock::now();
    asio::co_spawn(io_, start_clients(), rethrow);
    asio::co_spawn(io_, tick(), rethrow);
    io_.run();
    result_.wall = std::chrono::duration_cast<Micros>(ended_ - started_);
    progress_.clear();
    if (watcher) result_.server_connections = watcher->stop();
    return std::move(result_);
  }

 private:
  static void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  }

  asio::awaitable<void> start_clients() {
    asio::steady_timer pause(io_);
    for (std::size_t i = 0; i < options_.clients; ++i) {
      if (options_.rate > 0) {
        const std::chrono::duration<double> offset(static_cast<double>(i) / options_.rate);
        pause.expires_at(started_ + std::chrono::duration_cast<Clock::duration>(offset));
        [[maybe_unused]] auto [ignored] = co_await pause.async_wait(use_tuple);
      } else if (i % start_batch == 0) {
        co_await asio::post(io_, asio::use_awaitable);
      }
      clients_.push_back(std::make_unique<Client>(io_, plan_, credentials_, gate_, *this,
                                                  source_address(options_.source_addresses, i)));
      asio::co_spawn(io_, clients_.back()->run(), rethrow);
    }
  }

  asio::awaitable<void> tick() {
    while (!all_finished()) {
      const Clock::time_point now = Clock::now();
      for (const auto& client : clients_) client->expire_if_due(now);
      progress_.show(result_, now - started_);
      tick_.expires_after(tick_interval);
      [[maybe_unused]] auto [ignored] = co_await tick_.async_wait(use_tuple);
    }
  }

  bool all_finished() const { return result_.served + result_.failed == options_.clients; }

  void on_connected(Micros took) override {
    result_.connect_times.push_back(took);
    result_.connected_max = std::max(result_.connected_max, ++result_.connected_now);
    count_arrival();
  }

  void on_transaction(Micros took) override { result_.transaction_times.push_back(took); }

  void on_finished(const std::optional<Failure>& failure, bool was_connected) override {
    if (was_connected) --result_.connected_now;
    if (failure) result_.failures.add(*failure);
    ++(failure ? result_.failed : result_.served);
    if (!was_connected) count_arrival();
    if (!all_finished()) return;
    ended_ = Clock::now();
    tick_.cancel();
  }

  // A client has connected or failed. The last one opens the gate for all.
  void count_arrival() {
    if (++arrived_ == options_.clients && !gate_.is_open()) gate_.open();
  }

  const BurstOptions& options_;
  asio::io_context io_{1};
  ClientPlan plan_;
  Credentials credentials_;
  Gate gate_;
  asio::steady_timer tick_;
  Progress progress_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::size_t arrived_ = 0;
  Clock::time_point started_{};
  Clock::time_point ended_{};
  BurstResult result_;
};

}  // namespace

BurstResult run_burst(const BurstOptions& options) {
  return Burst(options).run();
}

}  // namespace pgweir::bench
