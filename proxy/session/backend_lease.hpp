// A session and its pool: waiting for a backend, having one, giving it back. Thread rule: the session's worker.
#pragma once

#include <cstdint>

#include "proxy/exchange/exchange.hpp"
#include "proxy/net/readiness.hpp"
#include "proxy/pool/pool_state.hpp"

namespace pgweir {

class BackendLease {
 public:
  BackendLease(Exchange& exchange, Waker& waker, std::uint64_t session) : x_(exchange), waker_(waker) {
    waiter_.session = session;
  }

  // True: there is a backend now. False: the session waits in the queue.
  bool borrow();
  // What the pool has granted. False: it was dead, and the session waits for the next one.
  bool take_grant();
  void stop_waiting();
  bool waits() const { return waiter_.queued; }
  bool is_granted() const { return waiter_.granted != nullptr; }
  // When it began to wait.
  TimePoint waits_since() const { return waiter_.since; }

  // When the session got the backend that it has.
  TimePoint since() const { return since_; }
  // The backend goes back to the pool, unless what it has prepared is in doubt.
  void give_back();
  void discard(BackendClose reason);
  // Of so many backends that are given back one is audited; 0: none.
  void audit_every(std::uint32_t n) { audit_every_ = n; }
  // Once for a lease at the most, and never of a session that keeps its backend. True: it is audited now.
  bool begin_audit();

 private:
  void attach(Backend& backend);
  Backend& detach();

  Exchange& x_;
  Waker& waker_;
  Waiter waiter_;
  TimePoint since_{};
  std::uint32_t audit_every_ = 0;
  bool audited_ = false;
};

}  // namespace pgweir
