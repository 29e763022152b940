#include "bench/fleet_run.hpp"

#include <csignal>
#include <deque>
#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bench/activity_watcher.hpp"
#include "bench/descriptor_limit.hpp"
#include "bench/fleet_environment.hpp"
#include "bench/fleet_progress.hpp"
#include "bench/target.hpp"
#include "bench/use_tuple.hpp"
#include "protocol/startup.hpp"

namespace asio = boost::asio;

namespace pgweir::bench {
namespace {

// Environments begun between two looks at what has arrived: enough to be a flood, few enough that the
// generator's own queue does not grow into the measured times.
constexpr std::size_t fleet_start_batch = 32;
constexpr auto fleet_tick_interval =
    std::chrono::milliseconds(50);                   // deadlines, progress, the lag of this program
constexpr std::size_t fleet_spare_descriptors = 32;  // everything that is not a client

ConnectionPlan make_plan(const FleetOptions& options, const FleetTarget& target) {
  ConnectionPlan plan;
  plan.target = resolve(target.host, target.port, "--target " + target.name);
  const StartupParameter name{"application_name", "pgweir-bench"};
  write_startup_message(plan.startup_message, 0, options.user, options.database_name(), std::span(&name, 1));
  plan.timeout = options.timeout;
  return plan;
}

class FleetRun {
 public:
  FleetRun(const FleetOptions& options, const FleetTarget& target, const QueryMix& mix,
           const FleetSchedule& schedule)
      : options_(options),
        schedule_(schedule),
        plan_(make_plan(options, target)),
        credentials_(options.user, options.password),
        recorder_(options, mix.size()),
        fleet_{io_, options, mix, plan_, credentials_, recorder_},
        arrivals_(io_),
        tick_(io_),
        signals_(io_),
        progress_(options, target.name) {
    require_loopback_for_sources(options.source_addresses, plan_.target);
    require_descriptors(schedule.size() + fleet_spare_descriptors);
    fleet_.end = std::chrono::round<Micros>(options.duration);
    recorder_.result().target = target;
  }

  FleetResult run() {
    std::optional<ActivityWatcher> watcher;
    if (!options_.watch.empty()) watcher.emplace(options_.watch, options_.user, options_.database_name());
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) interrupt();
    });
    fleet_.started = Clock::now();
    asio::co_spawn(io_, start_environments(), rethrow);
    asio::co_spawn(io_, tick(), rethrow);
    io_.run();
    FleetResult& result = recorder_.result();
    recorder_.ended(ended_);
    progress_.finish(result, ended_);
    if (watcher) keep(watcher->stop());
    return std::move(result);
  }

 private:
  static void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  }

  asio::awaitable<void> start_environments() {
    std::size_t begun = 0;
    for (; begun < schedule_.size(); ++begun) {
      arrivals_.expires_at(fleet_.started + schedule_.arrival(begun));
      if (arrivals_.expiry() > Clock::now()) {
        [[maybe_unused]] auto [ignored] = co_await arrivals_.async_wait(use_tuple);
      } else if (begun % fleet_start_batch == 0) {
        co_await asio::post(io_, asio::use_awaitable);
      }
      if (fleet_.stopped) break;
      environments_.emplace_back(fleet_, schedule_.environment(begun),
                                 source_address(options_.source_addresses, begun));
      ++running_;
      asio::co_spawn(io_, environments_.back().run(), [this](std::exception_ptr error) {
        rethrow(error);
        --running_;
        end_if_done();
      });
    }
    for (; begun < schedule_.size(); ++begun) {
      EnvironmentSchedule missed = schedule_.environment(begun);
      record_rest(fleet_, std::nullopt, missed);
    }
    all_begun_ = true;
    end_if_done();
  }

  asio::awaitable<void> tick() {
    const Micros last_call = fleet_.end + std::chrono::round<Micros>(options_.grace);
    while (!done_) {
      tick_.expires_after(fleet_tick_interval);
      [[maybe_unused]] auto [ignored] = co_await tick_.async_wait(use_tuple);
      if (done_) break;
      const Clock::time_point now = Clock::now();
      recorder_.woke_late(std::chrono::duration_cast<Micros>(now - tick_.expiry()));
      for (Environment& environment : environments_) environment.expire_if_due(now);
      progress_.show(recorder_.result(), fleet_.now());
      if (!fleet_.stopped && fleet_.now() >= last_call) stop();
    }
  }

  void interrupt() {
    signals_.clear();  // the next one kills
    recorder_.result().interrupted = true;
    stop();
  }

  void stop() {
    if (fleet_.stopped) return;
    fleet_.stopped = true;
    fleet_.end = fleet_.now();
    arrivals_.cancel();
    for (Environment& environment : environments_) environment.stop();
  }

  void end_if_done() {
    if (!all_begun_ || running_ > 0 || done_) return;
    done_ = true;
    ended_ = fleet_.now();
    tick_.cancel();
    signals_.clear();
    signals_.cancel();
  }

  void keep(ServerConnections seen) {
    for (const ServerConnections::Sample& sample : seen.course)
      recorder_.result().series.server.set(std::chrono::duration_cast<Micros>(sample.at - fleet_.started),
                                           sample.count);
    recorder_.result().server_connections = std::move(seen);
  }

  const FleetOptions& options_;
  const FleetSchedule& schedule_;
  asio::io_context io_{1};
  ConnectionPlan plan_;
  Credentials credentials_;
  FleetRecorder recorder_;
  FleetContext fleet_;
  asio::steady_timer arrivals_;
  asio::steady_timer tick_;
  asio::signal_set signals_;
  FleetProgress progress_;
  std::deque<Environment> environments_;  // of those that have begun; they never move
  std::size_t running_ = 0;
  bool all_begun_ = false;
  bool done_ = false;
  Micros ended_{};
};

}  // namespace

FleetResult run_fleet(const FleetOptions& options, const FleetTarget& target, const QueryMix& mix,
                      const FleetSchedule& schedule) {
  return FleetRun(options, target, mix, schedule).run();
}

bool pause_for(Seconds time) {
  asio::io_context io{1};
  asio::signal_set signals(io, SIGINT, SIGTERM);
  asio::steady_timer timer(io, std::chrono::round<Micros>(time));
  bool whole = false;
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) timer.cancel();
  });
  timer.async_wait([&](const boost::system::error_code& error) {
    whole = !error;
    signals.cancel();
  });
  io.run();
  return whole;
}

}  // namespace pgweir::bench
