#include "proxy/reply/tag_reader.hpp"

#include <string>
#include <utility>

#include "protocol/backend.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/state/schema_tags.hpp"

namespace pgweir {
namespace {

// Nothing follows from the tags that most transactions have. The first letter tells which it can be.
bool is_of_rows(std::string_view tag) {
  switch (tag.empty() ? '\0' : tag[0]) {
    case 'B':
      return tag == "BEGIN";
    case 'D':
      return tag.starts_with("DELETE ");
    case 'I':
      return tag.starts_with("INSERT ");
    case 'S':
      return tag.starts_with("SELECT ");
    case 'U':
      return tag.starts_with("UPDATE ");
    default:
      return false;
  }
}

}  // namespace

void TagReader::take(const Piece& piece) {
  std::string_view tag;
  const Expected* oldest = x_.tracker.oldest();
  if (oldest == nullptr) return;
  if (oldest->fate != Fate::forward) return take_own(piece);
  if (parse_command_tag(piece.body(), tag) != Errc::ok) return;
  if (x_.listen && oldest->changes.contains(Change::channels)) x_.listen->completed(tag);
  const bool is_awaited = oldest->resets_setting != 0 || x_.watch.marks.contains(Mark::changed_functions);
  if (!is_awaited && is_of_rows(tag)) return;
  const bool names = x_.naming && oldest->changes.contains(Change::names_by_sql);
  if (names && x_.naming->statement && tag == "PREPARE") return take_prepared();
  x_.watch.note_tag(tag);
  const bool commits = tag == "COMMIT";
  const bool rolls_back = tag == "ROLLBACK";
  if (rolls_back) {
    x_.undo_temporary();
    x_.tracker.leave_failed();
  }
  note_prepared_changes(tag);
  if (changes_schema(tag)) {
    x_.watch.marks.insert(Mark::changed_schema);
    x_.commons->schema_version()->change();
  }
  // Other clients see it from now on, even where a transaction is open again at the end of the message.
  if (commits && x_.watch.marks.contains(Mark::changed_schema)) x_.commons->schema_version()->change();
  const bool hidden =
      !oldest->changes.contains(Change::settings) && x_.journal.follows_control() && (commits || rolls_back);
  if (hidden) x_.journal.doubt({});  // the text that did this was not readable
  const bool resets = oldest->resets_setting != 0 || tag == "RESET" || tag == "DISCARD ALL";
  if (resets && oldest->reply == Reply::query) x_.watch.marks.insert(Mark::resets_now);
  if (oldest->resets_setting != 0) x_.watch.restores_now = oldest->resets_setting;
  if (x_.watch.marks.contains(Mark::changed_functions)) {
    x_.watch.marks.insert(Mark::made_code);
    x_.commons->code().forget();
  }
  std::string dropped;
  if (tag == "DEALLOCATE" && names && !x_.naming->drops.empty()) {
    dropped = std::move(x_.naming->drops.front());
    x_.naming->drops.erase(x_.naming->drops.begin());
  }
  // The name may be that of another statement: the server tells what is left.
  if (tag == "DEALLOCATE" && dropped.empty()) {
    x_.watch.note_begin({Pin::sql_prepare}, tag);
  } else if (tag == "DEALLOCATE") {
    const StatementRef gone = x_.statements.find(dropped);
    if (gone) x_.backend->statements.end_close(gone, Outcome::done);
    x_.statements.erase(dropped);
  }
  if (tag == "DEALLOCATE ALL" || tag == "DISCARD ALL") {
    x_.statements.clear_named();
    x_.backend->statements.clear();
    // Nothing else is under way, and nothing of the session is left.
    if (tag == "DISCARD ALL" && names) x_.pins.erase({Pin::own_statements});
  }
}

// Of the statements that pgweir puts between the client's, only one has to have taken place: what fails behind it does
// not undo it.
void TagReader::take_own(const Piece& piece) {
  std::string_view tag;
  if (!x_.watch.marks.contains(Mark::inserted_discard)) return;
  if (parse_command_tag(piece.body(), tag) == Errc::ok && tag == "DISCARD SEQUENCES")
    x_.watch.marks.erase(Mark::inserted_discard);
}

// A PREPARE under a name of pgweir's has succeeded: from here on the client has the statement on every
// backend.
void TagReader::take_prepared() {
  BackendStatements& on_backend = x_.backend->statements;
  on_backend.begin_parse(x_.naming->statement, x_.tracker.segment());
  on_backend.end_parse(x_.naming->statement, Outcome::done);
  x_.statements.put(x_.naming->name, x_.naming->statement);
}

// What a transaction has changed that was prepared for two-phase commit takes place later, perhaps by another client.
void TagReader::note_prepared_changes(std::string_view tag) {
  CodeCatalog& code = x_.commons->code();
  if (tag == "PREPARE TRANSACTION" && x_.watch.marks.contains(Mark::changed_functions))
    code.note_prepared_change();
  if (tag == "COMMIT PREPARED" && code.may_commit_change()) x_.watch.marks.insert(Mark::changed_functions);
}

}  // namespace pgweir
