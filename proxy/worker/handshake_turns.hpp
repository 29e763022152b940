// Who may take a step of a TLS handshake, which costs as much CPU as some fifty queries: one waiting session
// in each round of a worker's loop, in order of arrival. While there are queries, none may until the worker
// has rested for a multiple of the time that the last step took. So a storm of logins delays itself rather
// than the queries. The rest also leaves CPU to the clients, whose side of a handshake costs as much, and to
// the server. A client that sends nothing holds no turn. Without queries there is no rest. Thread rule: the
// worker's thread.
#pragma once

#include <chrono>
#include <list>

#include "proxy/net/readiness.hpp"

namespace pgweir {

class HandshakeTurns {
 public:
  using Clock = std::chrono::steady_clock;
  using TimePoint = Clock::time_point;

  // The rest lasts this many times as long as the step.
  static constexpr int rest_factor = 2;
  // Only queries of clients that have been there for this long count. The clients of a storm must not slow it
  // down by the one query that each of them may have come for.
  static constexpr std::chrono::seconds settled_after{1};
  // For this long after a query, another one may follow.
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

  // `since`: when the client connected.
  void note_query(TimePoint since, TimePoint now) {
    if (now - since >= settled_after) last_query_ = now;
  }

  // To be called after each round, which has taken until `now`.
  void next_round(TimePoint now) {
    taken_ = false;
    if (!waiting_.empty() && now >= rests_until_) waiting_.front()->wake();
  }
  // Whether a session waits for the rest to end.
  bool rests(TimePoint now) const { return !waiting_.empty() && now < rests_until_; }

 private:
  bool taken_ = false;
  TimePoint last_query_{};
  TimePoint rests_until_{};
  std::list<Waker*> waiting_;
};

}  // namespace pgweir
