#include "proxy/settle/batch_replay.hpp"

#include <utility>

#include "protocol/message.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/state/schema_version.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

void BatchReplay::begin(const Piece& piece) {
  Batch& batch = x_.batch;
  const bool is_unnamed_parse =
      piece.type == static_cast<char>(FrontendType::Parse) && !piece.body().empty() && piece.body()[0] == 0;
  batch.state = is_unnamed_parse ? Batch::State::none : Batch::State::open;
  batch.acknowledged = 0;
  batch.answered = false;
  x_.backend->kept_batch.clear();
  x_.backend->kept_names.clear();
}

// Keeps the messages of a batch that may have to be sent again, see Batch.
void BatchReplay::keep(const Piece& piece) {
  Batch& batch = x_.batch;
  if (x_.backend == nullptr) return;
  const auto type = static_cast<FrontendType>(piece.type);
  const bool is_query = type == FrontendType::Query;
  if (batch.state == Batch::State::closed) batch.state = Batch::State::none;
  if (batch.state == Batch::State::none) return;
  ByteBuffer& kept = x_.backend->kept_batch;
  // A simple Query that runs no prepared statement has no plan to become stale.
  const Expected* oldest = x_.tracker.oldest();
  const bool useless =
      is_query && (oldest == nullptr || (oldest->fate == Fate::forward && !oldest->statement));
  if (useless || !piece.whole() || kept.size() + piece.bytes.size() > Batch::size_max) {
    batch.state = Batch::State::none;
    return;
  }
  kept.insert(kept.end(), piece.bytes.begin(), piece.bytes.end());
  if (is_query || type == FrontendType::Sync) batch.state = Batch::State::closed;
}

// The server skips to a Sync, which the client may not send before it has seen its answers (after a Flush).
void BatchReplay::end_refused() {
  x_.batch.needs_sync = false;
  ServerStream(x_).send_own_sync();
}

// The kept batch goes before whatever the client has sent since, and its names stand for what they stood for at first.
ByteView BatchReplay::send_again() {
  Batch& batch = x_.batch;
  const StatementRef stale = std::exchange(batch.stale, nullptr);
  x_.statements.restore(x_.backend->kept_names);
  if (batch.renews && x_.statements.find(batch.stale_name) == stale) {
    const bool is_unnamed = stale->server_name.empty();
    x_.statements.put(
        batch.stale_name,
        is_unnamed ? make_unnamed(stale->text, stale->parameter_types, settings_of_unnamed(x_))
                   : x_.commons->statements().renew_for_holder(stale, x_.commons->schema_version()->get()));
  }
  batch.state = Batch::State::none;
  batch.leave_out_acknowledged();
  ++batch.again;
  return x_.backend->kept_batch;
}

}  // namespace pgweir
