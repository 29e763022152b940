// One client of a burst, as a freshly started function environment is: connect, log in, a few transactions,
// stay while the others come, leave.
//
// Thread rule: the one thread of the burst. The owner keeps a Client alive until run() has ended.
#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bench/connection.hpp"

namespace pgweir::bench {

// Opens when every client has connected or failed. Those that are done wait here, still connected.
class Gate {
 public:
  explicit Gate(boost::asio::io_context& io) : timer_(io, Clock::time_point::max()) {}

  bool is_open() const { return open_; }
  void open();
  boost::asio::steady_timer& timer() { return timer_; }  // cancelled by open()

 private:
  boost::asio::steady_timer timer_;
  bool open_ = false;
};

// The same for all clients of a burst; outlives them.
struct ClientPlan {
  ConnectionPlan connection;
  ByteBuffer query_message;
  std::uint32_t transactions = 1;
};

// Hears of what happens, on the burst's thread. Each client reports connected or finished-with-failure first.
class ClientEvents {
 public:
  virtual void on_connected(Micros took) = 0;
  virtual void on_transaction(Micros took) = 0;
  virtual void on_finished(const std::optional<Failure>& failure, bool was_connected) = 0;

 protected:
  ~ClientEvents() = default;
};

class Client {
 public:
  // `source`: the local address to connect from, or the system's choice.
  Client(boost::asio::io_context& io, const ClientPlan& plan, Credentials& credentials, Gate& gate,
         ClientEvents& events, std::optional<boost::asio::ip::address> source);

  boost::asio::awaitable<void> run();
  // Ends a step that has taken too long; its wait in run() then fails.
  void expire_if_due(Clock::time_point now) { connection_.expire_if_due(now); }

 private:
  boost::asio::awaitable<void> stay();

  const ClientPlan& plan_;
  Gate& gate_;
  ClientEvents& events_;
  Connection connection_;
};

}  // namespace pgweir::bench
