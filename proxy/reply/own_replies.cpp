#include "proxy/reply/own_replies.hpp"

#include <array>

#include "protocol/backend.hpp"
#include "protocol/sqlstate.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/reply/parameter_teller.hpp"

namespace pgweir {
namespace {

// False: a column is null, or there is another number of columns.
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

void OwnReplies::take_row(const Piece& piece) {
  if (x_.own.empty()) return;
  const OwnQuery which = x_.own.front();
  if (which != OwnQuery::check && which != OwnQuery::sources && which != OwnQuery::triggers) return;
  // A row that arrived in several reads is put together first.
  const ByteView body = piece.body();
  row_.insert(row_.end(), body.begin(), body.end());
  if (!piece.last) return;
  const ByteBuffer whole = std::exchange(row_, {});
  std::array<std::string_view, 5> texts;
  const std::size_t wanted = which == OwnQuery::triggers ? 1 : which == OwnQuery::check ? 2 : 5;
  if (!read_texts(whole, {texts.data(), wanted})) return;
  if (which == OwnQuery::check) {
    take_state_row(texts[0], texts[1], {x_.commons->user(), x_.backend->default_role}, x_.own.answer);
  } else if (which == OwnQuery::triggers) {
    x_.code.trigger_names.emplace_back(texts[0]);
  } else {
    x_.code.sources.push_back({std::string(texts[0]), std::string(texts[1]), std::string(texts[2]),
                               std::string(texts[3]), std::string(texts[4])});
  }
}

void OwnReplies::take_error(const Expected& failed, const ErrorView& error) {
  x_.own.error =
      std::make_unique<OwnError>(OwnError{std::string(error.code()), std::string(error.message())});
  if (failed.statement && failed.statement->by_sql) prepare_failed_ = true;
  if (failed.reply != Reply::query || x_.own.empty()) return;
  switch (x_.own.front()) {
    case OwnQuery::prelude:
      events_.insert(ReplyEvent::prelude_failed);
      return;
    case OwnQuery::check:
      (error.code() == sqlstate::query_canceled ? x_.own.cancelled : x_.own.failed) = true;
      return;
    case OwnQuery::last_value:
      // This is the error of lastval() in a session in which no sequence was advanced.
      x_.own.has_last_value = error.code() != sqlstate::object_not_in_prerequisite_state;
      return;
    case OwnQuery::triggers:
    case OwnQuery::sources:
      x_.code.sources_failed = true;
      return;
    case OwnQuery::rollback:
      // The cancel for what the client had left running may hit the ROLLBACK; it is sent again where needed.
      x_.own.failed = x_.own.failed || error.code() != sqlstate::query_canceled;
      return;
    case OwnQuery::reset_settings:
    case OwnQuery::reset:
      x_.own.failed = true;
      return;
    case OwnQuery::no_op:
      return;
  }
}

void OwnReplies::end() {
  if (x_.own.empty()) return;
  switch (x_.own.end_oldest()) {
    case OwnQuery::check:
      return events_.insert(ReplyEvent::state_answered);
    case OwnQuery::last_value:
      return events_.insert(ReplyEvent::last_value_answered);
    case OwnQuery::triggers:
      return events_.insert(ReplyEvent::triggers_answered);
    case OwnQuery::sources:
      return events_.insert(ReplyEvent::sources_answered);
    case OwnQuery::prelude:
      if (!events_.contains(ReplyEvent::prelude_failed)) ParameterTeller(x_).tell();
      return;
    case OwnQuery::reset_settings:
    case OwnQuery::rollback:
    case OwnQuery::reset:
    case OwnQuery::no_op:
      return;
  }
}

}  // namespace pgweir
