// The session and its backend: getting one, bringing it to the client's settings, giving it back.
#include "protocol/frontend.hpp"
#include "protocol/sqlstate.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/session.hpp"
#include "proxy/state/prelude.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// A COMMIT may be among what the server had been asked: it is neither asked again nor taken for done.
constexpr std::string_view outcome_unknown =
    "the connection to the database server was lost; what was under way may or may not have taken effect";

}  // namespace

// True: there is one now. False: the session waits in the queue, or has ended.
bool Session::borrow() {
  if (waiter_.queued) return false;
  if (Backend* backend = pool_->try_borrow(worker_)) {
    pool_->counters(worker_).borrow_wait.observe(std::chrono::nanoseconds{0});
    attach(*backend);
    return true;
  }
  pool_->wait(waiter_, worker_);
  if (waiter_.granted == nullptr) return false;
  take_grant();
  return exchange_.backend != nullptr;
}

void Session::take_grant() {
  Backend* const backend = pool_->accept_grant(waiter_, worker_);
  if (backend == nullptr) {
    pool_->wait(waiter_, worker_);  // it was dead: the next one, with the place in the queue lost
    return;
  }
  held_ = false;
  attach(*backend);
}

void Session::attach(Backend& backend) {
  exchange_.backend = &backend;
  exchange_.forwarded = false;
  held_cancel_.reset();
  audited_ = false;
  backend.transport.watch(&waker_);
  transaction_started_ = query_started_ = worker_.now();
  if (same(backend.applied, exchange_.desired)) replies_.tell_parameters();
}

// Between two transactions: makes the backend's settings those of the client. False: wait until that has
// succeeded.
bool Session::apply_settings() {
  Backend& backend = *exchange_.backend;
  const ResponseTracker& tracker = exchange_.tracker;
  if (backend.applied == exchange_.desired) {
    return !prelude_holds();
  }
  if (!tracker.settled()) return true;
  if (same(backend.applied, exchange_.desired)) {
    backend.applied = exchange_.desired;
    return true;
  }
  const std::shared_ptr<const Prelude> prelude =
      sets_as_other_
          ? std::make_shared<const Prelude>(make_prelude(*backend.applied, *exchange_.desired, *other_role_))
          : worker_.settings_memo().prelude(backend.applied, exchange_.desired);
  send_own(OwnQuery::prelude, prelude->sql);
  pool_->counters(worker_).prelude_sent.add();
  applied_before_ = std::exchange(backend.applied, exchange_.desired);
  prelude_must_succeed_ = prelude->must_wait;
  return !prelude->must_wait;
}

void Session::send_own(OwnQuery which, std::string_view sql) {
  write_query(worker_.to_server().own(), sql);
  worker_.to_server().end_own();
  exchange_.own.push_back(which);
  exchange_.backend->statements.begin_unnamed(nullptr, exchange_.tracker.segment());
  exchange_.tracker.expect({.reply = Reply::query, .fate = Fate::mute, .holds = true}, replies_);
}

// One that has to succeed first is still under way.
bool Session::prelude_holds() const {
  return prelude_must_succeed_ && !exchange_.own.empty();
}

// One query string is one transaction: none of it happened. What the client has sent after it may have run
// under another's settings by now: then nobody knows what the backend has.
void Session::prelude_failed() {
  if (apply_as_other_role()) return;
  const bool unused = !exchange_.forwarded && !exchange_.pinned() && exchange_.greeted;
  // It was accepted once: a backend with another past may take it (temp_buffers).
  if (unused && ++prelude_failures_ < prelude_attempts_max)
    return lose_backend(BackendClose::settings_refused);
  exchange_.backend->applied = applied_before_;
  exchange_.own_failed = exchange_.forwarded;
  end(Reason::bad_settings, exchange_.own_error_message, exchange_.own_error_code);
  exchange_.own_error_code.clear();
}

// What the client has set as another role the login role may not be allowed to set. Nothing of the client's
// has gone out yet.
bool Session::apply_as_other_role() {
  const bool denied = exchange_.own_error_code == sqlstate::insufficient_privilege;
  if (!denied || !prelude_must_succeed_ || !exchange_.greeted || sets_as_other_ || !other_role_) return false;
  sets_as_other_ = true;
  exchange_.backend->applied = applied_before_;
  exchange_.watch.failed = false;
  held_ = false;
  return true;
}

// Nothing owed, no transaction: the backend is free unless something of this client's is on it that others
// must not see, or that the client needs again.
void Session::at_rest() {
  if (!is_resting()) return;
  if (std::exchange(exchange_.mixed_protocols, false)) {
    send_own(OwnQuery::nothing, "");
    return flush();
  }
  if (exchange_.listen && forget_channels()) return;
  if (!state_is_known()) return;
  begin_anew();
  if (exchange_.pinned()) {
    if (drain_ && !keeps_what_it_has()) end(Reason::draining);
    return;
  }
  if (exchange_.forwarded || client_carry_.empty()) give_back();
}

bool Session::is_resting() const {
  return phase_ == Phase::serving && exchange_.backend != nullptr && exchange_.greeted &&
         exchange_.tracker.settled() && client_framer_.at_boundary() && exchange_.own.empty() &&
         exchange_.backend->backlog.empty();
}

// The next transaction has nothing to do with the last one.
void Session::begin_anew() {
  exchange_.watch.clear();
  exchange_.settings.clear();
  exchange_.presumed.clear();
  exchange_.bound_steps.clear();
  exchange_.copy_portal = false;
  exchange_.restore_due = false;
  exchange_.bound.reset();
  exchange_.tracker.shrink();
}

void Session::give_back() {
  Backend& backend = *exchange_.backend;
  exchange_.backend = nullptr;
  // It has asked for a sequence's value at the most, and taken none.
  const bool took_values = exchange_.advanced_sequence || backend.sequence_mixed;
  if (backend.sequence_owner == exchange_.session && !took_values) backend.sequence_owner = 0;
  prelude_failures_ = 0;
  pool_->counters(worker_).transaction.observe(worker_.now() - transaction_started_);
  give_to_pool(backend);
  if (drain_) end(Reason::draining);
}

void Session::give_to_pool(Backend& backend) {
  if (!backend.statements.in_doubt()) return pool_->release(backend, worker_);
  log::warning("prepared_statements_changed", {{"database", pool_->database()},
                                               {"user", pool_->user()},
                                               {"pid", std::to_string(backend.pid)},
                                               {"client", std::to_string(id_)}});
  backend.transport.watch(nullptr);
  pool_->discard(backend, BackendClose::statements_changed, worker_);
}

// The client has its answers and left nothing behind, or all that is open is what its database's views and
// the like may do. A server that ends now costs it nothing but what one of them may have set in this
// transaction.
bool Session::has_nothing_to_lose() const {
  const std::vector<OwnQuery>& own = exchange_.own;
  const bool only_asks = own.empty() || (own.size() == 1 && own.front() == OwnQuery::sources);
  return only_asks && only_own_work_left() && !exchange_.watch.touched() && exchange_.settings.is_empty() &&
         exchange_.unjudged.empty() && !exchange_.triggers_unjudged && trigger_calls_.empty();
}

void Session::lose_backend(BackendClose reason, bool told) {
  Backend& backend = *exchange_.backend;
  log::info("backend_lost", {{"database", pool_->database()},
                             {"user", pool_->user()},
                             {"pid", std::to_string(backend.pid)},
                             {"client", std::to_string(id_)},
                             {"reason", to_string(reason)}});
  exchange_.backend = nullptr;
  backend.transport.watch(nullptr);
  pool_->discard(backend, reason, worker_);
  const bool owes_client = exchange_.tracker.outstanding() > exchange_.own.size();
  const bool spare = !exchange_.forwarded || has_nothing_to_lose();
  const bool unused = spare && !owes_client && !exchange_.pinned() && !told && phase_ == Phase::serving;
  if (!unused) {
    if (told) return end(Reason::server_error);
    return end(Reason::server_lost, owes_client ? outcome_unknown : std::string_view());
  }
  // Nothing of the client's was under way: another backend will do.
  exchange_.watch.clear();
  exchange_.settings = {};
  exchange_.presumed.clear();
  exchange_.bound_steps.clear();
  prepares_question_ = false;
  exchange_.unjudged.clear();
  exchange_.definitions_unjudged = false;
  exchange_.function_question = {};
  replies_.forget_answers();
  exchange_.tracker = ResponseTracker();
  exchange_.own.clear();
  exchange_.end_naming();
  exchange_.batch = {};
  if (exchange_.listen) exchange_.listen->backend_lost();
  auditing_ = false;
  held_ = false;
}

}  // namespace pgweir
