#include "proxy/session/reply_path.hpp"

#include "protocol/backend.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using Disposition = ReplyPath::Disposition;

void write_empty_message(ByteBuffer& out, BackendType type) {
  Writer(out).begin_message(static_cast<char>(type)).end_message();
}

}  // namespace

bool ReplyPath::is_own() const {
  const Expected* oldest = x_.tracker.oldest();
  return oldest != nullptr && oldest->fate == Fate::mute;
}

bool ReplyPath::is_inserted() const {
  const Expected* oldest = x_.tracker.oldest();
  return oldest != nullptr && oldest->fate != Fate::forward;
}

void ReplyPath::forward(const Piece& piece) {
  if (piece.first && !x_.batch.note_reply(static_cast<BackendType>(piece.type))) return;
  x_.worker.to_client().add_view(piece.bytes);
}

Disposition ReplyPath::take(const Piece& piece) {
  if (piece.first) return take_first(piece);
  if (described_) take_description(piece);
  if (forwarding_rest_) {
    forward(piece);
  } else if (piece.type == static_cast<char>(BackendType::DataRow) && is_own()) {
    take_own_row(piece);
  }
  return Disposition::taken;
}

Disposition ReplyPath::take_first(const Piece& piece) {
  forwarding_rest_ = false;
  TransactionStatus status = TransactionStatus::idle;
  switch (static_cast<BackendType>(piece.type)) {
    case BackendType::ErrorResponse:
      return take_error(piece);
    case BackendType::ParameterStatus:
      take_parameter(piece);
      return Disposition::taken;
    case BackendType::NotificationResponse:
      take_notification(piece);
      return Disposition::taken;
    case BackendType::NoticeResponse:
      if (is_inserted()) return Disposition::taken;
      forward(piece);
      forwarding_rest_ = true;
      return Disposition::taken;
    case BackendType::CommandComplete:
      take_tag(piece);
      break;
    case BackendType::DataRow:
      if (is_own()) take_own_row(piece);
      break;
    case BackendType::ParameterDescription:
    case BackendType::RowDescription:
    case BackendType::NoData:
      if (described_ || describes_statement()) take_description(piece);
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
    batch_failed_ = true;
    return Disposition::taken;
  }
  if (verdict == ResponseTracker::Verdict::forward) {
    if (ready && x_.watch.restores_now != 0) tell_restored();
    if (ready && x_.listen) settle_listening(status);
    forward(piece);
    forwarding_rest_ = true;
  }
  write_due();
  if (ready && !x_.settings.is_empty()) x_.settings.ready(status);
  if (ready && status == TransactionStatus::idle) publish_changes();
  if (ready) x_.watch.resets_now = false;
  if (ready) x_.watch.restores_now = 0;
  if (verdict != ResponseTracker::Verdict::forward) return Disposition::taken;
  if (ready) {
    query_done_ = true;
    if (status == TransactionStatus::idle) transaction_done_ = true;
  }
  return Disposition::taken;
}

// What has been committed holds for everybody who asks from now on, also if this session ends here.
void ReplyPath::publish_changes() {
  if (std::exchange(x_.watch.changed_functions, false)) x_.pool->code().forget();
  if (std::exchange(x_.watch.changed_schema, false)) x_.pool->schema_version()->change();
  if (std::exchange(x_.watch.changed_defaults, false)) x_.pool->recycle_all();
}

// Replies of ours become due while the server's message is looked at, and must not overtake it.
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

// --- Expectations that end

void ReplyPath::ended(const Expected& expected, Outcome outcome) {
  if (expected.names) {
    switch (outcome) {
      case Outcome::done:
        x_.statements.confirm_front();
        break;
      case Outcome::failed:
        x_.statements.fail_front();
        break;
      case Outcome::skipped:
        x_.statements.drop_front();
        break;
    }
  }
  // The server has refused to say.
  const bool asked = expected.purpose == Purpose::learn_shape || expected.purpose == Purpose::confirm_parse;
  if (asked && outcome != Outcome::done && x_.backend != nullptr)
    x_.backend->statements.describe(expected.statement, BackendStatements::Description::unknown);
  if (expected.sets) x_.settings.ended(outcome == Outcome::done && !std::exchange(query_failed_, false));
  if (expected.listens && x_.listen) x_.listen->ended();
  if (expected.holds && x_.backend != nullptr) end_held(expected, outcome);
  if (expected.reply == Reply::query && expected.fate == Fate::mute) end_own_query();
  // While a name is made or dropped nothing else is sent, so this was it.
  if (x_.naming && x_.tracker.idle()) x_.end_naming();
}

// What the backend holds now.
void ReplyPath::end_held(const Expected& expected, Outcome outcome) {
  BackendStatements& held = x_.backend->statements;
  const StatementRef& statement = expected.statement;
  const bool replayed =
      statement && statement->by_sql && expected.fate != Fate::forward && expected.reply != Reply::close;
  if (replayed)
    held.end_parse(statement, std::exchange(own_prepare_failed_, false) ? Outcome::failed : outcome);
  if (replayed && expected.reply != Reply::query) return;
  const bool named = statement && !statement->server_name.empty();
  if (expected.reply == Reply::parse && outcome == Outcome::done)
    x_.pool->counters(x_.worker).server_parses.add();
  if (expected.reply == Reply::query || !named) {
    held.end_unnamed(expected.reply == Reply::parse ? statement : nullptr, outcome);
  } else if (expected.reply == Reply::parse) {
    held.end_parse(statement, outcome);
  } else {
    held.end_close(statement, outcome);
  }
}

void ReplyPath::inject(const Expected& expected) {
  due_.push_back(expected.reply == Reply::parse ? BackendType::ParseComplete : BackendType::CloseComplete);
  if (!receiving_) write_due();
}

}  // namespace pgweir
