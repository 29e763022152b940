// The backend that a client leaves behind: what runs is ended, what is open is rolled back, and what the client
// has set is taken back. Thread rule: the session's worker.
#pragma once

#include <chrono>

#include "proxy/entry/life.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/net/readiness.hpp"
#include "proxy/net/task.hpp"
#include "proxy/reply/reply_events.hpp"

namespace pgweir {

class WindDown {
 public:
  // Cleaning up after a client has to be over within this time, or its backend is closed.
  static constexpr std::chrono::milliseconds abandon_timeout{2'000};
  // A server that has not even begun a statement ignores a cancel of it. So the cancel is sent again after
  // this long, and after twice as long each time.
  static constexpr std::chrono::milliseconds cancel_patience{100};

  // The session whose backend it is.
  class Host {
   public:
    virtual ~Host() = default;
    virtual void flush() = 0;
    // There may be more to read now.
    virtual bool has_replies() const = 0;
    virtual void read_server() = 0;
    // Asks the server to cancel what it runs.
    virtual void cancel_statement() = 0;
  };

  WindDown(Exchange& exchange, ReplyEvents& events, Host& host, Waker& waker, Life& life)
      : x_(exchange), events_(events), host_(host), waker_(waker), life_(life) {}

  // `at_boundary`: the client has not left in the middle of a message. False: the backend is not clean, or it
  // is gone, and it must never be given to another client.
  Task<bool> run(bool at_boundary);

 private:
  Task<bool> judge_leftovers(TimePoint until);
  void forget_state(bool with_statements);
  bool has_idle_timeout() const;
  void ask_to_finish();
  void cancel_leftovers();
  bool is_settled() const;
  Task<bool> settle(TimePoint until);

  Exchange& x_;
  ReplyEvents& events_;
  Host& host_;
  Waker& waker_;
  Life& life_;
};

}  // namespace pgweir
