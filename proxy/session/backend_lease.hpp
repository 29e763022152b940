// A session's use of its pool: it waits for a backend, has one, gives it back. Thread rule: the session's
// worker.
#pragma once

#include <cstdint>
#include <memory>

#include "proxy/exchange/exchange.hpp"
#include "proxy/net/readiness.hpp"
#include "proxy/pool/borrow_failure.hpp"
#include "proxy/pool/pool_state.hpp"

namespace pgweir {

class BackendLease {
 public:
  BackendLease(Exchange& exchange, Waker& waker, std::uint64_t session) : x_(exchange), waker_(waker) {
    waiter_.session = session;
  }

  // True: there is a backend now. False: the session waits in the queue.
  bool borrow();
  // Takes what the pool has granted. False: that backend was dead, and the session waits for the next one.
  bool take_grant();
  void stop_waiting();
  bool waits() const { return waiter_.queued; }
  bool is_granted() const { return waiter_.granted != nullptr; }
  // When the session began to wait.
  TimePoint waits_since() const { return waiter_.since; }
  // Why it still waits.
  std::unique_ptr<const BorrowFailure> explain_wait() const;

  // When the session got the backend that it has.
  TimePoint since() const { return since_; }
  // Gives the backend back to the pool, unless it is in doubt what the backend has prepared.
  void give_back();
  void discard(BackendClose reason);
  // One of this many backends that are given back is audited; 0: none.
  void audit_every(std::uint32_t n) { audit_every_ = n; }
  // Whether this backend is audited now: at most once for a lease, and never while the session keeps it.
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
