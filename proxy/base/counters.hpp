// Counters of one worker. Only its own thread writes them, so an increment is a plain load and store; a
// scrape on another thread reads them at any time and adds the workers up.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>

#include "proxy/base/backend_reason.hpp"
#include "proxy/base/pin.hpp"
#include "proxy/base/reason.hpp"

namespace pgweir {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(get() + n, std::memory_order_relaxed); }
  void subtract(std::uint64_t n = 1) { value_.store(get() - n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Durations in powers of two of 16 microseconds: 16 us, 32 us, ... 134 s, more.
class DurationHistogram {
 public:
  static constexpr std::size_t bounds = 24;
  static constexpr std::uint64_t first_bound_us = 16;
  static double bound_seconds(std::size_t i) { return static_cast<double>(first_bound_us << i) * 1e-6; }

  void observe(std::chrono::nanoseconds duration) {
    const std::int64_t ns = duration.count();
    const std::uint64_t us = ns > 0 ? static_cast<std::uint64_t>(ns) / 1000 : 0;
    // A bucket holds the durations up to its bound.
    const std::size_t bucket =
        us <= first_bound_us ? 0 : static_cast<std::size_t>(std::bit_width((us - 1) / first_bound_us));
    counts_[bucket < bounds ? bucket : bounds].add();
    sum_us_.add(us);
  }
  std::uint64_t count(std::size_t i) const { return counts_[i].get(); }
  std::uint64_t sum_us() const { return sum_us_.get(); }

 private:
  std::array<Counter, bounds + 1> counts_;
  Counter sum_us_;
};

struct WorkerCounters {
  Counter clients;  // open now
  Counter accepted;
  Counter accept_pauses;
  Counter tls_handshakes;
  Counter tls_failures;
  Counter logins_ok;
  DurationHistogram login;  // from the connection to the end of the login
  Counter cancels_received;
  Counter cancels_forwarded;
  std::array<Counter, reason_count> ended;  // clients refused, closed or sent an error, by Reason
};

// The counters of one pool on one worker.
struct PoolCounters {
  Counter clients;    // logged in now
  Counter logged_in;  // since the start
  Counter queries;
  Counter transactions;
  Counter answered_here;  // queries that needed no server
  Counter bytes_from_clients;
  Counter bytes_to_clients;
  Counter borrows;
  Counter prelude_sent;         // settings applied to a backend
  Counter statements_injected;  // Parse messages sent on a client's behalf
  Counter client_parses;        // Parse and Bind messages of clients
  Counter binds;
  Counter server_parses;  // Parse messages that the server has carried out
  Counter abandoned;      // backends wound down after their client left
  Counter state_checks;   // times the server was asked what a transaction had left behind
  Counter audits;
  Counter audit_findings;
  std::array<Counter, backend_close_count> closes;         // of backends, by BackendClose
  std::array<Counter, backend_login_result_count> logins;  // to the server, by BackendLoginResult
  std::array<Counter, pin_count> pins;                     // begun, by Pin
  std::array<Counter, pin_count> pinned;                   // sessions now, by Pin
  DurationHistogram pin;
  DurationHistogram borrow_wait;
  DurationHistogram query;
  DurationHistogram transaction;
};

}  // namespace pgweir
