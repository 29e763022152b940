// A batch whose prepared statement's plan has become stale is sent again, unseen: see Batch.
#include "protocol/frontend.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/session.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

// Keeps the messages of a batch that begins with the use of a prepared statement, see Batch.
void Session::keep_batch(const Piece& piece, bool begins) {
  Batch& batch = exchange_.batch;
  if (exchange_.backend == nullptr) return;
  const auto type = static_cast<FrontendType>(piece.type);
  const bool is_query = type == FrontendType::Query;
  if (begins) {
    const bool is_unnamed_parse =
        type == FrontendType::Parse && !piece.body().empty() && piece.body()[0] == 0;
    batch.state = is_unnamed_parse ? Batch::State::none : Batch::State::open;
    batch.acknowledged = 0;
    batch.answered = false;
    exchange_.backend->batch.clear();
  } else if (batch.state == Batch::State::closed) {
    batch.state = Batch::State::none;
  }
  if (batch.state == Batch::State::none) return;
  ByteBuffer& kept = exchange_.backend->batch;
  // A simple Query that runs no prepared statement has no plan to become stale.
  const Expected* oldest = exchange_.tracker.oldest();
  const bool useless =
      is_query && (oldest == nullptr || (oldest->fate == Fate::forward && !oldest->statement));
  if (useless || !piece.whole() || kept.size() + piece.bytes.size() > Batch::size_max) {
    batch.state = Batch::State::none;
    return;
  }
  kept.insert(kept.end(), piece.bytes.begin(), piece.bytes.end());
  if (is_query || type == FrontendType::Sync) batch.state = Batch::State::closed;
}

// The server skips to a Sync, which the client may send only when it has seen its answers (after a Flush).
void Session::end_refused_batch() {
  exchange_.batch.needs_sync = false;
  write_sync(worker_.to_server().own());
  worker_.to_server().end_own();
  exchange_.tracker.expect({.reply = Reply::sync, .fate = Fate::mute}, replies_);
}

// In front of whatever the client has sent since.
void Session::send_again() {
  Batch& batch = exchange_.batch;
  const StatementRef stale = std::exchange(batch.stale, nullptr);
  if (batch.renews && exchange_.statements.find(batch.stale_name) == stale) {
    const bool is_unnamed = stale->server_name.empty();
    exchange_.statements.put(batch.stale_name, is_unnamed ? make_unnamed(stale->text, stale->parameter_types)
                                                          : pool_->statements().renew_for_holder(stale));
  }
  const ByteBuffer& kept = exchange_.backend->batch;
  client_carry_.insert(client_carry_.begin(), kept.begin(), kept.end());
  batch.state = Batch::State::none;
  batch.left_out = batch.acknowledged;
  ++batch.again;
  held_ = false;
}

}  // namespace pgweir
