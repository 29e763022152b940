#include "protocol/sql_listen.hpp"

#include <algorithm>
#include <array>

#include "protocol/sql_cursor.hpp"
#include "protocol/sql_named.hpp"
#include "protocol/sql_scan.hpp"

namespace pgweir {

namespace {

// Keywords that are not names of channels or savepoints unless they are quoted: those that pg_get_keywords()
// of PostgreSQL 15 to 18 lists as reserved, entirely or but for functions and types. Sorted.
constexpr std::array<std::string_view, 101> reserved_words = {"all",
                                                              "analyse",
                                                              "analyze",
                                                              "and",
                                                              "any",
                                                              "array",
                                                              "as",
                                                              "asc",
                                                              "asymmetric",
                                                              "authorization",
                                                              "binary",
                                                              "both",
                                                              "case",
                                                              "cast",
                                                              "check",
                                                              "collate",
                                                              "collation",
                                                              "column",
                                                              "concurrently",
                                                              "constraint",
                                                              "create",
                                                              "cross",
                                                              "current_catalog",
                                                              "current_date",
                                                              "current_role",
                                                              "current_schema",
                                                              "current_time",
                                                              "current_timestamp",
                                                              "current_user",
                                                              "default",
                                                              "deferrable",
                                                              "desc",
                                                              "distinct",
                                                              "do",
                                                              "else",
                                                              "end",
                                                              "except",
                                                              "false",
                                                              "fetch",
                                                              "for",
                                                              "foreign",
                                                              "freeze",
                                                              "from",
                                                              "full",
                                                              "grant",
                                                              "group",
                                                              "having",
                                                              "ilike",
                                                              "in",
                                                              "initially",
                                                              "inner",
                                                              "intersect",
                                                              "into",
                                                              "is",
                                                              "isnull",
                                                              "join",
                                                              "lateral",
                                                              "leading",
                                                              "left",
                                                              "like",
                                                              "limit",
                                                              "localtime",
                                                              "localtimestamp",
                                                              "natural",
                                                              "not",
                                                              "notnull",
                                                              "null",
                                                              "offset",
                                                              "on",
                                                              "only",
                                                              "or",
                                                              "order",
                                                              "outer",
                                                              "overlaps",
                                                              "placing",
                                                              "primary",
                                                              "references",
                                                              "returning",
                                                              "right",
                                                              "select",
                                                              "session_user",
                                                              "similar",
                                                              "some",
                                                              "symmetric",
                                                              "system_user",
                                                              "table",
                                                              "tablesample",
                                                              "then",
                                                              "to",
                                                              "trailing",
                                                              "true",
                                                              "union",
                                                              "unique",
                                                              "user",
                                                              "using",
                                                              "variadic",
                                                              "verbose",
                                                              "when",
                                                              "where",
                                                              "window",
                                                              "with"};

bool is_reserved(std::string_view name) {
  return std::binary_search(reserved_words.begin(), reserved_words.end(), name);
}

// Whether a name that identifier_name() has read was longer.
bool was_cut(const Token& token) {
  if (token.kind == TokenKind::word) return token.text.size() > identifier_size_max;
  const std::string_view content = token.text.substr(1, token.text.size() - 2);
  const auto quotes = static_cast<std::size_t>(std::count(content.begin(), content.end(), '"'));
  return content.size() - quotes / 2 > identifier_size_max;
}

bool read_name(SqlCursor& cursor, ListenStep& out) {
  const Token& token = cursor.current();
  if (!identifier_name(token, out.name)) return false;
  if (token.kind == TokenKind::word && is_reserved(out.name)) return false;
  out.name_cut = was_cut(token);
  cursor.advance();
  return true;
}

bool accept_star(SqlCursor& cursor) {
  if (!cursor.at(TokenKind::op) || cursor.current().text != "*") return false;
  cursor.advance();
  return true;
}

// SAVEPOINT before a name is noise; without a name it is the name.
void skip_savepoint_word(SqlCursor& cursor) {
  const TokenKind after = cursor.following().kind;
  if (cursor.at_word("savepoint") && after != TokenKind::end && after != TokenKind::semicolon)
    cursor.advance();
}

// [WORK | TRANSACTION] [AND [NO] CHAIN]
bool finish_transaction_end(SqlCursor& cursor) {
  if (!cursor.accept_word("work")) cursor.accept_word("transaction");
  if (cursor.accept_word("and")) {
    cursor.accept_word("no");
    if (!cursor.accept_word("chain")) return false;
  }
  return cursor.finish();
}

bool parse_rollback(SqlCursor& cursor, ListenStep& out) {
  if (!cursor.accept_word("work")) cursor.accept_word("transaction");
  if (!cursor.accept_word("to")) return finish_transaction_end(cursor);
  out.verb = ListenVerb::rollback_to;
  skip_savepoint_word(cursor);
  return read_name(cursor, out) && cursor.finish();
}

std::optional<ListenStep> step_if(bool understood, ListenStep& step) {
  if (!understood) return std::nullopt;
  return std::move(step);
}

// Reads a statement whose verb says that it matters; the cursor is after the verb.
std::optional<ListenStep> parse_step(Verb verb, SqlCursor& cursor) {
  ListenStep step;
  switch (verb) {
    case Verb::listen:
      step.verb = ListenVerb::listen;
      return step_if(read_name(cursor, step) && cursor.finish(), step);
    case Verb::unlisten:
      step.verb = ListenVerb::unlisten_all;
      if (accept_star(cursor)) return step_if(cursor.finish(), step);
      step.verb = ListenVerb::unlisten;
      return step_if(read_name(cursor, step) && cursor.finish(), step);
    case Verb::savepoint:
      step.verb = ListenVerb::savepoint;
      return step_if(read_name(cursor, step) && cursor.finish(), step);
    case Verb::release:
      step.verb = ListenVerb::release;
      skip_savepoint_word(cursor);
      return step_if(read_name(cursor, step) && cursor.finish(), step);
    case Verb::commit:
    case Verb::end:
      // COMMIT PREPARED ends another transaction than this one.
      if (verb == Verb::commit && cursor.at_word("prepared")) return step;
      step.verb = ListenVerb::commit;
      return step_if(finish_transaction_end(cursor), step);
    case Verb::rollback:
      if (cursor.at_word("prepared")) return step;
      step.verb = ListenVerb::rollback;
      return step_if(parse_rollback(cursor, step), step);
    case Verb::abort:
      step.verb = ListenVerb::rollback;
      return step_if(finish_transaction_end(cursor), step);
    default:
      return step;
  }
}

std::optional<ListenStep> step_of(Verb verb, std::string_view statement, SqlDialect dialect) {
  if (verb == Verb::undecided) return std::nullopt;
  if (verb == Verb::discard && parse_discard(statement, dialect) == DiscardTarget::all)
    return ListenStep{ListenVerb::unlisten_all, {}, false};
  SqlCursor cursor(statement, dialect);
  cursor.advance();
  return parse_step(verb, cursor);
}

}  // namespace

std::optional<ListenStep> parse_listen(std::string_view text, SqlDialect dialect) {
  SqlCursor cursor(text, dialect);
  if (cursor.accept_word("listen")) return parse_step(Verb::listen, cursor);
  if (cursor.accept_word("unlisten")) return parse_step(Verb::unlisten, cursor);
  return std::nullopt;
}

std::optional<std::vector<ListenStep>> listen_steps(std::string_view text, SqlDialect dialect) {
  std::vector<ListenStep> steps;
  StatementSplitter splitter(text, dialect);
  SqlStatement statement;
  while (splitter.next(statement)) {
    if (steps.size() == listen_steps_max) return std::nullopt;
    std::optional<ListenStep> step = step_of(statement.verb, statement.text, dialect);
    if (!step) return std::nullopt;
    steps.push_back(std::move(*step));
  }
  return steps;
}

}  // namespace pgweir
