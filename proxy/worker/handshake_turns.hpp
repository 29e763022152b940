// Who may take a step of a TLS handshake, which costs as much CPU as some fifty queries: one of those who
// wait in each round of a worker's loop, in order of arrival; and while there are queries, none until the
// worker has rested from the last step for a multiple of the time which that took. A storm of logins so
// delays itself rather than the queries, also in that its clients, whose side of a handshake costs as much,
// and the server leave each other some CPU. A client that sends nothing holds no turn. Without queries there
// is no rest. Thread rule: the worker's thread.
#pragma once

#include <chrono>
#include <list>

#include "proxy/net/readiness.hpp"

namespace pgweir {

class HandshakeTurns {
 public:
  using Clock = std::chrono::steady_clock;
  using TimePoint = Clock::time_point;

  // Of the time that a step has taken.
  static constexpr int rest_factor = 2;
  // Whose queries count: clients that have been there for so long. Those of a storm are not to slow it down
  // by the one query that each of them may have come for.
  static constexpr std::chrono::seconds settled_after{1};
  // So long after a query there may be another one.
  static constexpr std::chrono::milliseconds query_window{20};

  // One session's handshake; gives up its place when it ends.
  class Place {
   public:
    Place(HandshakeTurns& turns, Waker& waker) : turns_(turns), waker_(waker), at_(turns.waiting_.end()) {}
    ~Place() { leave(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // True: take one step now, and say step_ended(). False: queued; the waker is woken when the turn has
    // come.
    bool take(TimePoint now) {
      const bool is_first = turns_.waiting_.empty() || turns_.waiting_.begin() == at_;
      if (turns_.taken_ || !is_first || now < turns_.rests_until_) {
        if (at_ == turns_.waiting_.end()) at_ = turns_.waiting_.insert(turns_.waiting_.end(), &waker_);
        return false;
      }
      leave();
      turns_.taken_ = true;
      return true;
    }

    void step_ended(TimePoint began, TimePoint ended) {
      const bool has_queries = ended - turns_.last_query_ < query_window;
      turns_.rests_until_ = has_queries ? ended + rest_factor * (ended - began) : TimePoint{};
    }

   private:
    void leave() {
      if (at_ == turns_.waiting_.end()) return;
      turns_.waiting_.erase(at_);
      at_ = turns_.waiting_.end();
    }

    HandshakeTurns& turns_;
    Waker& waker_;
    std::list<Waker*>::iterator at_;
  };

  // Of a client that is connected since then.
  void note_query(TimePoint since, TimePoint now) {
    if (now - since >= settled_after) last_query_ = now;
  }

  // After each round, which has taken until `now`.
  void next_round(TimePoint now) {
    taken_ = false;
    if (!waiting_.empty() && now >= rests_until_) waiting_.front()->wake();
  }
  // Somebody waits for a rest to end.
  bool rests(TimePoint now) const { return !waiting_.empty() && now < rests_until_; }

 private:
  bool taken_ = false;
  TimePoint last_query_{};
  TimePoint rests_until_{};
  std::list<Waker*> waiting_;
};

}  // namespace pgweir
