// Errors of the server: whose they are, and by which names the client knows what they are about.
#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "proxy/pool.hpp"
#include "proxy/reply_path.hpp"
#include "proxy/worker.hpp"

namespace pgweir {
namespace {

using Disposition = ReplyPath::Disposition;

// What lastval() says in a session in which no sequence was advanced.
constexpr std::string_view object_not_in_prerequisite_state = "55000";

constexpr std::string_view query_canceled = "57014";

bool ends_the_session(std::string_view severity) {
  return severity == "FATAL" || severity == "PANIC";
}

// "cached plan must not change result type", in whatever language.
bool is_stale_plan(const ErrorView& error) {
  return error.code() == "0A000" && error.field('R') == "RevalidateCachedQuery";
}

}  // namespace

Disposition ReplyPath::take_error(const Piece& piece) {
  x_.watch.failed = true;
  ErrorView error;
  const bool whole = piece.whole() && ErrorView::parse(piece.body(), error) == Errc::ok;
  if (whole && ends_the_session(error.severity())) {
    // To a client that waits for nothing and keeps nothing on this backend it does not matter.
    const bool idle = x_.tracker.settled() && !x_.pinned();
    if (is_own() || idle) return Disposition::server_gone;
    forward(piece);
    return Disposition::server_ended;
  }
  const Expected* oldest = x_.tracker.oldest();
  if (oldest == nullptr) return Disposition::violation;
  if (oldest->fate == Fate::mute && whole) take_own_error(*oldest, error);
  // DISCARD ALL commits at once, what restored the startup settings behind it does not.
  if (x_.watch.discarded_all && !is_own()) x_.watch.resets_now = true;
  const std::int32_t longer = oldest->longer;
  const StatementRef about = oldest->statement ? oldest->statement : statement_named_in(piece);
  const std::string client_name = oldest->spelled ? *oldest->spelled
                                  : about         ? x_.statements.name_of(about, oldest->name_hash)
                                                  : std::string();
  if (whole && about && is_stale_plan(error)) {
    // The server refuses it for ever: whoever parses this text again gets a new statement.
    x_.pool->statements().forget(about);
    if (may_send_again(*oldest)) {
      x_.batch.stale = about;
      x_.batch.needs_sync = x_.batch.state == Batch::State::open;
      receive(piece, TransactionStatus::idle);
      return Disposition::taken;
    }
    // The error is the client's. It gets no second one: its name stands for a new statement from here on.
    x_.statements.replace(about, x_.pool->statements().renew(about));
  }
  if (x_.listen && !is_own()) x_.listen->failed();
  const ResponseTracker::Verdict verdict = receive(piece, TransactionStatus::idle);
  if (verdict == ResponseTracker::Verdict::forward &&
      !(whole && forward_renamed(piece, about, client_name, longer))) {
    forward(piece);
    forwarding_rest_ = true;
  }
  write_due();
  return Disposition::taken;
}

void ReplyPath::take_own_error(const Expected& failed, const ErrorView& error) {
  x_.own_error_code = error.code();
  x_.own_error_message = error.message();
  if (failed.statement && failed.statement->by_sql) own_prepare_failed_ = true;
  if (failed.reply != Reply::query || x_.own.empty()) return;
  switch (x_.own.front()) {
    case OwnQuery::prelude:
      prelude_failed_ = true;
      return;
    case OwnQuery::check:
      (error.code() == query_canceled ? x_.own_cancelled : x_.own_failed) = true;
      return;
    case OwnQuery::last_value:
      x_.has_last_value = error.code() != object_not_in_prerequisite_state;
      return;
    case OwnQuery::triggers:
    case OwnQuery::sources:
      x_.sources_failed = true;
      return;
    case OwnQuery::rollback:
      // By the cancel for what its client had left running; there is another one where it is still needed.
      x_.own_failed = x_.own_failed || error.code() != query_canceled;
      return;
    case OwnQuery::reset_settings:
    case OwnQuery::reset:
      x_.own_failed = true;
      return;
    case OwnQuery::nothing:
      return;
  }
}

bool ReplyPath::may_send_again(const Expected& failed) const {
  const Batch& batch = x_.batch;
  return batch.state != Batch::State::none && !batch.answered && !batch.again && !batch.stale &&
         failed.fate == Fate::forward && x_.tracker.status() == TransactionStatus::idle;
}

// The client knows its statement by its own name, not by ours.
bool ReplyPath::forward_renamed(const Piece& piece, const StatementRef& about, std::string_view client_name,
                                std::int32_t longer) {
  const bool has_name = about && !about->server_name.empty();
  const std::string ours = has_name ? '"' + about->server_name + '"' : std::string();
  const bool named = has_name && as_text(piece.body()).find(ours) != std::string_view::npos;
  if (!named && longer == 0) return false;
  ByteBuffer renamed;
  if (rewrite_message(piece.body(), ours, '"' + std::string(client_name) + '"', renamed, longer) != Errc::ok)
    return false;
  x_.batch.answered = true;
  Writer(x_.worker.to_client().own()).begin_message(piece.type).raw(renamed).end_message();
  x_.worker.to_client().end_own();
  return true;
}

// Of the client's statements the one that an error calls by our name, when the message that failed does not
// tell.
StatementRef ReplyPath::statement_named_in(const Piece& piece) const {
  const std::string_view text = as_text(piece.body());
  const std::size_t at = text.find(server_name_prefix);
  if (at == std::string_view::npos) return nullptr;
  for (const auto& [name, statement] : x_.statements.committed()) {
    const std::string& ours = statement->server_name;
    if (text.substr(at, ours.size()) == ours && text.substr(at + ours.size(), 1) == "\"") return statement;
  }
  return nullptr;
}

}  // namespace pgweir
