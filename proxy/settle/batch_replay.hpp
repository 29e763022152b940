// Sends a batch again, unseen by the client, when the plan of its prepared statement has become stale: see
// Batch. Keeps nothing itself: works on the session's Exchange. Thread rule: the session's worker.
#pragma once

#include "protocol/framer.hpp"
#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class BatchReplay final {
 public:
  explicit BatchReplay(Exchange& exchange) : x_(exchange) {}

  // Called before the first message of a batch is taken, which may be answered at once.
  void begin(const Piece& piece);
  void keep(const Piece& piece);
  void end_refused();
  // The messages that are to be taken again, before all others. They stay valid until the next begin().
  ByteView send_again();

 private:
  Exchange& x_;
};

}  // namespace pgweir
