// One function environment of a fleet: it arrives, connects with its first invocation, answers one at a time,
// may freeze (its socket is not looked at, and nothing is closed), thaws with the next invocation, may be
// reaped without a goodbye. What happens when is the schedule's; how it went is the recorder's.
//
// Thread rule: the one thread of the run. The owner keeps an Environment alive until run() has ended, and
// beyond: its connection stays open until it is destroyed.
#pragma once

#include <optional>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bench/connection.hpp"
#include "bench/fleet_recorder.hpp"
#include "bench/fleet_schedule.hpp"

namespace pgweir::bench {

// What the environments of one run share; outlives them.
struct FleetContext {
  boost::asio::io_context& io;
  const FleetOptions& options;
  const QueryMix& mix;
  const ConnectionPlan& plan;
  Credentials& credentials;
  FleetRecorder& recorder;
  Clock::time_point started{};
  Micros end{};          // of the schedule; when stopped: of the run
  bool stopped = false;  // no environment begins anything any more

  Micros now() const { return std::chrono::duration_cast<Micros>(Clock::now() - started); }
};

// Counts what a schedule still holds when the run is over: `first`, then everything after it.
void record_rest(const FleetContext& fleet, std::optional<Invocation> first, EnvironmentSchedule& schedule);

class Environment {
 public:
  Environment(FleetContext& fleet, EnvironmentSchedule schedule,
              std::optional<boost::asio::ip::address> source);

  boost::asio::awaitable<void> run();
  void expire_if_due(Clock::time_point now);
  // Wakes run() up, which sees that the fleet has been stopped and ends.
  void stop();

 private:
  enum class Outcome { served, failed, abandoned };

  boost::asio::awaitable<void> sleep_until(Micros at);
  boost::asio::awaitable<void> invoke(const Invocation& invocation);
  boost::asio::awaitable<Outcome> perform(const Invocation& invocation);
  boost::asio::awaitable<bool> ensure_connected();
  boost::asio::awaitable<bool> query(std::string_view sql);
  boost::asio::awaitable<void> freeze(const Invocation& invocation, bool in_transaction);
  void record(const Invocation& invocation, Outcome outcome);
  void keep_or_part(Outcome outcome);
  void reap();

  FleetContext& fleet_;
  EnvironmentSchedule schedule_;
  std::optional<boost::asio::ip::address> source_;
  boost::asio::steady_timer timer_;
  std::optional<Connection> connection_;  // logged in, except inside ensure_connected()
  std::optional<Failure> failure_;        // of the invocation that is being performed
  ByteBuffer message_;                    // the Query that is being sent
  Micros frozen_{};                       // how long, within this invocation
  bool thawed_ = false;                   // and has not looked at its socket since
};

}  // namespace pgweir::bench
