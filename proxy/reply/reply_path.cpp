#include "proxy/reply/reply_path.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "protocol/notification.hpp"
#include "protocol/sqlstate.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/reply/parameter_teller.hpp"
#include "proxy/reply/plan_repair.hpp"
#include "proxy/reply/tag_reader.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using Disposition = ReplyPath::Disposition;

void write_empty_message(ByteBuffer& out, BackendType type) {
  Writer(out).begin_message(static_cast<char>(type)).end_message();
}

bool ends_the_session(std::string_view severity) {
  return severity == "FATAL" || severity == "PANIC";
}

// A number that is not understood is not a position.
std::int64_t position_of(const ErrorView& error) {
  std::int64_t number = 0;
  const std::string_view text = error.field('P').value_or(std::string_view());
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// By how many characters pgweir's name makes the text longer in which SQL has prepared the statement.
std::int32_t growth_of_prepare(const Statement& statement, const ClientSettings& client) {
  if (!statement.by_sql || statement.sql_head.empty()) return 0;
  return static_cast<std::int32_t>(client.characters(text_of_prepare(statement))) -
         static_cast<std::int32_t>(client.characters(statement.sql_head + statement.text));
}

// By how many characters places in the text of the statement are further behind than in the client's text.
std::int32_t growth_of(const Expected& expected, const ClientSettings& client) {
  const bool prepares = expected.reply == Reply::execute && expected.fate == Fate::drop;
  const bool names_it =
      expected.reply == Reply::bind || expected.reply == Reply::describe_statement || prepares;
  if (expected.grown_by != 0 || !names_it || !expected.statement) return expected.grown_by;
  return growth_of_prepare(*expected.statement, client);
}

}  // namespace

bool ReplyPath::is_inserted() const {
  const Expected* oldest = x_.tracker.oldest();
  return oldest != nullptr && oldest->fate != Fate::forward;
}

void ReplyPath::forward(const Piece& piece) {
  if (piece.first && !x_.batch.note_reply(static_cast<BackendType>(piece.type))) return;
  x_.worker.to_client().add_view(piece.bytes);
  forwarding_rest_ = !piece.last;
}

Disposition ReplyPath::take(const Piece& piece) {
  if (piece.first) return take_first(piece);
  if (shapes_.is_learning()) shapes_.take(piece);
  if (forwarding_rest_) {
    forward(piece);
  } else if (piece.type == static_cast<char>(BackendType::DataRow) && x_.own_message_is_oldest()) {
    own_.take_row(piece);
  }
  return Disposition::taken;
}

Disposition ReplyPath::take_parameter_status(const Piece& piece) {
  using Verdict = ParameterTeller::Verdict;
  const Verdict verdict = ParameterTeller(x_).take(piece, x_.own_message_is_oldest());
  if (verdict == Verdict::violation) return Disposition::violation;
  if (verdict == Verdict::forward) forward(piece);
  return Disposition::taken;
}

Disposition ReplyPath::take_first(const Piece& piece) {
  forwarding_rest_ = false;
  if (piece.type == static_cast<char>(BackendType::DataRow) && x_.tracker.gives_rows()) {
    forward(piece);
    return Disposition::taken;
  }
  TransactionStatus status = TransactionStatus::idle;
  switch (static_cast<BackendType>(piece.type)) {
    case BackendType::ErrorResponse:
      return take_error(piece);
    case BackendType::ParameterStatus:
      return take_parameter_status(piece);
    case BackendType::NotificationResponse:
      take_notification(piece);
      return Disposition::taken;
    case BackendType::NoticeResponse:
      if (is_inserted()) return Disposition::taken;
      forward(piece);
      return Disposition::taken;
    case BackendType::CommandComplete:
      TagReader(x_).take(piece);
      break;
    case BackendType::DataRow:
      if (x_.own_message_is_oldest()) own_.take_row(piece);
      break;
    case BackendType::ParameterDescription:
    case BackendType::RowDescription:
    case BackendType::NoData:
      if (shapes_.is_concerned()) shapes_.take(piece);
      break;
    case BackendType::ReadyForQuery:
      if (parse_ready_for_query(piece.body(), status) != Errc::ok) return Disposition::violation;
      break;
    default:
      break;
  }
  const ResponseTracker::Verdict verdict = receive(piece, status);
  if (verdict == ResponseTracker::Verdict::protocol_violation) return Disposition::violation;
  const bool ready = piece.type == static_cast<char>(BackendType::ReadyForQuery);
  if (ready && x_.batch.stale) {
    events_.insert(ReplyEvent::batch_failed);
    return Disposition::taken;
  }
  if (verdict == ResponseTracker::Verdict::forward) {
    if (ready && x_.watch.restores_now != 0) ParameterTeller(x_).tell_restored();
    if (ready && x_.listen) settle_listening(status);
    forward(piece);
  }
  write_due();
  if (ready && !x_.journal.is_empty()) x_.journal.ready(status);
  if (ready && status == TransactionStatus::idle) publish_changes();
  if (ready && x_.tracker.idle()) x_.code.commit_doubt.reset();
  if (ready) x_.watch.marks.erase(Mark::resets_now);
  if (ready) x_.watch.restores_now = 0;
  if (verdict != ResponseTracker::Verdict::forward) return Disposition::taken;
  if (ready) {
    events_.insert(ReplyEvent::query_done);
    if (status == TransactionStatus::idle) events_.insert(ReplyEvent::transaction_done);
  }
  return Disposition::taken;
}

// What has been committed is visible to all sessions from now on, also if this session ends here.
void ReplyPath::publish_changes() {
  if (x_.tracker.idle()) x_.end_temporary();
  if (x_.watch.marks.take(Mark::changed_functions)) x_.commons->code().forget();
  // It may come of a message that is still unanswered.
  if (x_.watch.marks.contains(Mark::changed_schema)) x_.commons->schema_version()->change();
  if (x_.tracker.idle()) x_.watch.marks.erase(Mark::changed_schema);
  if (x_.code.any() && !x_.code.schema_doubt) x_.code.schema_doubt = x_.commons->schema_version()->doubt();
  if (x_.watch.marks.take(Mark::changed_defaults)) events_.insert(ReplyEvent::defaults_changed);
}

// pgweir's own replies become due while the server's message is looked at, and must not overtake it.
ResponseTracker::Verdict ReplyPath::receive(const Piece& piece, TransactionStatus status) {
  receiving_ = true;
  const ResponseTracker::Verdict verdict = x_.tracker.receive(piece.type, status, *this);
  receiving_ = false;
  return verdict;
}

void ReplyPath::write_due() {
  if (due_.empty()) return;
  for (const BackendType type : due_) {
    if (x_.batch.note_reply(type)) write_empty_message(x_.worker.to_client().own(), type);
  }
  x_.worker.to_client().end_own();
  due_.clear();
}

// --- Errors: who caused them, and under which names the client knows what they are about

Disposition ReplyPath::take_error(const Piece& piece) {
  x_.watch.marks.insert(Mark::failed);
  x_.undo_temporary();
  ErrorView error;
  const bool whole = piece.whole() && ErrorView::parse(piece.body(), error) == Errc::ok;
  if (whole && ends_the_session(error.severity())) {
    // This does not matter to a client that waits for nothing and keeps nothing on this backend.
    const bool idle = x_.tracker.settled() && !x_.pinned();
    if (x_.own_message_is_oldest() || idle) return Disposition::ended_untold;
    forward(piece);
    return Disposition::ended_and_told;
  }
  const Expected* oldest = x_.tracker.oldest();
  if (oldest == nullptr) return Disposition::violation;
  if (oldest->fate == Fate::mute && whole) own_.take_error(*oldest, error);
  const bool is_reason = error.code() != sqlstate::in_failed_sql_transaction;
  if (oldest->fate == Fate::mute && whole && oldest->statement && is_reason)
    x_.own.refused = std::make_unique<RefusedStatement>(
        RefusedStatement{oldest->statement, {piece.body().begin(), piece.body().end()}});
  // DISCARD ALL commits at once; what restored the startup settings after it does not.
  if (x_.watch.marks.contains(Mark::discarded_all) && !x_.own_message_is_oldest())
    x_.watch.marks.insert(Mark::resets_now);
  const bool is_of_several = oldest->reply == Reply::query && oldest->changes.contains(Change::names_by_sql);
  const SqlNaming::Replaced* const replaced = is_of_several ? replaced_name_in(piece) : nullptr;
  const StatementRef about = replaced ? replaced->statement : statement_concerned(*oldest, piece);
  const std::string client_name = oldest->spelled                   ? *oldest->spelled
                                  : replaced                        ? replaced->name
                                  : about && about->has_client_name ? about->server_name
                                  : about ? x_.statements.name_of(about, oldest->name_hash)
                                          : std::string();
  const std::int32_t grown_by = is_of_several && whole && x_.naming && !x_.naming->replaced.empty()
                                    ? x_.naming->growth_before(position_of(error))
                                    : growth_of(*oldest, x_.client);
  const bool was_refused = whole && is_for_refused(*oldest, about, error);
  const bool meant_to_fail = oldest->purpose == Purpose::meant_to_fail;
  if (oldest->reply == Reply::query && oldest->changes.contains(Change::settings)) query_failed_ = true;
  const PlanRepair::Kind repair = whole && about && !was_refused
                                      ? PlanRepair(x_).begin(*oldest, error, about, client_name)
                                      : PlanRepair::Kind::no;
  if (repair != PlanRepair::Kind::no) {
    x_.batch.stale = about;
    x_.batch.renews = repair == PlanRepair::Kind::renew;
    x_.batch.stale_name = client_name;
    x_.batch.needs_sync = x_.batch.state == Batch::State::open;
    receive(piece, TransactionStatus::idle);
    return Disposition::taken;
  }
  if (oldest->fate == Fate::forward || oldest->fate == Fate::drop) x_.journal.failed();
  if (x_.listen && !x_.own_message_is_oldest()) x_.listen->failed();
  const ResponseTracker::Verdict verdict = receive(piece, TransactionStatus::idle);
  if (verdict == ResponseTracker::Verdict::forward && meant_to_fail) {
    write_stale_plan();
  } else if (verdict == ResponseTracker::Verdict::forward && was_refused) {
    write_refused();
  } else if (verdict == ResponseTracker::Verdict::forward &&
             !(whole && forward_renamed(piece.body(), about, client_name, grown_by))) {
    forward(piece);
  }
  if (verdict == ResponseTracker::Verdict::forward) x_.own.refused.reset();
  write_due();
  return Disposition::taken;
}

// Writes the error as PostgreSQL does (plancache.c).
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

void ReplyPath::write_error(ByteView body) {
  Writer(x_.worker.to_client().own())
      .begin_message(static_cast<char>(BackendType::ErrorResponse))
      .raw(body)
      .end_message();
}

// Whether the error only follows from another one that the client has not seen: the statement that its message uses
// could not be prepared.
bool ReplyPath::is_for_refused(const Expected& failed, const StatementRef& about,
                               const ErrorView& error) const {
  const RefusedStatement* const refused = x_.own.refused.get();
  if (refused == nullptr || failed.fate != Fate::forward) return false;
  // The client has seen no error yet, so that this one is why its transaction has failed.
  if (error.code() == sqlstate::in_failed_sql_transaction) return true;
  return error.code() == sqlstate::invalid_sql_statement_name &&
         (about == refused->statement || failed.statement == refused->statement);
}

// The server gives this reason when a client runs its statement. Places are those in the client's PREPARE.
void ReplyPath::write_refused() {
  const std::unique_ptr<RefusedStatement> refused = std::move(x_.own.refused);
  const Statement& statement = *refused->statement;
  const std::string client_name = x_.statements.name_of(refused->statement);
  if (forward_renamed(refused->error, refused->statement, client_name,
                      growth_of_prepare(statement, x_.client)))
    return;
  x_.batch.answered = true;
  write_error(refused->error);
  x_.worker.to_client().end_own();
}

// The client knows its statement by its own name, not by pgweir's.
bool ReplyPath::forward_renamed(ByteView error, const StatementRef& about, std::string_view client_name,
                                std::int32_t grown_by) {
  const bool has_name = about && !about->server_name.empty();
  const std::string ours = has_name ? '"' + about->server_name + '"' : std::string();
  const bool named = has_name && as_text(error).find(ours) != std::string_view::npos;
  if (!named && grown_by == 0) return false;
  ByteBuffer renamed;
  if (rewrite_message(error, ours, '"' + std::string(client_name) + '"', renamed, grown_by) != Errc::ok)
    return false;
  x_.batch.answered = true;
  write_error(renamed);
  x_.worker.to_client().end_own();
  return true;
}

// The name that was replaced in the text that failed, if pgweir's name is in the error.
const SqlNaming::Replaced* ReplyPath::replaced_name_in(const Piece& piece) const {
  if (!x_.naming) return nullptr;
  const std::string_view text = as_text(piece.body());
  const auto is_there = [&](const SqlNaming::Replaced& each) {
    return text.find('"' + each.statement->server_name + '"') != std::string_view::npos;
  };
  const auto found = std::find_if(x_.naming->replaced.begin(), x_.naming->replaced.end(), is_there);
  return found == x_.naming->replaced.end() ? nullptr : &*found;
}

// The statement that the message is about, unless the error names another: one that an EXECUTE of a PREPARE makes, say.
StatementRef ReplyPath::statement_concerned(const Expected& failed, const Piece& piece) const {
  const bool names_its_own =
      failed.statement && as_text(piece.body()).find(failed.statement->server_name) != std::string_view::npos;
  if (names_its_own) return failed.statement;
  const StatementRef named = statement_named_in(piece);
  return named ? named : failed.statement;
}

// Finds the client's statement whose name on the server is in the error, for when the message that failed
// does not tell.
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

// --- Listening

// Notifications that the hub delivers come from the hub alone.
void ReplyPath::take_notification(const Piece& piece) {
  NotificationView notification;
  const bool served = x_.listen && piece.whole() &&
                      parse_notification(piece.body(), notification) == Errc::ok &&
                      x_.listen->serves(notification.channel);
  if (served || !x_.client.greeted) return;
  x_.worker.to_client().add_view(piece.bytes);
}

// Called right before a ReadyForQuery that goes to the client.
void ReplyPath::settle_listening(TransactionStatus status) {
  x_.listen->settle(status, !x_.tracker.idle() || x_.tracker.unsynced());
  if (status == TransactionStatus::idle) x_.write_notifications(Exchange::all_notifications);
}

// --- Expectations that end

void ReplyPath::ended(const Expected& expected, Outcome outcome) {
  if (expected.changes.contains(Change::names)) {
    switch (outcome) {
      case Outcome::done:
        x_.statements.confirm_front(
            x_.backend != nullptr && x_.batch.may_be_sent_again() ? &x_.backend->kept_names : nullptr);
        break;
      case Outcome::failed:
        x_.statements.fail_front();
        break;
      case Outcome::skipped:
        x_.statements.drop_front();
        break;
    }
  }
  // The server has refused to describe the statement.
  const bool asked = expected.purpose == Purpose::learn_shape || expected.purpose == Purpose::confirm_parse;
  if (asked && outcome != Outcome::done && x_.backend != nullptr)
    x_.backend->statements.describe(expected.statement, BackendStatements::Description::unknown);
  if (expected.changes.contains(Change::settings))
    x_.journal.ended(outcome == Outcome::done && !std::exchange(query_failed_, false));
  if (expected.changes.contains(Change::channels) && x_.listen) x_.listen->ended();
  if (expected.changes.contains(Change::backend_statements) && x_.backend != nullptr)
    end_backend_statement(expected, outcome);
  if (expected.reply == Reply::query && expected.fate == Fate::mute) own_.end();
  // While a name is made or dropped, nothing else is sent, so this was the statement that did it.
  if (x_.naming && x_.tracker.idle()) x_.naming.reset();
}

// Notes what the backend holds now.
void ReplyPath::end_backend_statement(const Expected& expected, Outcome outcome) {
  BackendStatements& on_backend = x_.backend->statements;
  const StatementRef& statement = expected.statement;
  const bool replayed =
      statement && statement->by_sql && expected.fate != Fate::forward && expected.reply != Reply::close;
  if (replayed) on_backend.end_parse(statement, own_.take_prepare_failed() ? Outcome::failed : outcome);
  if (replayed && expected.reply != Reply::query) return;
  const bool named = statement && !statement->server_name.empty();
  if (expected.reply == Reply::parse && outcome == Outcome::done)
    x_.commons->counters(x_.worker).server_parses.add();
  if (expected.reply == Reply::query || !named) {
    on_backend.end_unnamed(expected.reply == Reply::parse ? statement : nullptr, outcome);
  } else if (expected.reply == Reply::parse) {
    on_backend.end_parse(statement, outcome);
  } else {
    on_backend.end_close(statement, outcome);
  }
}

void ReplyPath::inject(const Expected& expected) {
  due_.push_back(expected.reply == Reply::parse ? BackendType::ParseComplete : BackendType::CloseComplete);
  if (!receiving_) write_due();
}

}  // namespace pgweir
