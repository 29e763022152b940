#include "proxy/session/refusal.hpp"

#include <utility>

#include "protocol/error_response.hpp"
#include "protocol/sqlstate.hpp"
#include "protocol/startup.hpp"
#include "proxy/backend/backend_login.hpp"
#include "proxy/entry/life.hpp"

namespace pgweir {

void Refusal::refuse(const Piece& piece, ByteBuffer& out) {
  const auto type = static_cast<FrontendType>(piece.type);
  const bool ends_batch =
      type == FrontendType::Query || type == FrontendType::FunctionCall || type == FrontendType::Sync;
  skips_rest_ = !piece.last;
  if (skips_) {
    if (type != FrontendType::Sync) return;
    skips_ = false;
  } else {
    const std::unique_ptr<const BorrowFailure> why = std::move(why_);
    const Reason reason = *std::exchange(reason_, std::nullopt);
    write_reason(out, reason, why ? why->message : std::string_view(),
                 why ? why->sqlstate() : std::string_view());
    skips_ = !ends_batch;
  }
  if (ends_batch) write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
}

void end_copy_violation(ByteBuffer& out, Life& life) {
  ErrorFields fields;
  fields.severity = "ERROR";
  fields.code = sqlstate::protocol_violation;
  fields.message = "unexpected message type during COPY from stdin";
  write_error_response(out, fields);
  life.end(Reason::protocol_violation, "terminating connection because protocol synchronization was lost");
}

void end_login_unserved(Life& life, const BorrowFailure& why) {
  life.end(why.is_servers() ? Reason::server_unreachable : Reason::borrow_timeout, why.message,
           why.sqlstate());
}

// Of a pool that is no more, the client hears what it would be told if it logged in now.
void end_refused(Life& life, const ServerRefusal& why) {
  if (why.retired) {
    life.end(Reason::not_allowed, "permission denied: " + why.message + " (pgweir was reloaded)");
  } else {
    life.end(Reason::server_unreachable, "logging in to the database server failed: " + why.message);
  }
}

}  // namespace pgweir
