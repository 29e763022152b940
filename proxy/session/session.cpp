#include "proxy/session/session.hpp"

#include "protocol/frontend.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/session_list.hpp"
#include "proxy/state/local_answer.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

Session::Session(Worker& worker, SessionList& list, const SessionContext& context, UniqueFd fd,
                 std::string peer)
    : worker_(worker),
      list_(list),
      context_(context),
      waker_(worker.reactor()),
      client_(std::move(fd)),
      peer_(std::move(peer)),
      exchange_(worker, worker.shared().no_settings),
      replies_(exchange_),
      requests_(exchange_, replies_),
      drain_(worker.shared().draining.load()),
      started_(worker.now()),
      last_activity_(worker.now()) {
  id_ = list_.enlist(*this);
  exchange_.session = worker_.new_number();
  exchange_.session_id = id_;
  waiter_.session = id_;
}

Session::~Session() {
  list_.delist(id_);
}

Task<> Session::run(std::shared_ptr<Session> self) {
  Session& s = *self;
  if (!s.client_.attach(s.worker_.reactor(), &s.waker_)) co_return;
  const bool logged_in = co_await s.login();
  if (logged_in && s.console_) {
    co_await s.serve_console();
  } else if (logged_in) {
    s.phase_ = Phase::serving;
    while (s.phase_ == Phase::serving) {
      s.turn();
      if (s.phase_ != Phase::serving) break;
      // More to do: at the end of the queue, so that the others get their turn.
      if (s.has_more_to_do()) s.waker_.wake();
      co_await s.waker_.wait();
    }
  }
  co_await s.say_goodbye();
  co_await s.wind_down();
}

// Bounded by one read from each side. Server first: what it says may free the backend for the client's next
// message.
void Session::turn() {
  check_interrupts();
  if (phase_ != Phase::serving) return;
  if (!to_client_backlog_.empty() && !to_client_backlog_.flush(client_)) return end(Reason::client_lost);
  if (waiter_.granted != nullptr) take_grant();
  if (exchange_.listen) resume_replies();
  if (phase_ == Phase::serving && exchange_.backend != nullptr) read_server();
  if (phase_ == Phase::serving) read_client();
  // A message may have been answered without the server, so that no reply of its will come by.
  if (phase_ == Phase::serving && exchange_.backend != nullptr) {
    at_rest();
    flush();
  }
  if (exchange_.listen && phase_ == Phase::serving) tell_notifications();
}

bool Session::may_read_server() const {
  if (exchange_.listen && exchange_.listen->ready_waits()) return false;
  return exchange_.backend != nullptr && exchange_.backend->transport.readable() &&
         (to_client_backlog_.empty() || client_gone_);
}

bool Session::may_read_client() const {
  if (held_ || client_eof_ || waiter_.queued) return false;
  if (exchange_.backend != nullptr && !exchange_.backend->backlog.empty()) return false;
  return to_client_backlog_.size() <= client_backlog_max;
}

bool Session::has_more_to_do() const {
  return may_read_server() || (may_read_client() && client_.readable()) || waiter_.granted != nullptr;
}

// --- Client to server

void Session::read_client() {
  if (!held_ && !client_carry_.empty() && may_read_client()) {
    consume(client_carry_);
    flush();
  }
  if (phase_ != Phase::serving || !may_read_client() || !client_.readable()) {
    // A client that waits is not read, but its going away is noticed.
    if (client_.hung_up() && (held_ || waiter_.queued) && !client_eof_) {
      client_eof_ = true;
      client_eof_at_ = worker_.now();
      if (exchange_.backend == nullptr) end(Reason::client_closed);
    }
    return;
  }
  const IoResult result = client_.read(worker_.scratch());
  switch (result.status) {
    case IoStatus::would_block:
      return;
    case IoStatus::failed:
      return end(Reason::client_lost);
    case IoStatus::closed:
      client_eof_ = true;
      client_eof_at_ = worker_.now();
      if (exchange_.backend == nullptr || exchange_.tracker.idle()) end(Reason::client_closed);
      return;
    case IoStatus::ok:
      break;
  }
  last_activity_ = worker_.now();
  worker_.handshake_turns().note_query(started_, worker_.now());
  pool_->counters(worker_).bytes_from_clients.add(result.size);
  const bool was_idle = exchange_.tracker.idle();
  const ByteView fresh = worker_.scratch().first(result.size);
  if (client_carry_.empty()) {
    consume(fresh);
  } else {
    client_carry_.insert(client_carry_.end(), fresh.begin(), fresh.end());
    consume(client_carry_);
  }
  if (was_idle) query_started_ = worker_.now();
  flush();
}

// Walks whole messages and pieces of streamed ones; keeps what has to wait.
void Session::consume(ByteView input) {
  Piece piece;
  const bool lets_others = has_had_its_turn();
  while (phase_ == Phase::serving) {
    const ByteView before = input;
    const Framer framer_before = client_framer_;
    const FrameStatus status = client_framer_.next(input, piece);
    if (status == FrameStatus::need_more) break;
    if (status == FrameStatus::error) {
      const Errc error = client_framer_.errc();
      return end(error == Errc::too_large ? Reason::too_large : Reason::protocol_violation, to_string(error));
    }
    bool retry = false;
    const ResponseTracker& tracker = exchange_.tracker;
    const bool waits = lets_others && piece.first && !tracker.idle() && tracker.may_insert_group();
    if (!waits && offer(piece, retry)) continue;
    input = before;
    client_framer_ = framer_before;
    if (retry) continue;
    held_ = true;
    break;
  }
  keep(input);
}

// A client that never stops sending, so that its backend always owes it something, would keep that for ever.
// Between two batches its next message waits until all answers are there; then the backend goes to the oldest
// waiter.
bool Session::has_had_its_turn() {
  return exchange_.backend != nullptr && !exchange_.pinned() &&
         exchange_.tracker.status() == TransactionStatus::idle &&
         worker_.now() - transaction_started_ >= pipeline_turn && pool_->has_waiters();
}

// False: the message was not taken. `retry`: offer it again at once, there is a backend now.
bool Session::offer(const Piece& piece, bool& retry) {
  if (piece.first && refusing_until_sync_) return refuse_piece(piece), true;
  if (!piece.first && refusing_rest_) return true;
  refusing_rest_ = false;
  if (piece.first && (exchange_.asks_for_state() || exchange_.batch.stale)) return false;
  if (piece.first && exchange_.backend != nullptr && !apply_settings()) return false;
  // What went out in front of it, before it had to wait, is not the client's.
  const bool waited = std::exchange(batch_waits_, false);
  const bool begins = piece.first && exchange_.backend != nullptr && (waited || only_own_work_left());
  switch (requests_.take(piece)) {
    case RequestPath::Disposition::taken:
      keep_batch(piece, begins);
      return true;
    case RequestPath::Disposition::hold:
      batch_waits_ = begins;
      if (!flush_asked_ && exchange_.tracker.unsynced()) {
        flush_asked_ = true;
        write_flush(worker_.to_server().own());
        worker_.to_server().end_own();
      }
      return false;
    case RequestPath::Disposition::needs_backend:
      if (refusing_) return refuse_piece(piece), true;
      switch (listen_here(piece)) {
        case Listened::answered:
          return true;
        case Listened::wait:
          return false;
        case Listened::no:
          break;
      }
      if (answer_here(piece)) return true;
      retry = borrow();
      return false;
    case RequestPath::Disposition::terminate:
      return end(Reason::terminated), true;
    case RequestPath::Disposition::copy_violation:
      return refuse_copy_violation(), true;
    case RequestPath::Disposition::too_many_names:
      return end(Reason::too_large, "too many prepared statements"), true;
  }
  return true;
}

// Statements that change nothing in this session, such as the resets of drivers' pools, need no server.
bool Session::answer_here(const Piece& piece) {
  QueryView query;
  const bool is_query = piece.type == static_cast<char>(FrontendType::Query) && piece.whole();
  if (!is_query || parse_query(piece.body(), query) != Errc::ok || !may_be_answered_locally(query.text))
    return false;
  const bool discards = leading_verb(query.text) == Verb::discard;
  SessionFacts facts{exchange_.startup.get(), exchange_.desired.get(), exchange_.view.get()};
  facts.has_named_statements = !exchange_.statements.committed().empty();
  facts.has_sequence_values = exchange_.advanced_sequence && !discards;
  facts.listens = listens();
  std::optional<LocalAnswer> answer = answer_locally(query.text, facts);
  if (!answer) return false;
  if (discards) exchange_.disown_sequences(worker_.new_number());
  if (answer->desired) exchange_.desired = worker_.interner().intern(std::move(*answer->desired));
  exchange_.statements.erase({});  // as every Query does
  ByteBuffer& out = worker_.to_client().own();
  Writer(out).raw(answer->replies);
  write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
  worker_.to_client().end_own();
  PoolCounters& counters = pool_->counters(worker_);
  counters.queries.add();
  counters.answered_here.add();
  return true;
}

// What is left of a read, or of what had been kept before.
void Session::keep(ByteView rest) {
  const bool from_carry = !client_carry_.empty() && rest.data() >= client_carry_.data() &&
                          rest.data() <= client_carry_.data() + client_carry_.size();
  if (rest.empty() || !from_carry) {
    flush();  // what goes out may still be in the buffer that is about to change
    if (rest.empty()) {
      ByteBuffer().swap(client_carry_);
    } else {
      client_carry_.assign(rest.begin(), rest.end());
    }
    return;
  }
  const auto consumed = rest.data() - client_carry_.data();
  if (consumed == 0) return;
  flush();
  client_carry_.erase(client_carry_.begin(), client_carry_.begin() + consumed);
}

void Session::flush() {
  Backend* const backend = exchange_.backend;
  if (backend == nullptr) {
    worker_.to_server().clear();
  } else if (!worker_.to_server().send(backend->transport, backend->backlog)) {
    backend->backlog.clear();  // broken; what the server said before is still to be read
  }
  if (client_gone_) {
    worker_.to_client().clear();
    return;
  }
  if (pool_) pool_->counters(worker_).bytes_to_clients.add(worker_.to_client().size());
  if (worker_.to_client().send(client_, to_client_backlog_)) return;
  to_client_backlog_.clear();
  client_gone_ = true;
  if (phase_ == Phase::serving) end(Reason::client_lost);
}

// --- Server to client

void Session::read_server() {
  Backend& backend = *exchange_.backend;
  if (!backend.backlog.empty() && !backend.backlog.flush(backend.transport)) backend.backlog.clear();
  if (!may_read_server()) return;
  const IoResult result = backend.transport.read(worker_.scratch());
  if (result.status == IoStatus::would_block) return;
  if (result.status != IoStatus::ok) return lose_backend(BackendClose::lost);
  const ByteView fresh = worker_.scratch().first(result.size);
  if (backend.carry.empty()) return walk_replies(fresh, false);
  backend.carry.insert(backend.carry.end(), fresh.begin(), fresh.end());
  walk_replies(backend.carry, true);
}

void Session::walk_replies(ByteView input, bool from_carry) {
  Backend& backend = *exchange_.backend;
  Piece piece;
  FrameStatus status{};
  for (;;) {
    if (exchange_.listen && ready_has_to_wait(input)) break;
    status = backend.framer.next(input, piece);
    if (status != FrameStatus::piece) break;
    const ReplyPath::Disposition disposition = replies_.take(piece);
    if (exchange_.tracker.needs_fence()) begin_fence();
    if (exchange_.batch.needs_sync) end_refused_batch();
    // What follows may be the answer to a statement that ran under somebody else's settings.
    if (replies_.prelude_failed() && !prelude_holds()) break;
    if (disposition == ReplyPath::Disposition::taken) continue;
    flush();
    if (disposition == ReplyPath::Disposition::server_ended) return lose_backend(BackendClose::lost, true);
    if (disposition == ReplyPath::Disposition::server_gone) return lose_backend(BackendClose::lost);
    return break_off();
  }
  flush();  // before the bytes move
  if (status == FrameStatus::error) return break_off();
  if (from_carry) {
    backend.carry.erase(backend.carry.begin(),
                        backend.carry.end() - static_cast<std::ptrdiff_t>(input.size()));
    if (backend.carry.empty()) ByteBuffer().swap(backend.carry);
  } else if (!input.empty()) {
    backend.carry.assign(input.begin(), input.end());
  }
  after_replies();
}

// Messages that cannot be, or bytes that are none.
void Session::break_off() {
  log::error("server_protocol_violation", {{"database", pool_->database()}, {"user", pool_->user()}});
  lose_backend(BackendClose::protocol_violation);
}

// See response_tracker.hpp: which Syncs a failed COPY IN has swallowed must be found out before anything else
// is sent.
void Session::begin_fence() {
  ByteBuffer& out = worker_.to_server().own();
  write_sync(out);
  write_close_portal(out, "__pgweir_fence");
  write_sync(out);
  worker_.to_server().end_own();
  exchange_.tracker.begin_fence();
}

// The tracker has moved on: what was held may go now, and the backend may be free.
void Session::after_replies() {
  PoolCounters& counters = pool_->counters(worker_);
  if (replies_.take_query_done()) {
    exchange_.batch.again = 0;
    exchange_.batch.left_out = 0;
    counters.queries.add();
    counters.query.observe(worker_.now() - query_started_);
    query_started_ = worker_.now();
  }
  if (replies_.take_transaction_done()) counters.transactions.add();
  if (replies_.take_batch_failed()) send_again();
  if (!prelude_holds() && replies_.take_prelude_failed()) return prelude_failed();
  if (exchange_.own_failed && phase_ == Phase::serving) {
    // What this backend has set is not known, so it is closed with its session.
    return end(Reason::internal_error, "the session's state could not be read");
  }
  if (replies_.take_state_answered()) take_state_answer();
  if (replies_.take_last_value_answered()) take_last_value();
  if (replies_.take_triggers_answered()) take_triggers();
  if (replies_.take_sources_answered()) take_sources();
  if (held_cancel_) deliver_cancel();
  last_activity_ = worker_.now();
  if (!waiter_.queued) held_ = false;
  flush_asked_ = false;
  at_rest();
  flush();
  if (client_eof_ && phase_ == Phase::serving && exchange_.tracker.idle()) end(Reason::client_closed);
}

}  // namespace pgweir
