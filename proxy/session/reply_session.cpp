// What the server tells about the session: parameters, command tags, notifications, and the answers to our
// own queries.
#include <array>
#include <span>

#include "protocol/backend.hpp"
#include "protocol/notification.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "protocol/startup.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/reply_path.hpp"
#include "proxy/state/schema_tags.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

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

}  // namespace

void ReplyPath::take_parameter(const Piece& piece) {
  ParameterStatusView status;
  if (parse_parameter_status(piece.body(), status) != Errc::ok) return;
  SettingsMemo& memo = x_.worker.settings_memo();
  x_.backend->parameters = memo.with(x_.backend->parameters, status.name, status.value);
  // During a prelude the values pass through states that this client never had.
  if (is_own() || !x_.greeted) return;
  const std::string_view value = value_for_client(status);
  const auto known = x_.view->find(status.name);
  if (known != x_.view->end() && known->second == value) return;
  x_.use_view(memo.with(x_.view, status.name, value));
  if (value.data() == status.value.data()) return forward(piece);
  x_.batch.answered = true;
  write_parameter_status(x_.worker.to_client().own(), status.name, value);
  x_.worker.to_client().end_own();
}

// What a RESET gives back to the client is applied after it, and told before it is over.
void ReplyPath::tell_restored() {
  SettingMap client_knows = *x_.view;
  for (auto& [name, value] : client_knows) {
    const std::uint32_t restores = x_.watch.restores_now;
    if (restores != resets_all && restores != StatementMap::hash_of(ascii_lower(name))) continue;
    const auto greeted = x_.greeting->find(name);
    if (greeted == x_.greeting->end() || greeted->second == value || !x_.startup->contains(ascii_lower(name)))
      continue;
    value = greeted->second;
    write_parameter_status(x_.worker.to_client().own(), name, value);
    x_.worker.to_client().end_own();
  }
  x_.use_view(x_.worker.interner().intern(std::move(client_knows)));
}

// A RESET on the server returns to its default. The client's is what it brought at startup, and what its next
// transaction will find.
std::string_view ReplyPath::value_for_client(const ParameterStatusView& status) const {
  const bool follows_role = status.name == "is_superuser" && x_.startup->contains("role");
  const bool brought = follows_role || x_.startup->contains(ascii_lower(status.name));
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
  if (changes_schema(tag)) {
    x_.watch.changed_schema = true;
    x_.pool->schema_version()->change();
  }
  const bool hidden =
      !oldest->sets && x_.settings.follows_control() && (tag == "COMMIT" || tag == "ROLLBACK");
  if (hidden) x_.settings.doubt({});  // by a text that nobody has read
  const bool resets = oldest->resets != 0 || tag == "RESET" || tag == "DISCARD ALL";
  if (resets && oldest->reply == Reply::query) x_.watch.resets_now = true;
  if (oldest->resets != 0) x_.watch.restores_now = oldest->resets;
  if (x_.watch.changed_functions) {
    x_.watch.made_code = true;
    x_.pool->code().forget();
  }
  // A name that is not the client's may be one of ours: the server tells what is left.
  if (tag == "DEALLOCATE" && x_.naming_name.empty()) x_.watch.note_begin({Pin::sql_prepare}, tag);
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
  std::array<std::string_view, 4> texts;
  const std::size_t wanted = which == OwnQuery::triggers ? 1 : which == OwnQuery::check ? 2 : 4;
  if (!read_texts(whole, {texts.data(), wanted})) return;
  if (which == OwnQuery::check) {
    take_state_row(texts[0], texts[1], {x_.pool->user(), x_.backend->default_role}, x_.answer);
  } else if (which == OwnQuery::triggers) {
    x_.trigger_names.emplace_back(texts[0]);
  } else {
    x_.sources.push_back(
        {std::string(texts[0]), std::string(texts[1]), std::string(texts[2]), std::string(texts[3])});
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

}  // namespace pgweir
