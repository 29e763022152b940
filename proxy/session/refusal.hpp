// A client's message gets an error from pgweir instead of an answer, as if the server had said so: then the
// rest of its batch is skipped, up to its Sync. Thread rule: the session's worker.
#pragma once

#include <optional>

#include "protocol/framer.hpp"
#include "proxy/base/reason.hpp"

namespace pgweir {

class Refusal {
 public:
  // The next message that needs a backend is refused.
  void begin(Reason reason) { reason_ = reason; }
  // No message needed one.
  void end() { reason_.reset(); }
  std::optional<Reason> reason() const { return reason_; }

  // Whether messages are skipped, up to the Sync of the batch that was refused.
  bool skips() const { return skips_; }
  // Whether this is the rest of a message that was refused.
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

// Answers a message that COPY IN does not allow, and ends the session as PostgreSQL does: it cannot tell
// where the next message begins.
void end_copy_violation(ByteBuffer& out, Life& life);

}  // namespace pgweir
