// The last part of a session: deadlines and interrupts, refusals, the goodbye, and what becomes of the
// backend.

#include <algorithm>

#include "protocol/error_response.hpp"
#include "protocol/frontend.hpp"
#include "protocol/sqlstate.hpp"
#include "protocol/startup.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/cancel_registry.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/session_context.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

namespace {

bool is_over(TimePoint now, TimePoint since, std::chrono::milliseconds limit) {
  return limit.count() > 0 && now - since >= limit;
}

// DISCARD ALL without DEALLOCATE ALL and DISCARD PLANS. It leaves a role that the login gave behind as
// "none", so RESET ROLE is here, too.
constexpr std::string_view reset_but_statements =
    "CLOSE ALL;SET SESSION AUTHORIZATION DEFAULT;RESET ROLE;RESET ALL;UNLISTEN *;SELECT "
    "pg_catalog.pg_advisory_unlock_all();"
    "DISCARD TEMP;DISCARD SEQUENCES";
constexpr std::string_view and_statements = ";DEALLOCATE ALL";

void write_error(ByteBuffer& out, std::string_view severity, std::string_view sqlstate,
                 std::string_view message) {
  ErrorFields fields;
  fields.severity = severity;
  fields.code = sqlstate;
  fields.message = message;
  write_error_response(out, fields);
}

}  // namespace

// Looks at every session, every tick.
void Session::on_tick(TimePoint now) {
  const bool holds_failure = phase_ == Phase::login && closes_at_ != TimePoint{};
  if ((phase_ == Phase::closing || holds_failure) && now >= closes_at_) return waker_.wake();
  if (wakes_each_tick_) waker_.wake();
  if (phase_ == Phase::closing) return;
  if (expired_ || waiter_.granted != nullptr) return;
  std::optional<Reason> reason = overdue(now);
  const bool stalls = client_stalls(now, worker_.snapshot().settings->timeouts.client_write);
  if (!reason && stalls) reason = Reason::client_write_timeout;
  if (!reason) return;
  expired_ = reason;
  waker_.wake();
}

// Finds which deadline is in force from what the session is doing.
std::optional<Reason> Session::overdue(TimePoint now) {
  const config::Settings& settings = *worker_.snapshot().settings;
  const config::Timeouts& timeouts = settings.timeouts;
  const ResponseTracker& tracker = exchange_.tracker;
  if (!exchange_.greeted) {
    if (is_over(now, started_, timeouts.client_login)) return Reason::login_timeout;
    if (client_.shakes_hands() && is_over(now, started_, settings.listen.tls.handshake_timeout))
      return Reason::tls_failed;
  } else if (waiter_.queued) {
    if (is_over(now, waiter_.since, pool_->settings()->borrow_timeout)) return Reason::borrow_timeout;
  } else if (client_eof_) {
    if (is_over(now, client_eof_at_, half_close_grace)) return Reason::client_closed;
  } else if (exchange_.backend != nullptr && !tracker.idle() && !tracker.copy_in()) {
    return overdue_query(now, timeouts.query);
  } else if (exchange_.backend != nullptr && !tracker.settled()) {
    const bool server_stalls = !exchange_.backend->backlog.empty();
    if (!server_stalls && is_over(now, last_activity_, timeouts.idle_transaction))
      return Reason::idle_transaction_timeout;
  } else if (is_over(now, last_activity_, timeouts.client_idle)) {
    return Reason::idle_timeout;
  }
  return std::nullopt;
}

// A client that takes nothing of what waits for it keeps its backend from being read, and from everybody
// else. What the kernel has of it counts, too: there a slow reader's progress shows long before there is room
// for more.
bool Session::client_stalls(TimePoint now, std::chrono::milliseconds limit) {
  if (limit.count() == 0 || exchange_.backend == nullptr || to_client_backlog_.empty()) {
    client_stall_.stop();
    return false;
  }
  const std::optional<std::size_t> sent = client_.unacknowledged();
  return sent && client_stall_.look(now, to_client_backlog_.size() + *sent) >= limit;
}

// The session looks far more often than Transport::silence_max.
void Session::look_at_server() {
  if (exchange_.backend != nullptr && !exchange_.tracker.idle())
    exchange_.backend->transport.wait_for_busy_peer();
}

// A query past its time is cancelled, and the server's own error ends it; a server that does not even do that
// is given up.
std::optional<Reason> Session::overdue_query(TimePoint now, std::chrono::milliseconds limit) {
  if (!exchange_.own.empty() || !is_over(now, query_started_, limit)) {
    query_cancelled_ = false;
    return std::nullopt;
  }
  if (std::exchange(query_cancelled_, true)) {
    const bool late = is_over(now, query_started_, limit + abandon_timeout);
    return late ? std::optional(Reason::query_timeout) : std::nullopt;
  }
  log_statement("statement_timed_out", Reason::query_timeout, query_started_);
  pool_->cancel(*exchange_.backend, worker_, nullptr);
  return std::nullopt;
}

void Session::on_cancel(std::shared_ptr<void> done) {
  if (phase_ != Phase::serving) return;
  if (waiter_.queued || waiter_.granted != nullptr) {
    expired_ = Reason::cancelled;
    waker_.wake();
  } else if (exchange_.backend != nullptr && !only_own_work_left()) {
    held_cancel_ = std::move(done);
    deliver_cancel();
  }
}

// Such as the settings that go out in front of the client's statement.
bool Session::own_work_runs() const {
  const Expected* const oldest = exchange_.tracker.oldest();
  return oldest != nullptr && oldest->fate == Fate::mute;
}

// A cancel for the client must not hit anything of ours.
void Session::deliver_cancel() {
  if (own_work_runs()) return;
  std::shared_ptr<void> done = std::move(held_cancel_);
  if (done && !only_own_work_left()) pool_->cancel(*exchange_.backend, worker_, std::move(done));
}

void Session::on_drain() {
  drain_ = true;
  waker_.wake();
  if (!keeps_what_it_has()) return;
  log::info("drain_waits_for_pinned", {{"client", std::to_string(id_)},
                                       {"database", pool_->database()},
                                       {"user", pool_->user()},
                                       {"application_name", shown_name()},
                                       {"reason", to_string(exchange_.pins)},
                                       {"statement", pin_record_ ? pin_record_->statement : std::string()}});
}

void Session::on_drain_deadline() {
  if (phase_ == Phase::closing) return;
  expired_ = Reason::draining;
  waker_.wake();
}

// Whether the client has what it could not get on another connection. In session mode everybody is pinned, whatever they have.
bool Session::keeps_what_it_has() const {
  PinSet pins = exchange_.pins;
  pins.erase({Pin::session_mode});
  return !pins.empty();
}

void Session::check_interrupts() {
  if (listening_lost_)
    return end(Reason::server_lost, "the connection that listens for this client was lost");
  if (deaf_) return end(Reason::too_large, "the client does not take its notifications");
  if (expired_) {
    const Reason reason = *std::exchange(expired_, std::nullopt);
    const bool waits = reason == Reason::borrow_timeout || reason == Reason::cancelled;
    if (!waits) return end(reason);
    // A cancel concerns the message that waits, also when it has just been granted a backend.
    const bool granted = waiter_.granted != nullptr && reason == Reason::cancelled;
    if (waiter_.queued || granted) return refuse_waiting(reason);
  }
  if (waiter_.queued) {
    if (const std::optional<ServerRefusal> refusal = pool_->refusal()) {
      return end(Reason::server_unreachable, "logging in to the database server failed: " + refusal->message);
    }
  }
  if (drain_ && exchange_.backend != nullptr) at_rest();
  if (phase_ == Phase::closing) return;
  if (drain_ && exchange_.backend == nullptr && !waiter_.queued && client_carry_.empty())
    end(Reason::draining);
}

// The message that waits for a backend gets an error instead, as if the server had said so.
void Session::refuse_waiting(Reason reason) {
  pool_->stop_waiting(waiter_, worker_);
  refusing_ = reason;
  held_ = false;
  consume(client_carry_);
  flush();
  refusing_.reset();
}

// The client stays, so that no other line tells of it: one for each statement.
void Session::log_statement(std::string_view event, Reason reason, TimePoint since) const {
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(worker_.now() - since);
  log::info(event, {{"client", std::to_string(id_)},
                    {"reason", text_of(reason).name},
                    {"database", pool_->database()},
                    {"user", pool_->user()},
                    {"application_name", shown_name()},
                    {"peer", peer_},
                    {"waited_ms", std::to_string(waited.count())}});
}

void Session::refuse_piece(const Piece& piece) {
  ByteBuffer& out = worker_.to_client().own();
  const auto type = static_cast<FrontendType>(piece.type);
  const bool ends_batch =
      type == FrontendType::Query || type == FrontendType::FunctionCall || type == FrontendType::Sync;
  refusing_rest_ = !piece.last;
  if (refusing_until_sync_) {
    if (type == FrontendType::Terminate) return end(Reason::terminated);
    if (type != FrontendType::Sync) return;
    refusing_until_sync_ = false;
  } else {
    if (exchange_.listen) exchange_.listen->forget_offer();
    worker_.counters().ended[static_cast<std::size_t>(*refusing_)].add();
    log_statement("statement_refused", *refusing_, waiter_.since);
    write_reason(out, *std::exchange(refusing_, std::nullopt));
    refusing_until_sync_ = !ends_batch;
  }
  if (ends_batch) write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
  worker_.to_client().end_own();
}

// What PostgreSQL says: it cannot tell any more where the next message begins.
void Session::refuse_copy_violation() {
  write_error(worker_.to_client().own(), "ERROR", sqlstate::protocol_violation,
              "unexpected message type during COPY from stdin");
  worker_.to_client().end_own();
  end(Reason::protocol_violation, "terminating connection because protocol synchronization was lost");
}

void Session::end(Reason reason, std::string_view message, std::string_view sqlstate) {
  if (phase_ == Phase::closing) return;
  phase_ = Phase::closing;
  reason_ = reason;
  goodbye_ = message;
  goodbye_sqlstate_ = sqlstate;
}

// Tells the client why, and gives it a moment to read that: closing on unread data would take it away again.
Task<> Session::say_goodbye() {
  WorkerCounters& counters = worker_.counters();
  counters.ended[static_cast<std::size_t>(reason_)].add();
  const bool quiet =
      reason_ == Reason::terminated || reason_ == Reason::client_closed || reason_ == Reason::cancel_request;
  (quiet ? log::debug : log::info)("client_closed", {{"client", std::to_string(id_)},
                                                     {"reason", text_of(reason_).name},
                                                     {"database", pool_ ? pool_->database() : std::string()},
                                                     {"user", pool_ ? pool_->user() : std::string()},
                                                     {"peer", peer_},
                                                     {"message", goodbye_}});
  if (cancel_pid_ != 0) context_.cancels.remove(cancel_pid_);
  if (pool_) pool_->counters(worker_).clients.subtract();
  if (pool_) uncount_pins();
  if (pool_) pool_->stop_waiting(waiter_, worker_);
  exchange_.leave_hub();
  const bool stalled = reason_ == Reason::client_write_timeout;
  const bool reachable = client_.is_open() && reason_ != Reason::client_lost && !stalled && !client_gone_;
  // In the middle of a handshake there is no way to say anything but TLS's own alert, which has been sent.
  const bool alerted = client_.shakes_hands();
  if (alerted) client_.give_up_tls();
  if (reachable) {
    if (!alerted) write_reason(worker_.to_client().own(), reason_, goodbye_, goodbye_sqlstate_);
    worker_.to_client().end_own();
    const bool told = alerted || !worker_.to_client().empty() || !to_client_backlog_.empty();
    flush();
    const TimePoint until = Clock::now() + linger_timeout;
    closes_at_ = until;
    while (told && !client_gone_ && !to_client_backlog_.empty() && Clock::now() < until) {
      co_await waker_.wait();
      if (!to_client_backlog_.flush(client_)) break;
    }
    if (told && !client_gone_ && !client_eof_) client_.shutdown_write();
    while (told && !client_gone_ && !client_eof_ && Clock::now() < until) {
      const IoResult result = client_.read(worker_.scratch());
      if (result.status == IoStatus::closed || result.status == IoStatus::failed) break;
      if (result.status == IoStatus::ok) waker_.wake();  // the others get their turn
      co_await waker_.wait();
    }
  }
  client_gone_ = true;
  to_client_backlog_.clear();
  worker_.to_client().clear();
  // The kernel would keep what it was sent for minutes, and hand it out as if it were all.
  if (stalled) client_.abort();
  client_.close();
}

// --- The backend that the client leaves behind

// Ends what runs, rolls back what is open, and takes back what the client has set; a backend that is not
// clean in time is closed, never handed on.
Task<> Session::wind_down() {
  if (exchange_.backend == nullptr) co_return;
  exchange_.greeted = false;
  client_carry_.clear();
  // A reply that waited for the pool's hub.
  if (!exchange_.backend->carry.empty()) walk_replies(exchange_.backend->carry, true);
  if (exchange_.backend == nullptr) co_return;
  const bool was_settled = exchange_.tracker.settled() || only_own_work_left();
  if (!was_settled) pool_->counters(worker_).abandoned.add();
  const TimePoint until = Clock::now() + abandon_timeout;
  closes_at_ = until;
  bool clean = client_framer_.at_boundary();
  if (clean) {
    if (exchange_.tracker.fencing()) clean = co_await settle(until);
    if (clean && exchange_.backend != nullptr) ask_to_finish();
    if (clean) clean = co_await settle(until);
  } else if (!only_own_work_left()) {
    pool_->cancel(*exchange_.backend, worker_, nullptr);
  }
  if (clean && exchange_.tracker.status() != TransactionStatus::idle) {
    send_own(OwnQuery::rollback, "ROLLBACK");
    clean = co_await settle(until);
  }
  // What a rollback does not undo: session locks, settings, temporary tables, what SQL prepared.
  const bool dirty = !was_settled || exchange_.pinned() || exchange_.watch.touched() || is_unjudged() ||
                     !exchange_.settings.is_empty();
  if (clean && is_unjudged()) clean = co_await judge_leftovers(until);
  if (clean && dirty) {
    PinSet left = exchange_.pins;
    left.insert(exchange_.watch.may_have_begun);
    clean = (left & lasting_pins).empty();
    const bool with_statements = left.contains(Pin::sql_prepare);
    std::string reset(reset_but_statements);
    if (with_statements) reset += and_statements;
    if (clean) send_own(OwnQuery::reset, reset);
    if (clean) clean = co_await settle(until);
    if (clean) forget_state(with_statements);
  }
  if (exchange_.backend == nullptr) co_return;
  Backend& backend = *exchange_.backend;
  exchange_.backend = nullptr;
  clean = clean && exchange_.tracker.settled() && !exchange_.own_failed;
  backend.transport.watch(nullptr);
  if (clean) {
    give_to_pool(backend);
  } else {
    log::info("backend_not_clean", {{"database", pool_->database()},
                                    {"user", pool_->user()},
                                    {"pid", std::to_string(backend.pid)},
                                    {"client", std::to_string(id_)}});
    pool_->discard(backend, BackendClose::not_clean, worker_);
  }
}

// Something has run whose code nobody has read yet.
bool Session::is_unjudged() const {
  return !exchange_.unjudged.empty() || exchange_.definitions_unjudged || exchange_.triggers_unjudged ||
         !trigger_calls_.empty() || !exchange_.function_question.empty();
}

// Most clients that leave in the middle of a transaction have only read: their backend is worth a question.
// What the answers tell is in the watch afterwards. False: not in time.
Task<bool> Session::judge_leftovers(TimePoint until) {
  for (unsigned round = 0; round < FunctionTable::rounds_max + 1; ++round) {
    if (std::exchange(exchange_.triggers_unjudged, false)) {
      ask_triggers();
    } else if (!exchange_.function_question.empty()) {
      ask_sources();
    } else {
      break;
    }
    if (!co_await settle(until)) co_return false;
    if (replies_.take_triggers_answered()) take_triggers();
    if (replies_.take_sources_answered()) take_sources();
  }
  judge_again();
  co_return !exchange_.own_failed;
}

// The reset has taken back all that the backend had of its session.
void Session::forget_state(bool with_statements) {
  Backend& backend = *exchange_.backend;
  if (with_statements) backend.statements.clear();
  backend.applied = worker_.shared().no_settings;
  backend.sequence_owner = 0;
  backend.sequence_mixed = false;
}

// Queries of ours between two transactions, or nothing.
bool Session::only_own_work_left() const {
  const ResponseTracker& tracker = exchange_.tracker;
  return tracker.outstanding() == exchange_.own.size() && !tracker.unsynced() && !tracker.skipping() &&
         tracker.status() == TransactionStatus::idle;
}

// Never by a Sync alone: it would commit what the client had not yet asked to commit. A ROLLBACK ends an
// implicit transaction too (with a warning), and when the server is skipping to a Sync it is skipped.
void Session::ask_to_finish() {
  ResponseTracker& tracker = exchange_.tracker;
  if (tracker.copy_possible()) {
    write_copy_fail(worker_.to_server().own(), "the client went away");
    worker_.to_server().end_own();
    tracker.expect({.reply = Reply::copy_end}, replies_);
  }
  cancel_leftovers();
  if (!tracker.unsynced() && !tracker.skipping()) return;
  if (!tracker.skipping()) send_own(OwnQuery::rollback, "ROLLBACK");
  write_sync(worker_.to_server().own());
  worker_.to_server().end_own();
  tracker.expect({.reply = Reply::sync, .fate = Fate::mute}, replies_);
}

// Where nothing of the client's runs it could only hit what we send next.
void Session::cancel_leftovers() {
  if (exchange_.tracker.idle() || only_own_work_left() || own_work_runs()) return;
  pool_->cancel(*exchange_.backend, worker_, nullptr);
}

bool Session::is_settled() const {
  return exchange_.tracker.idle() && exchange_.own.empty() && !exchange_.backend->cancels.in_flight();
}

// Reads until nothing is owed and no cancel is on its way, which might hit the next query. False: not in
// time, or the connection broke.
Task<bool> Session::settle(TimePoint until) {
  flush();
  std::chrono::milliseconds patience = cancel_patience;
  TimePoint cancel_at = Clock::now() + patience;
  while (exchange_.backend != nullptr && !is_settled()) {
    const TimePoint now = Clock::now();
    if (now >= until) co_return false;
    if (now >= cancel_at) {
      cancel_leftovers();
      patience *= 2;
      cancel_at = now + patience;
    }
    closes_at_ = std::min(until, cancel_at);
    if (may_read_server()) waker_.wake();  // the others get their turn
    co_await waker_.wait();
    if (exchange_.backend != nullptr) read_server();
  }
  co_return exchange_.backend != nullptr&& exchange_.tracker.idle();
}

}  // namespace pgweir
