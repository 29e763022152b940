// A client's message gets an error from pgweir instead of an answer, as if the server had said so: then the
// rest of its batch is skipped, up to its Sync. Thread rule: the session's worker.
#pragma once

#include <memory>
#include <optional>

#include "protocol/framer.hpp"
#include "proxy/base/reason.hpp"
#include "proxy/pool/borrow_failure.hpp"

namespace pgweir {

class Refusal {
 public:
  // The next message that needs a backend is refused. `why`: why there was no backend in time; null: the
  // reason says it all.
  void begin(Reason reason, std::unique_ptr<const BorrowFailure> why = nullptr) {
    reason_ = reason;
    why_ = std::move(why);
  }
  // No message needed one.
  void end() {
    reason_.reset();
    why_.reset();
  }
  std::optional<Reason> reason() const { return reason_; }
  // One word for the log; empty: there is no more to say.
  std::string_view cause() const { return why_ ? to_string(why_->obstacle) : std::string_view(); }

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
  std::unique_ptr<const BorrowFailure> why_;
  bool skips_ = false;
  bool skips_rest_ = false;
};

struct Life;
struct ServerRefusal;

// Answers a message that COPY IN does not allow, and ends the session as PostgreSQL does: it cannot tell
// where the next message begins.
void end_copy_violation(ByteBuffer& out, Life& life);

// Ends a client that has waited in vain for a backend to complete its login.
void end_login_unserved(Life& life, const BorrowFailure& why);

// Ends a client for whom no backend can be opened.
void end_refused(Life& life, const ServerRefusal& why);

}  // namespace pgweir
