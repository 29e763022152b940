// Errors of the server: whose they are, and by which names the client knows what they are about.
#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "protocol/sqlstate.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/analysis_context.hpp"
#include "proxy/session/reply_path.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using Disposition = ReplyPath::Disposition;

bool ends_the_session(std::string_view severity) {
  return severity == "FATAL" || severity == "PANIC";
}

// "cached plan must not change result type", in whatever language.
bool is_stale_plan(const ErrorView& error) {
  return error.code() == sqlstate::feature_not_supported && error.field('R') == "RevalidateCachedQuery";
}

// Code has dropped it, or taken its name: none of the client's statements can have done so.
bool is_out_of_step(const ErrorView& error, const Expected& failed, const StatementRef& about) {
  if (!about || !about->server_name.starts_with(server_name_prefix)) return false;
  if (failed.reply == Reply::parse) return error.code() == sqlstate::duplicate_prepared_statement;
  const bool uses = failed.reply == Reply::bind || failed.reply == Reply::describe_statement ||
                    failed.reply == Reply::query;
  return uses && error.code() == sqlstate::invalid_sql_statement_name;
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
  // DISCARD ALL commits at once, what restored the startup settings after it does not.
  if (x_.watch.discarded_all && !is_own()) x_.watch.resets_now = true;
  const std::int32_t longer = oldest->longer;
  const StatementRef about = oldest->statement ? oldest->statement : statement_named_in(piece);
  const std::string client_name = oldest->spelled ? *oldest->spelled
                                  : about         ? x_.statements.name_of(about, oldest->name_hash)
                                                  : std::string();
  const bool meant_to_fail = oldest->purpose == Purpose::meant_to_fail;
  const Repair repair = whole && about ? repair_of(*oldest, error, about, client_name) : Repair::no;
  if (repair != Repair::no) {
    x_.batch.stale = about;
    x_.batch.renews = repair == Repair::renew;
    x_.batch.stale_name = client_name;
    x_.batch.needs_sync = x_.batch.state == Batch::State::open;
    receive(piece, TransactionStatus::idle);
    return Disposition::taken;
  }
  if (oldest->reply == Reply::query && oldest->sets) query_failed_ = true;
  if (oldest->fate == Fate::forward || oldest->fate == Fate::drop) x_.settings.failed();
  if (x_.listen && !is_own()) x_.listen->failed();
  const ResponseTracker::Verdict verdict = receive(piece, TransactionStatus::idle);
  if (verdict == ResponseTracker::Verdict::forward && meant_to_fail) {
    write_stale_plan();
  } else if (verdict == ResponseTracker::Verdict::forward &&
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
      (error.code() == sqlstate::query_canceled ? x_.own_cancelled : x_.own_failed) = true;
      return;
    case OwnQuery::last_value:
      // What lastval() says in a session in which no sequence was advanced.
      x_.has_last_value = error.code() != sqlstate::object_not_in_prerequisite_state;
      return;
    case OwnQuery::triggers:
    case OwnQuery::sources:
      x_.sources_failed = true;
      return;
    case OwnQuery::rollback:
      // The cancel for what its client had left running may hit the ROLLBACK; that is sent again where needed.
      x_.own_failed = x_.own_failed || error.code() != sqlstate::query_canceled;
      return;
    case OwnQuery::reset_settings:
    case OwnQuery::reset:
      x_.own_failed = true;
      return;
    case OwnQuery::nothing:
      return;
  }
}

// What can be mended unseen: outside of a transaction, with nothing answered yet, a statement is parsed anew
// and the batch is sent again. A statement that has changed only if the client does not go on by what it was
// told before: a driver that keeps a description would read the rows by that.
ReplyPath::Repair ReplyPath::repair_of(const Expected& failed, const ErrorView& error,
                                       const StatementRef& about, std::string_view client_name) {
  const bool changed = failed.purpose == Purpose::meant_to_fail || is_stale_plan(error);
  if (!changed && !is_out_of_step(error, failed, about)) return Repair::no;
  const bool may = may_send_again(failed);
  const bool by_ddl = is_in_its_context(x_, *about);
  if (!changed) {
    x_.backend->statements.doubt_all();
    return may ? Repair::parse_again : Repair::no;
  }
  // Under another search_path it finds other tables; under its own it goes on.
  if (!by_ddl) return Repair::no;
  // The server refuses it for ever: whoever parses this text again gets a new statement.
  x_.pool->statements().forget(about);
  const bool described =
      x_.statements.is_described(client_name) || x_.batch.reads_binary(x_.backend->batch, client_name);
  const bool told = described && !x_.batch.describes(x_.backend->batch, client_name);
  if (may && !told) return Repair::renew;
  // The error is the client's. One that holds no description gets no second one.
  if (!described && !about->server_name.empty() && x_.statements.find(client_name) == about)
    x_.statements.put(client_name, x_.pool->statements().renew_for_holder(about));
  return Repair::no;
}

// What PostgreSQL says (plancache.c).
void ReplyPath::write_stale_plan() {
  ErrorFields fields;
  fields.severity = "ERROR";
  fields.code = sqlstate::feature_not_supported;
  fields.message = "cached plan must not change result type";
  fields.file = "plancache.c";
  fields.routine = "RevalidateCachedQuery";  // drivers look at it
  write_error_response(x_.worker.to_client().own(), fields);
  x_.worker.to_client().end_own();
  x_.batch.answered = true;
}

bool ReplyPath::may_send_again(const Expected& failed) const {
  const Batch& batch = x_.batch;
  return batch.state != Batch::State::none && !batch.answered && batch.again < Batch::again_max &&
         !batch.stale && failed.fate == Fate::forward && x_.tracker.status() == TransactionStatus::idle;
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
  for (const auto& [name, held] : x_.statements.committed()) {
    const std::string& ours = held.statement->server_name;
    if (text.substr(at, ours.size()) == ours && text.substr(at + ours.size(), 1) == "\"")
      return held.statement;
  }
  return nullptr;
}

}  // namespace pgweir
