// The end of the process, step by step:
//
//   begin() -> still accepts, for as long as load balancers may send clients -> accepts none; ends clients
//   where their transactions end, at a pace -> tells those that are left -> stop
//
// Sessions that are pinned (but for session mode) are left alone until the last step, as they could not get
// what they have on another connection. Thread rule: main thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "config/settings.hpp"
#include "proxy/base/clock.hpp"
#include "proxy/process/listener.hpp"

namespace pgweir {

struct Services;

class Drain {
 public:
  static constexpr std::chrono::milliseconds poll{20};
  // The most time of the deadline that is kept for telling the remaining clients why they are closed.
  static constexpr std::chrono::milliseconds last_words{500};
  // Where another process listens on the same port, connections that were already on their way to this one
  // are accepted for this long.
  static constexpr std::chrono::milliseconds takeover_grace{1'000};

  // `stop` ends the process's loop.
  Drain(boost::asio::io_context& io, Services& services, std::function<void()> stop)
      : services_(services), stop_(std::move(stop)), timer_(io) {}

  void begin(const config::Settings& settings, std::shared_ptr<Listener> listener);
  // No new clients are accepted; those that are connected may stay as long as they like. Clients at the
  // console are not waited for.
  void wait_for_clients(std::shared_ptr<Listener> listener);
  // Whether clients should no longer be sent to this process.
  bool begun() const { return begun_; }

 private:
  void end_accepting();
  void end_clients();
  void tell_the_rest();
  void wait(TimePoint until, void (Drain::*then)());
  void wait_until_empty();
  void wait_until_clients_gone();
  TimePoint tell_at() const;

  Services& services_;
  std::function<void()> stop_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<Listener> listener_;
  config::Timeouts timeouts_;
  std::uint32_t rate_ = 0;
  TimePoint begun_at_{};
  TimePoint deadline_ = TimePoint::max();
  bool begun_ = false;
  bool told_ = false;
};

}  // namespace pgweir
