#include "proxy/reply_path.hpp"

#include <array>
#include <span>

#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "protocol/notification.hpp"
#include "protocol/startup.hpp"
#include "proxy/pool.hpp"
#include "proxy/services.hpp"
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

// False: a null, or another number of columns.
bool read_texts(ByteView body, std::span<std::string_view> out) {
  DataRowReader row(body);
  std::uint16_t columns = 0;
  if (row.begin(columns) != Errc::ok || columns != out.size()) return false;
  for (std::string_view& text : out) {
    Column column;
    if (row.next(column) != Errc::ok || column.is_null) return false;
    text = as_text(column.value);
  }
  return true;
}

void write_empty_message(ByteBuffer& out, BackendType type) {
  Writer(out).begin_message(static_cast<char>(type)).end_message();
}

}  // namespace

bool ReplyPath::is_own() const {
  const Expected* oldest = x_.tracker.oldest();
  return oldest != nullptr && oldest->fate == Fate::mute;
}

void ReplyPath::forward(const Piece& piece) {
  if (piece.first && !x_.batch.note_reply(static_cast<BackendType>(piece.type))) return;
  x_.worker.to_client().add_view(piece.bytes);
}

Disposition ReplyPath::take(const Piece& piece) {
  if (piece.first) return take_first(piece);
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
      if (is_own()) return Disposition::taken;
      forward(piece);
      forwarding_rest_ = true;
      return Disposition::taken;
    case BackendType::CommandComplete:
      take_tag(piece);
      break;
    case BackendType::DataRow:
      if (is_own()) take_own_row(piece);
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
  if (std::exchange(x_.watch.changed_functions, false)) x_.pool->forget_functions();
  if (std::exchange(x_.watch.changed_defaults, false)) x_.worker.services().pools.recycle(*x_.pool);
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

// --- Errors

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
  if (oldest->fate == Fate::mute && whole) {
    x_.own_error_code = error.code();
    x_.own_error_message = error.message();
    const bool prelude =
        oldest->reply == Reply::query && !x_.own.empty() && x_.own.front() == OwnQuery::prelude;
    if (oldest->statement && oldest->statement->by_sql) own_prepare_failed_ = true;
    if (prelude) {
      prelude_failed_ = true;
    } else if (oldest->reply == Reply::query && !x_.own.empty() && x_.own.front() == OwnQuery::last_value) {
      x_.has_last_value = error.code() != object_not_in_prerequisite_state;
    } else if (oldest->reply == Reply::query && !x_.own.empty() &&
               (x_.own.front() == OwnQuery::sources || x_.own.front() == OwnQuery::triggers)) {
      x_.sources_failed = true;
    } else if (oldest->reply == Reply::query && !x_.own.empty() && x_.own.front() == OwnQuery::check &&
               error.code() == query_canceled) {
      x_.own_cancelled = true;
    } else if (oldest->reply == Reply::query && !x_.own.empty() && x_.own.front() != OwnQuery::nothing) {
      x_.own_failed = true;
    }
  }
  const std::uint32_t longer = oldest->longer;
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
      !(whole && about && forward_renamed(piece, *about, client_name, longer))) {
    forward(piece);
    forwarding_rest_ = true;
  }
  write_due();
  return Disposition::taken;
}

bool ReplyPath::may_send_again(const Expected& failed) const {
  const Batch& batch = x_.batch;
  return batch.state != Batch::State::none && !batch.answered && !batch.again && !batch.stale &&
         failed.fate == Fate::forward && x_.tracker.status() == TransactionStatus::idle;
}

// The client knows its statement by its own name, not by ours.
bool ReplyPath::forward_renamed(const Piece& piece, const Statement& statement, std::string_view client_name,
                                std::uint32_t longer) {
  const std::string ours = '"' + statement.server_name + '"';
  const bool named =
      !statement.server_name.empty() && as_text(piece.body()).find(ours) != std::string_view::npos;
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

// --- What the server tells about the session

void ReplyPath::take_parameter(const Piece& piece) {
  ParameterStatusView status;
  if (parse_parameter_status(piece.body(), status) != Errc::ok) return;
  note_parameter(*x_.backend, status, x_.worker.services().interner);
  // During a prelude the values pass through states that this client never had.
  if (is_own() || !x_.greeted) return;
  const std::string_view value = value_for_client(status);
  const auto known = x_.view->find(status.name);
  if (known != x_.view->end() && known->second == value) return;
  SettingMap client_knows = *x_.view;
  client_knows.insert_or_assign(std::string(status.name), std::string(value));
  x_.use_view(x_.worker.services().interner.intern(std::move(client_knows)));
  if (value.data() == status.value.data()) return forward(piece);
  x_.batch.answered = true;
  write_parameter_status(x_.worker.to_client().own(), status.name, value);
  x_.worker.to_client().end_own();
}

// What a RESET gives back to the client is applied behind it, and told before it is over.
void ReplyPath::tell_restored() {
  SettingMap client_knows = *x_.view;
  for (auto& [name, value] : client_knows) {
    const std::uint32_t restores = x_.watch.restores_now;
    if (restores != resets_all && restores != StatementMap::hash_of(fold(name))) continue;
    const auto greeted = x_.greeting->find(name);
    if (greeted == x_.greeting->end() || greeted->second == value || !x_.startup->contains(fold(name)))
      continue;
    value = greeted->second;
    write_parameter_status(x_.worker.to_client().own(), name, value);
    x_.worker.to_client().end_own();
  }
  x_.use_view(x_.worker.services().interner.intern(std::move(client_knows)));
}

// A RESET on the server returns to its default. The client's is what it brought at startup, and what its next
// transaction will find.
std::string_view ReplyPath::value_for_client(const ParameterStatusView& status) const {
  const bool follows_role = status.name == "is_superuser" && x_.startup->contains("role");
  const bool brought = follows_role || x_.startup->contains(fold(status.name));
  if (!x_.watch.resets_now || !brought) return status.value;
  const auto greeted = x_.greeting->find(status.name);
  if (greeted == x_.greeting->end()) return status.value;
  const MapRef baseline = x_.pool->logins().baseline();
  if (!baseline) return greeted->second;
  const auto standard = baseline->find(status.name);
  const bool is_default = standard == baseline->end() || standard->second == status.value;
  return is_default ? std::string_view(greeted->second) : status.value;
}

void ReplyPath::tell_parameters() {
  if (!x_.greeted) return;
  if (same(x_.view, x_.backend->parameters)) {
    x_.use_view(x_.backend->parameters);
    return;
  }
  for (const auto& [name, value] : *x_.backend->parameters) {
    const auto known = x_.view->find(name);
    if (known != x_.view->end() && known->second == value) continue;
    write_parameter_status(x_.worker.to_client().own(), name, value);
    x_.worker.to_client().end_own();
  }
  x_.use_view(x_.backend->parameters);
}

void ReplyPath::take_tag(const Piece& piece) {
  std::string_view tag;
  // Not of a statement that we have put between the client's.
  const Expected* oldest = x_.tracker.oldest();
  if (oldest == nullptr || oldest->fate != Fate::forward) return;
  if (parse_command_tag(piece.body(), tag) != Errc::ok) return;
  if (x_.listen && oldest->listens) x_.listen->completed(tag);
  const bool prepares = tag == "PREPARE";
  if (prepares && x_.naming && x_.naming_statement) return take_prepared();
  x_.watch.note_tag(tag);
  const bool resets = oldest->resets != 0 || tag == "RESET" || tag == "DISCARD ALL";
  if (resets && oldest->reply == Reply::query) x_.watch.resets_now = true;
  if (oldest->resets != 0) x_.watch.restores_now = oldest->resets;
  if (x_.watch.changed_functions) x_.pool->forget_functions();
  if (tag == "DEALLOCATE" && !x_.naming_name.empty() && !x_.naming_statement) {
    const StatementRef gone = x_.statements.find(x_.naming_name);
    if (gone) x_.backend->statements.end_close(gone, Outcome::done);
    x_.statements.erase(x_.naming_name);
    x_.naming_name.clear();
  }
  if (tag == "DEALLOCATE ALL" || tag == "DISCARD ALL") {
    x_.statements.clear_named();
    x_.backend->statements.clear();
  }
}

// A PREPARE under a name of ours: it is the client's from here on, on every backend.
void ReplyPath::take_prepared() {
  BackendStatements& held = x_.backend->statements;
  held.begin_parse(x_.naming_statement, x_.tracker.segment());
  held.end_parse(x_.naming_statement, Outcome::done);
  x_.statements.put(x_.naming_name, x_.naming_statement);
}

void ReplyPath::take_own_row(const Piece& piece) {
  if (x_.own.empty()) return;
  const OwnQuery which = x_.own.front();
  if (which != OwnQuery::check && which != OwnQuery::sources && which != OwnQuery::triggers) return;
  // A row that two reads have brought is put together first.
  const ByteView body = piece.body();
  own_row_.insert(own_row_.end(), body.begin(), body.end());
  if (!piece.last) return;
  const ByteBuffer whole = std::exchange(own_row_, {});
  std::array<std::string_view, 3> texts;
  const std::size_t wanted = which == OwnQuery::triggers ? 1 : which == OwnQuery::check ? 2 : 3;
  if (!read_texts(whole, {texts.data(), wanted})) return;
  if (which == OwnQuery::check) {
    take_state_row(texts[0], texts[1], x_.pool->user(), x_.answer);
  } else if (which == OwnQuery::triggers) {
    x_.trigger_names.emplace_back(texts[0]);
  } else {
    x_.sources.push_back({std::string(texts[0]), std::string(texts[1]), std::string(texts[2])});
  }
}

void ReplyPath::end_own_query() {
  if (x_.own.empty()) return;
  const OwnQuery which = x_.own.front();
  x_.own.erase(x_.own.begin());
  if (which == OwnQuery::check) state_answered_ = true;
  if (which == OwnQuery::last_value) last_value_answered_ = true;
  if (which == OwnQuery::triggers) triggers_answered_ = true;
  if (which == OwnQuery::sources) sources_answered_ = true;
  if (which == OwnQuery::prelude && !prelude_failed_) tell_parameters();
}

// What the hub delivers comes from there alone.
void ReplyPath::take_notification(const Piece& piece) {
  NotificationView notification;
  const bool served = x_.listen && piece.whole() &&
                      parse_notification(piece.body(), notification) == Errc::ok &&
                      x_.listen->serves(notification.channel);
  if (served || !x_.greeted) return;
  x_.worker.to_client().add_view(piece.bytes);
  forwarding_rest_ = true;
}

// Right before a ReadyForQuery that goes to the client.
void ReplyPath::settle_listening(TransactionStatus status) {
  x_.listen->settle(status, !x_.tracker.idle() || x_.tracker.unsynced());
  if (status != TransactionStatus::idle) return;
  while (const auto message = x_.listen->take_held()) {
    Writer(x_.worker.to_client().own()).raw(*message);
    x_.worker.to_client().end_own();
  }
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
