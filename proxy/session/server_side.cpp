#include "proxy/session/server_side.hpp"

#include <utility>

#include "proxy/base/log.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/statement_log.hpp"
#include "proxy/settle/batch_replay.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// A COMMIT may be among what the server was asked: it is neither sent again nor taken as done.
constexpr std::string_view outcome_unknown =
    "the connection to the database server was lost; what was under way may or may not have taken effect";

}  // namespace

ServerSide::ServerSide(const SessionParts& parts, Exchange& exchange, ReplyPath& replies)
    : parts_(parts),
      x_(exchange),
      replies_(replies),
      lease_(exchange, parts.waker, parts.id),
      last_activity_(parts.worker.now()) {}

bool ServerSide::has_replies() const {
  if (x_.listen && x_.listen->ready_waits()) return false;
  return x_.backend != nullptr && x_.backend->transport.readable() &&
         (parts_.link.backlog.empty() || parts_.link.gone);
}

void ServerSide::read_server() {
  Backend& backend = *x_.backend;
  if (!backend.backlog.empty() && !backend.backlog.flush(backend.transport)) backend.backlog.clear();
  if (!has_replies()) return;
  const IoResult result = backend.transport.read(parts_.worker.scratch());
  if (result.status == IoStatus::would_block) return;
  if (result.status != IoStatus::ok) return lose_backend(BackendClose::lost);
  const ByteView fresh = parts_.worker.scratch().first(result.size);
  if (backend.carry.empty()) return walk_replies(fresh, false);
  backend.carry.insert(backend.carry.end(), fresh.begin(), fresh.end());
  walk_replies(backend.carry, true);
}

void ServerSide::walk_replies(ByteView input, bool from_carry) {
  Backend& backend = *x_.backend;
  ReplyEvents& events = replies_.events();
  Piece piece;
  FrameStatus status{};
  for (;;) {
    if (x_.listen && parts_.life.is_serving() && hub_side_.ready_has_to_wait(input)) {
      // No answer of the hub's will come to wake the session.
      if (hub_side_.is_in_trouble()) parts_.waker.wake();
      break;
    }
    status = backend.framer.next(input, piece);
    if (status != FrameStatus::piece) break;
    const ReplyPath::Disposition disposition = replies_.take(piece);
    if (x_.tracker.needs_fence()) ServerStream(x_).send_fence();
    if (x_.batch.needs_sync) BatchReplay(x_).end_refused();
    if (!events.empty()) {
      if (events.take(ReplyEvent::query_done)) note_query_done();
      if (events.take(ReplyEvent::defaults_changed)) x_.pool->recycle_all();
      // What follows may be the answer to a statement that ran under another client's settings.
      if (events.contains(ReplyEvent::prelude_failed) && !applier_.holds()) break;
    }
    if (disposition == ReplyPath::Disposition::taken) continue;
    flush();
    if (disposition == ReplyPath::Disposition::ended_and_told) return lose_backend(BackendClose::lost, true);
    if (disposition == ReplyPath::Disposition::ended_untold) return lose_backend(BackendClose::lost);
    return lose_backend(BackendClose::protocol_violation);
  }
  flush();  // before the bytes move
  if (status == FrameStatus::error) return lose_backend(BackendClose::protocol_violation);
  if (from_carry) {
    backend.carry.erase(backend.carry.begin(),
                        backend.carry.end() - static_cast<std::ptrdiff_t>(input.size()));
    if (backend.carry.empty()) ByteBuffer().swap(backend.carry);
  } else if (!input.empty()) {
    backend.carry.assign(input.begin(), input.end());
  }
  take_events();
}

// Several may end in one read: those of a pipeline. The time of each counts from the end of the one before it.
void ServerSide::note_query_done() {
  PoolCounters& counters = x_.pool->counters(parts_.worker);
  x_.batch.again = 0;
  x_.batch.left_out = 0;
  counters.queries.add();
  counters.query.observe(parts_.worker.now() - query_started_);
  query_started_ = parts_.worker.now();
  query_cancelled_ = false;
  if (replies_.events().take(ReplyEvent::transaction_done)) counters.transactions.add();
}

// The tracker has moved on: messages that were held may go now, and the backend may be free.
void ServerSide::take_events() {
  if (replies_.events().take(ReplyEvent::batch_failed)) {
    const ByteView again = BatchReplay(x_).send_again();
    parts_.link.carry.insert(parts_.link.carry.begin(), again.begin(), again.end());
    parts_.link.offer_again();
  }
  if (!applier_.holds() && replies_.events().take(ReplyEvent::prelude_failed)) return prelude_failed();
  if (end_if_state_is_lost()) return;
  if (!replies_.events().empty()) {
    if (const std::optional<OwnQuestion> question = state_.take_answers(replies_.events())) ask(*question);
    if (end_if_state_is_lost()) return;
    if (const std::optional<std::string> found = state_.take_finding()) report_audit(*found);
  }
  if (held_cancel_) deliver_cancel();
  last_activity_ = parts_.worker.now();
  if (!lease_.waits()) parts_.link.offer_again();
  parts_.link.held.flush_asked = false;
  give_back_if_free();
  flush();
  if (parts_.link.eof && parts_.life.is_serving() && x_.tracker.idle())
    parts_.life.end(Reason::client_closed);
}

// Notifications go out at once while the client has nothing outstanding. Otherwise they come right before its
// next ReadyForQuery.
void ServerSide::tell_notifications() {
  if (!x_.listen->has_held()) return;
  const Backend* const backend = x_.backend;
  if (backend != nullptr && !(x_.only_own_queries_left() && backend->framer.at_boundary())) return;
  while (parts_.link.backlog.empty() && parts_.life.is_serving()) {
    hub_side_.write_notifications(HubSide::telling_max);
    if (parts_.worker.to_client().empty()) return;
    flush();
  }
}

void ServerSide::flush() {
  if (!parts_.worker.to_client().empty() || !parts_.worker.to_server().empty()) send_written();
}

void ServerSide::send_written() {
  Backend* const backend = x_.backend;
  if (backend == nullptr) {
    parts_.worker.to_server().clear();
  } else if (!parts_.worker.to_server().send(backend->transport, backend->backlog)) {
    backend->backlog.clear();  // the connection is broken; what the server said before is still to be read
  }
  const Outgoing& to_client = parts_.worker.to_client();
  if (to_client.empty()) return;
  if (x_.pool != nullptr && !parts_.link.gone)
    x_.pool->counters(parts_.worker).bytes_to_clients.add(to_client.size());
  if (!parts_.link.flush() && parts_.life.is_serving()) parts_.life.end(Reason::client_lost);
}

void ServerSide::walk_kept_replies() {
  if (x_.backend != nullptr && !x_.backend->carry.empty()) walk_replies(x_.backend->carry, true);
}

bool ServerSide::borrow() {
  const bool has_backend = lease_.is_granted() ? lease_.take_grant() : lease_.borrow();
  if (!has_backend) return false;
  parts_.link.offer_again();
  held_cancel_.reset();
  query_started_ = last_activity_ = parts_.worker.now();
  return true;
}

// The prelude is one query string, and so one transaction: none of it happened.
void ServerSide::prelude_failed() {
  switch (applier_.failed()) {
    case SettingsApplier::Failure::as_other_role:
      parts_.link.offer_again();
      return;
    case SettingsApplier::Failure::other_backend:
      return lose_backend(BackendClose::settings_refused);
    case SettingsApplier::Failure::refused:
      parts_.life.end(Reason::bad_settings, x_.own.error->message, x_.own.error->code);
      x_.own.error.reset();
  }
}

// --- Between two transactions

// When nothing is owed and there is no transaction, the backend is free, unless it has something of this
// client's that other clients must not see, or that the client needs again.
void ServerSide::give_back_if_free() {
  if (!is_resting()) return;
  if (std::exchange(x_.mixed_protocols, false)) {
    return ask({OwnQuery::no_op, {}});
  }
  if (x_.listen) {
    if (const std::string sql = x_.listen->take_unlisten(); !sql.empty()) return ask({OwnQuery::no_op, sql});
  }
  if (settle_state() == Progress::hold) return;
  begin_anew();
  if (x_.pinned()) {
    if (!x_.keeps_what_it_has()) end_if_drained();
    return;
  }
  // A backend that was just borrowed for the waiting message stays.
  if (!x_.forwarded && !parts_.link.carry.empty()) return;
  if (lift_idle_timeout() == Progress::done) give_back();
}

// The server would end a connection that waits for its next client, or while it is lent to that. Progress::hold: the
// server has been asked to do without the client's timeout, which pgweir keeps itself.
Progress ServerSide::lift_idle_timeout() {
  if (idle_timeout_in(*x_.backend->applied).count() == 0) return Progress::done;
  SettingMap applied = *x_.backend->applied;
  applied.erase(std::string(idle_timeout_setting));
  x_.backend->applied = parts_.worker.interner().intern(std::move(applied));
  ask({OwnQuery::reset_settings, "RESET idle_session_timeout"});
  return Progress::hold;
}

// A client that takes its answer slowly gets all of it, and one that has sent a statement gets its answer.
void ServerSide::end_if_drained() {
  if (!parts_.life.drains || !parts_.link.carry.empty()) return;
  if (!parts_.worker.to_client().empty()) return parts_.waker.wake();  // it is about to be written
  if (!parts_.link.backlog.empty()) return;
  const bool may_have_sent = !parts_.link.eof && parts_.link.transport.readable();
  if (may_have_sent) return parts_.waker.wake();  // it is about to be read
  parts_.life.end(Reason::draining);
}

bool ServerSide::is_resting() const {
  return parts_.life.is_serving() && x_.backend != nullptr && x_.client.greeted && x_.tracker.settled() &&
         parts_.link.framer.at_boundary() && x_.own.empty() && x_.backend->backlog.empty();
}

// Progress::hold: the server has been asked, and the answer comes back to give_back_if_free().
Progress ServerSide::settle_state() {
  // A cancel that comes too late for the client's statement must not hit pgweir's own query.
  if (x_.backend->cancels.in_flight()) return Progress::hold;
  if (const std::optional<OwnQuestion> question = state_.next()) {
    ask(*question);
    return Progress::hold;
  }
  if (pin_report_.is_outdated()) {
    std::string cause = state_.take_cause();
    if (cause.empty()) cause = x_.watch.cause;
    pin_report_.update(std::move(cause), !parts_.link.gone);
  }
  if (!lease_.begin_audit()) return Progress::done;
  ask(state_.audit());
  return Progress::hold;
}

void ServerSide::ask(const OwnQuestion& question) {
  ServerStream(x_).send_own(question.which, question.sql);
  flush();
}

// True: it is not known what this backend has set, so it is closed with its session.
bool ServerSide::end_if_state_is_lost() {
  if (!x_.own.failed || !parts_.life.is_serving()) return false;
  parts_.life.end(Reason::internal_error, "the session's state could not be read");
  return true;
}

void ServerSide::report_audit(const std::string& found) {
  PoolCounters& counters = x_.pool->counters(parts_.worker);
  counters.audits.add();
  if (found.empty()) return;
  counters.audit_findings.add();
  log::warning("audit_finding", {{"database", x_.pool->database()},
                                 {"user", x_.pool->user()},
                                 {"pid", std::to_string(x_.backend->pid)},
                                 {"client", std::to_string(x_.session_id)},
                                 {"found", found}});
  if (x_.pool->settings()->audit_close) lease_.discard(BackendClose::audit_finding);
}

// The next transaction has nothing to do with the last one.
void ServerSide::begin_anew() {
  x_.watch.clear();
  x_.journal.clear();
  x_.code.presumed.clear();
  x_.portals.end();
  x_.restore_due = false;
  x_.tracker.shrink();
  state_.forget();
}

void ServerSide::give_back() {
  Backend& backend = *x_.backend;
  // The session has at most asked for a sequence's value, and taken none.
  const bool took_values = x_.sequences.advanced || backend.sequence_mixed;
  if (backend.sequence_owner == x_.sequences.number && !took_values) backend.sequence_owner = 0;
  applier_.succeeded();
  x_.pool->counters(parts_.worker).transaction.observe(parts_.worker.now() - lease_.since());
  lease_.give_back();
  end_if_drained();
}

// --- Cancels

bool ServerSide::cancel(std::shared_ptr<void> done) {
  if (lease_.waits() || lease_.is_granted()) return false;
  if (x_.backend == nullptr || x_.only_own_queries_left()) return true;
  held_cancel_ = std::move(done);
  deliver_cancel();
  return true;
}

// A cancel for the client must not hit pgweir's own query.
void ServerSide::deliver_cancel() {
  if (x_.own_message_is_oldest()) return;
  std::shared_ptr<void> done = std::move(held_cancel_);
  if (done && !x_.only_own_queries_left()) x_.pool->cancel(*x_.backend, parts_.worker, std::move(done));
}

// A query past its time is cancelled, and the server's own error ends it; a server that does not even do that
// is given up.
std::optional<Reason> ServerSide::cancel_overdue(TimePoint now, std::chrono::milliseconds limit) {
  if (!std::exchange(query_cancelled_, true)) {
    parts_.worker.counters().ended[static_cast<std::size_t>(Reason::query_timeout)].add();
    log_statement(parts_, x_, "statement_timed_out", Reason::query_timeout, query_started_);
    x_.pool->cancel(*x_.backend, parts_.worker, nullptr);
    return std::nullopt;
  }
  const bool is_late = has_passed(now, query_started_, limit + WindDown::abandon_timeout);
  return is_late ? std::optional(Reason::query_timeout) : std::nullopt;
}

// --- Ends

// Whether a server that ends now costs the client nothing. The client has its answers and left nothing
// behind, or all that is open is what the views and the like of its database may do; at most it loses what
// one of them may have set in this transaction.
bool ServerSide::has_nothing_to_lose() const {
  const OwnQueries& own = x_.own;
  const bool only_asks = own.empty() || (own.size() == 1 && own.front() == OwnQuery::sources);
  return only_asks && x_.only_own_queries_left() && !x_.watch.touched() && x_.journal.is_empty() &&
         x_.code.unjudged.empty() && !x_.code.triggers_unjudged && x_.code.trigger_calls.empty();
}

void ServerSide::lose_backend(BackendClose reason, bool told) {
  log::info("backend_lost", {{"database", x_.pool->database()},
                             {"user", x_.pool->user()},
                             {"pid", std::to_string(x_.backend->pid)},
                             {"client", std::to_string(x_.session_id)},
                             {"reason", to_string(reason)}});
  // What it has answered tells what is lost with it, such as a statement that only this connection has.
  if (!replies_.events().empty()) static_cast<void>(state_.take_answers(replies_.events()));
  lease_.discard(reason);
  const bool owes_client = x_.tracker.outstanding() > x_.own.size();
  const bool spare = !x_.forwarded || has_nothing_to_lose();
  const bool unused = spare && !owes_client && !x_.pinned() && !told && parts_.life.is_serving();
  if (!unused) {
    if (told) return parts_.life.end(Reason::server_error);
    return parts_.life.end(Reason::server_lost, owes_client ? outcome_unknown : std::string_view());
  }
  // No request of the client's was under way: another backend will do.
  x_.watch.clear();
  x_.journal = {};
  x_.code.presumed.clear();
  x_.portals.end();
  state_.forget();
  x_.code.unjudged.clear();
  x_.code.definitions_unjudged = false;
  x_.code.question = {};
  x_.code.schema_doubt.reset();
  x_.code.commit_doubt.reset();
  replies_.forget_answers();
  x_.tracker = ResponseTracker();
  x_.own.clear();
  x_.naming.reset();
  x_.batch = {};
  if (x_.listen) x_.listen->backend_lost();
  parts_.link.offer_again();
}

void ServerSide::cancel_statement() {
  x_.pool->cancel(*x_.backend, parts_.worker, nullptr);
}

Task<> ServerSide::leave() {
  if (x_.backend == nullptr) co_return;
  x_.client.greeted = false;
  parts_.link.carry.clear();
  // A reply may have waited for the pool's hub.
  walk_kept_replies();
  if (x_.backend == nullptr) co_return;
  WindDown work(x_, replies_.events(), *this, parts_.waker, parts_.life);
  const bool is_clean = co_await work.run(parts_.link.framer.at_boundary());
  if (x_.backend == nullptr) co_return;
  if (is_clean) {
    lease_.give_back();
    co_return;
  }
  log::info("backend_not_clean", {{"database", x_.pool->database()},
                                  {"user", x_.pool->user()},
                                  {"pid", std::to_string(x_.backend->pid)},
                                  {"client", std::to_string(x_.session_id)}});
  lease_.discard(BackendClose::not_clean);
}

}  // namespace pgweir
