// A message of the client's gets an error from us instead of the server's answer, as if the server had said so:
// then its batch is skipped up to its Sync. Thread rule: the session's worker.
#pragma once

#include <optional>

#include "protocol/framer.hpp"
#include "proxy/base/reason.hpp"

namespace pgweir {

class Refusal {
 public:
  // The next message that needs a backend is refused.
  void begin(Reason reason) { reason_ = reason; }
  // Nothing needed one.
  void end() { reason_.reset(); }
  std::optional<Reason> reason() const { return reason_; }

  // Up to the Sync of the batch that was refused.
  bool skips() const { return skips_; }
  // The rest of a message that was refused.
  bool skips_rest(const Piece& piece) {
    if (!piece.first) return skips_rest_;
    skips_rest_ = false;
    return false;
  }
  // Writes what the client is told for this message, if anything.
  void refuse(const Piece& piece, ByteBuffer& out);

 private:
  std::optional<Reason> reason_;
  bool skips_ = false;
  bool skips_rest_ = false;
};

struct Life;

// A message that COPY IN does not allow. What PostgreSQL says: it cannot tell any more where the next message
// begins.
void end_copy_violation(ByteBuffer& out, Life& life);

}  // namespace pgweir
