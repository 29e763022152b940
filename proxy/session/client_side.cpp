#include "proxy/session/client_side.hpp"

#include <utility>

#include "protocol/frontend.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/local_reply.hpp"
#include "proxy/session/server_side.hpp"
#include "proxy/session/statement_log.hpp"
#include "proxy/settle/batch_replay.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

bool ClientSide::may_read() const {
  if (parts_.link.held.is_held() || parts_.link.eof || server_.lease().waits()) return false;
  if (x_.backend != nullptr && !x_.backend->backlog.empty()) return false;
  if (server_.cancel_would_hit_next()) return false;
  return parts_.link.backlog.size() <= backlog_max;
}

void ClientSide::read() {
  if (!parts_.link.held.is_held() && !parts_.link.carry.empty() && may_read()) {
    consume(parts_.link.carry);
    server_.flush();
  }
  if (parts_.life.is_serving() && may_read() && parts_.link.transport.readable()) read_once();
  if (parts_.life.is_serving()) note_hangup();
}

// A client that waits is not read, but a lost connection is noticed: also one that was lost by the time its last
// message was read, as then nothing else would lead here. What it has sent is still taken, for a while.
void ClientSide::note_hangup() {
  const bool waits = parts_.link.held.is_held() || server_.lease().waits();
  if (!waits || parts_.link.is_leaving() || !parts_.link.transport.hung_up()) return;
  parts_.link.eof_at = parts_.worker.now();
  if (x_.backend == nullptr) parts_.life.end(Reason::client_closed);
}

void ClientSide::read_once() {
  const IoResult result = parts_.link.transport.read(parts_.worker.scratch());
  switch (result.status) {
    case IoStatus::would_block:
      return;
    case IoStatus::failed:
      return parts_.life.end(Reason::client_lost);
    case IoStatus::closed:
      parts_.link.eof = true;
      if (!parts_.link.is_leaving()) parts_.link.eof_at = parts_.worker.now();
      if (x_.backend == nullptr || x_.tracker.idle()) parts_.life.end(Reason::client_closed);
      return;
    case IoStatus::ok:
      break;
  }
  server_.note_activity(parts_.worker.now());
  parts_.worker.handshake_turns().note_query(parts_.life.started, parts_.worker.now());
  x_.pool->counters(parts_.worker).bytes_from_clients.add(result.size);
  // While the client sends the data of a COPY, the time is its own.
  const bool waits_for_server = x_.tracker.is_asked() && !x_.tracker.copy_in();
  const ByteView fresh = parts_.worker.scratch().first(result.size);
  if (parts_.link.carry.empty()) {
    consume(fresh);
  } else {
    parts_.link.carry.insert(parts_.link.carry.end(), fresh.begin(), fresh.end());
    consume(parts_.link.carry);
  }
  if (!waits_for_server) server_.query_starts(parts_.worker.now());
  server_.flush();
}

// Walks whole messages and pieces of streamed ones; what has to wait is kept.
void ClientSide::consume(ByteView input) {
  Piece piece;
  parts_.link.held.wait = ClientLink::Wait::none;
  const bool lets_others = must_yield_backend();
  while (parts_.life.is_serving()) {
    const ByteView before = input;
    const Framer framer_before = parts_.link.framer;
    const FrameStatus status = parts_.link.framer.next(input, piece);
    if (status == FrameStatus::need_more) break;
    if (status == FrameStatus::error) {
      const Errc error = parts_.link.framer.errc();
      return parts_.life.end(error == Errc::too_large ? Reason::too_large : Reason::protocol_violation,
                             to_string(error));
    }
    const ResponseTracker& tracker = x_.tracker;
    const bool waits = lets_others && piece.first && !tracker.idle() && tracker.may_insert_group();
    const Offer outcome = waits ? Offer::wait : offer(piece);
    if (outcome == Offer::taken) continue;
    input = before;
    parts_.link.framer = framer_before;
    if (outcome == Offer::again) continue;
    parts_.link.held.wait = ClientLink::Wait::waits;
    break;
  }
  keep(input);
}

// A client that never stops sending always has answers outstanding, and would keep its backend for ever. So
// between two batches its next message waits until all answers are there; then the backend goes to the oldest
// waiter.
bool ClientSide::must_yield_backend() {
  return x_.backend != nullptr && !x_.pinned() && x_.tracker.status() == TransactionStatus::idle &&
         parts_.worker.now() - server_.lease().since() >= pipeline_turn && x_.pool->has_waiters();
}

ClientSide::Offer ClientSide::offer(const Piece& piece) {
  if (piece.first && refusal_.skips()) return refuse(piece), Offer::taken;
  if (refusal_.skips_rest(piece)) return Offer::taken;
  if (piece.first && (x_.own.asks_for_state() || x_.batch.stale)) return Offer::wait;
  if (piece.first && x_.backend != nullptr && !server_.apply_settings()) return Offer::wait;
  // What went out before this message, while it had to wait, was not the client's.
  const bool waited = std::exchange(parts_.link.held.begins_batch, false);
  const bool begins = piece.first && x_.backend != nullptr && (waited || x_.only_own_queries_left());
  if (begins) BatchReplay(x_).begin(piece);
  switch (requests_.take(piece)) {
    case RequestDisposition::taken:
      BatchReplay(x_).keep(piece);
      parts_.link.held.flush_asked = false;  // the server has not been told to answer this one
      return Offer::taken;
    case RequestDisposition::hold:
      parts_.link.held.begins_batch = begins;
      if (!parts_.link.held.flush_asked && x_.tracker.unsynced()) {
        parts_.link.held.flush_asked = true;
        write_flush(parts_.worker.to_server().own());
        parts_.worker.to_server().end_own();
        x_.tracker.flush();
      }
      return Offer::wait;
    case RequestDisposition::needs_backend:
      return offer_without_backend(piece);
    case RequestDisposition::terminate:
      parts_.life.end(Reason::terminated);
      return Offer::taken;
    case RequestDisposition::copy_violation:
      end_copy_violation(parts_.worker.to_client().own(), parts_.life);
      parts_.worker.to_client().end_own();
      return Offer::taken;
    case RequestDisposition::too_many_names:
      parts_.life.end(Reason::too_large, "too many prepared statements");
      return Offer::taken;
  }
  return Offer::taken;
}

ClientSide::Offer ClientSide::offer_without_backend(const Piece& piece) {
  if (refusal_.reason()) return refuse(piece), Offer::taken;
  switch (server_.hub_side().answer_listen(piece)) {
    case HubSide::Answer::answered:
      if (parts_.life.drains) parts_.waker.wake();
      return Offer::taken;
    case HubSide::Answer::wait:
      return Offer::wait;
    case HubSide::Answer::no:
      break;
  }
  if (reply_locally(piece, x_, server_.hub_side().listens())) return Offer::taken;
  return server_.borrow() ? Offer::again : Offer::wait;
}

// The message that waits for a backend gets an error instead, as if the server had said so.
void ClientSide::refuse_waiting(Reason reason) {
  refusal_.begin(reason, reason == Reason::borrow_timeout ? server_.lease().explain_wait() : nullptr);
  server_.lease().stop_waiting();
  parts_.link.offer_again();
  consume(parts_.link.carry);
  server_.flush();
  refusal_.end();
}

// The message gets its answer from pgweir, if any.
void ClientSide::refuse(const Piece& piece) {
  if (refusal_.skips() && piece.type == static_cast<char>(FrontendType::Terminate))
    return parts_.life.end(Reason::terminated);
  if (const std::optional<Reason> reason = refusal_.skips() ? std::nullopt : refusal_.reason()) {
    if (x_.listen) x_.listen->forget_offer();
    parts_.worker.counters().ended[static_cast<std::size_t>(*reason)].add();
    log_statement(parts_, x_, "statement_refused", *reason, server_.lease().waits_since(), refusal_.cause());
  }
  refusal_.refuse(piece, parts_.worker.to_client().own());
  parts_.worker.to_client().end_own();
}

// Keeps what is left of a read, or of what had been kept before.
void ClientSide::keep(ByteView rest) {
  const bool from_carry = !parts_.link.carry.empty() && rest.data() >= parts_.link.carry.data() &&
                          rest.data() <= parts_.link.carry.data() + parts_.link.carry.size();
  if (rest.empty() || !from_carry) {
    server_.flush();  // what goes out may still be in the buffer that is about to change
    if (rest.empty()) {
      ByteBuffer().swap(parts_.link.carry);
    } else {
      parts_.link.carry.assign(rest.begin(), rest.end());
    }
    return;
  }
  const auto consumed = rest.data() - parts_.link.carry.data();
  if (consumed == 0) return;
  server_.flush();
  parts_.link.carry.erase(parts_.link.carry.begin(), parts_.link.carry.begin() + consumed);
}

}  // namespace pgweir
