// Who may take a step of a TLS handshake, which costs as much CPU as some fifty queries: one of those who
// wait in each round of a worker's loop, in order of arrival. A storm of logins so stretches a round by one
// step, and running queries pass between. A client that sends nothing holds no turn.
// Thread rule: the worker's thread.
#pragma once

#include <list>

#include "proxy/readiness.hpp"

namespace pgweir {

class HandshakeTurns {
 public:
  // One session's handshake; gives up its place when it ends.
  class Place {
   public:
    Place(HandshakeTurns& turns, Waker& waker) : turns_(turns), waker_(waker), at_(turns.waiting_.end()) {}
    ~Place() { leave(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // True: take one step now. False: queued; the waker is woken when the turn has come.
    bool take() {
      const bool is_first = turns_.waiting_.empty() || turns_.waiting_.begin() == at_;
      if (turns_.taken_ || !is_first) {
        if (at_ == turns_.waiting_.end()) at_ = turns_.waiting_.insert(turns_.waiting_.end(), &waker_);
        return false;
      }
      leave();
      turns_.taken_ = true;
      return true;
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

  // After each round.
  void next_round() {
    taken_ = false;
    if (!waiting_.empty()) waiting_.front()->wake();
  }

 private:
  bool taken_ = false;
  std::list<Waker*> waiting_;
};

}  // namespace pgweir
