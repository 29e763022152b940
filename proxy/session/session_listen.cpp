// The session's side of its pool's hub: LISTEN and UNLISTEN without a backend, and notifications for the
// client.
#include <algorithm>

#include "protocol/frontend.hpp"
#include "protocol/startup.hpp"
#include "proxy/listen/listen_hub.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/session.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// Of notifications, before it is seen whether the client takes them.
constexpr std::size_t telling_max = 64 * 1024;

constexpr std::size_t ready_size = message_header_size + 1;

bool may_be_listen(const Piece& piece) {
  if (piece.type != static_cast<char>(FrontendType::Query) || !piece.whole() || piece.body().empty())
    return false;
  const std::string_view text = as_text(piece.body());
  const std::string_view start = text.substr(0, 2);
  return folded_equals(start, "li") || folded_equals(start, "un");
}

}  // namespace

// --- Called by the hub

void Session::on_notification(const std::shared_ptr<const ByteBuffer>& message) {
  if (!exchange_.listen || phase_ != Phase::serving) return;
  if (!exchange_.listen->hold(message)) deaf_ = true;
  waker_.wake();
}

void Session::on_listen_answer(ListenOutcome outcome) {
  if (!exchange_.listen) return;
  if (move_ == Move::no) {
    exchange_.listen->answered(outcome);
  } else {
    on_move(outcome);
  }
  if (!waiter_.queued) held_ = false;
  waker_.wake();
}

void Session::on_listening_lost() {
  listening_lost_ = exchange_.listen != nullptr;
  waker_.wake();
}

// --- Without a backend

// A lone LISTEN or UNLISTEN of a client that has no backend, and needs none for it.
Session::Listened Session::listen_here(const Piece& piece) {
  if (!may_be_listen(piece)) return Listened::no;
  QueryView query;
  if (parse_query(piece.body(), query) != Errc::ok || exchange_.is_opaque(query.text)) return Listened::no;
  const std::optional<ListenStep> step = parse_listen(query.text);
  // A name that is too long comes with a notice.
  if (!step || step->name_cut) return Listened::no;
  const bool changes =
      step->verb == ListenVerb::listen || (exchange_.listen && !exchange_.listen->is_unused());
  if (changes && !exchange_.begin_listening()) return Listened::no;
  switch (changes ? exchange_.listen->take_plain(*step) : ListenState::Plain::done) {
    case ListenState::Plain::wait:
      return Listened::wait;
    case ListenState::Plain::no:
      return Listened::no;
    case ListenState::Plain::done:
      break;
  }
  exchange_.statements.erase({});  // as every Query does
  ByteBuffer& out = worker_.to_client().own();
  const char* const tag = step->verb == ListenVerb::listen ? "LISTEN" : "UNLISTEN";
  Writer(out).begin_message(static_cast<char>(BackendType::CommandComplete)).cstring(tag).end_message();
  worker_.to_client().end_own();
  if (exchange_.listen) write_notifications(ListenState::held_max);
  write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
  worker_.to_client().end_own();
  PoolCounters& counters = pool_->counters(worker_);
  counters.queries.add();
  counters.answered_here.add();
  if (drain_) waker_.wake();
  return Listened::answered;
}

// --- With one

// Looks at a ReadyForQuery before it is taken.
bool Session::ready_has_to_wait(ByteView input) {
  if (input.size() < ready_size || input[0] != static_cast<Byte>(BackendType::ReadyForQuery) ||
      input[message_header_size] != static_cast<Byte>(TransactionStatus::idle) ||
      !exchange_.backend->framer.at_boundary())
    return false;
  const Expected* const oldest = exchange_.tracker.oldest();
  if (phase_ != Phase::serving || oldest == nullptr || oldest->fate != Fate::forward ||
      exchange_.tracker.fencing() || exchange_.batch.stale)
    return false;
  if (must_move()) {
    if (move_ == Move::no && !exchange_.listen->is_asking()) begin_move();
    exchange_.listen->let_ready_wait();
    return true;
  }
  return !exchange_.listen->may_be_ready();
}

// --- When client_encoding changes

bool Session::must_move() {
  const auto it = exchange_.view->find("client_encoding");
  return exchange_.listen->listens() && it != exchange_.view->end() &&
         it->second != exchange_.listen->encoding();
}

// Joins the new hub before it leaves the old one, so that nothing is missed.
void Session::begin_move() {
  const auto& channels = exchange_.listen->channels();
  const bool is_ascii = std::all_of(channels.begin(), channels.end(), [](const std::string& name) {
    return std::none_of(name.begin(), name.end(), [](char c) { return static_cast<Byte>(c) >= 0x80; });
  });
  // Other names are other bytes there.
  if (is_ascii) exchange_.next_hub = pool_->hub(exchange_.view->find("client_encoding")->second, worker_);
  if (!exchange_.next_hub) return on_listening_lost();
  move_ = Move::joins;
  exchange_.next_hub->change(exchange_.subscriber(), {false, {}, {channels.begin(), channels.end()}});
}

void Session::on_move(ListenOutcome outcome) {
  if (outcome != ListenOutcome::done) return on_listening_lost();
  if (std::exchange(move_, Move::leaves) == Move::joins) {
    exchange_.hub->change(exchange_.subscriber(), {true, {}, {}});
    return;
  }
  exchange_.hub->leave(exchange_.subscriber());
  exchange_.hub = std::move(exchange_.next_hub);
  exchange_.next_hub.reset();
  move_ = Move::no;
  exchange_.listen->moved(exchange_.view->find("client_encoding")->second);
}

void Session::resume_replies() {
  if (!exchange_.listen->take_resume() || exchange_.backend == nullptr) return;
  if (!exchange_.backend->carry.empty()) walk_replies(exchange_.backend->carry, true);
}

// True: a query for it is under way.
bool Session::forget_channels() {
  const std::string sql = exchange_.listen->take_unlisten();
  if (sql.empty()) return false;
  send_own(OwnQuery::nothing, sql);
  flush();
  return true;
}

void Session::write_notifications(std::size_t limit) {
  Outgoing& out = worker_.to_client();
  while (out.size() < limit) {
    const std::shared_ptr<const ByteBuffer> message = exchange_.listen->take_held();
    if (!message) return;
    Writer(out.own()).raw(*message);
    out.end_own();
  }
}

// While the client has nothing outstanding. Otherwise they come right before it is ready again.
void Session::tell_notifications() {
  ListenState& listen = *exchange_.listen;
  if (!listen.has_held() || refusing_until_sync_) return;
  const Backend* const backend = exchange_.backend;
  if (backend != nullptr && !(only_own_work_left() && backend->framer.at_boundary())) return;
  while (to_client_backlog_.empty() && phase_ == Phase::serving) {
    write_notifications(telling_max);
    if (worker_.to_client().empty()) return;
    last_activity_ = worker_.now();
    flush();
  }
}

}  // namespace pgweir
