#include "proxy/session/backend_lease.hpp"

#include <chrono>
#include <utility>

#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/reply/parameter_teller.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

bool BackendLease::borrow() {
  if (waiter_.queued) return false;
  if (Backend* backend = x_.pool->try_borrow(x_.worker)) {
    x_.pool->counters(x_.worker).borrow_wait.observe(std::chrono::nanoseconds{0});
    attach(*backend);
    return true;
  }
  x_.pool->wait(waiter_, x_.worker);
  return waiter_.granted != nullptr && take_grant();
}

bool BackendLease::take_grant() {
  Backend* const backend = x_.pool->accept_grant(waiter_, x_.worker);
  if (backend == nullptr) {
    x_.pool->wait(waiter_, x_.worker);  // the session waits for the next one, at the end of the queue
    return false;
  }
  attach(*backend);
  return true;
}

std::unique_ptr<const BorrowFailure> BackendLease::explain_wait() const {
  return std::make_unique<const BorrowFailure>(
      explain_borrow_failure(x_.pool->facts(), x_.worker.now(), std::chrono::system_clock::now()));
}

void BackendLease::stop_waiting() {
  x_.pool->stop_waiting(waiter_, x_.worker);
}

void BackendLease::attach(Backend& backend) {
  x_.backend = &backend;
  x_.forwarded = false;
  audited_ = false;
  since_ = x_.worker.now();
  backend.transport.watch(&waker_);
  if (same(backend.applied, x_.client.desired)) ParameterTeller(x_).tell();
}

Backend& BackendLease::detach() {
  Backend& backend = *std::exchange(x_.backend, nullptr);
  backend.transport.watch(nullptr);
  return backend;
}

void BackendLease::give_back() {
  if (x_.backend->statements.in_doubt()) {
    log::warning("prepared_statements_changed", {{"database", x_.pool->database()},
                                                 {"user", x_.pool->user()},
                                                 {"pid", std::to_string(x_.backend->pid)},
                                                 {"client", std::to_string(x_.session_id)}});
    return discard(BackendClose::statements_changed);
  }
  x_.pool->release(detach(), x_.worker);
}

void BackendLease::discard(BackendClose reason) {
  x_.pool->discard(detach(), reason, x_.worker);
}

bool BackendLease::begin_audit() {
  const bool is_due = audit_every_ > 0 && !audited_ && !x_.pinned() && x_.worker.is_nth_release(audit_every_);
  audited_ = audited_ || is_due;
  return is_due;
}

}  // namespace pgweir
