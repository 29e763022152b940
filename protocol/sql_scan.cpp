#include "protocol/sql_scan.hpp"

#include <algorithm>

namespace pgweir {

StatementTracker::Step StatementTracker::note(TokenKind kind, std::string_view word) {
  if (kind == TokenKind::semicolon && parens_ == 0) {
    if (bodies_ > 0) {
      body_statement_starts_ = true;
      return Step::inside;
    }
    *this = {};
    return Step::boundary;
  }
  if (kind == TokenKind::open_paren) ++parens_;
  if (kind == TokenKind::close_paren && parens_ > 0) --parens_;
  if (verb_ == Verb::empty && kind == TokenKind::open_paren) return Step::inside;
  if (verb_ == Verb::empty) return start_statement(kind, word);
  if (kind == TokenKind::word) {
    follow_routine(word);
  } else {
    body_statement_starts_ = false;
    routine_ = routine_ == Routine::routine || routine_ == Routine::begin ? Routine::routine : Routine::no;
  }
  return Step::inside;
}

StatementTracker::Step StatementTracker::start_statement(TokenKind kind, std::string_view word) {
  verb_ = kind == TokenKind::word ? verb_of(word) : Verb::other;
  routine_ = verb_ == Verb::create ? Routine::create : Routine::no;
  return Step::verb;
}

// The grammar makes this exact: BEGIN ATOMIC can only be the start of a body, every statement in a body ends
// with a semicolon, and none of them can start with END. So CASE ... END needs no attention.
void StatementTracker::follow_routine(std::string_view word) {
  if (body_statement_starts_) {
    body_statement_starts_ = false;
    const bool ends = folded_equals(word, "end");
    if (ends) --bodies_;
    routine_ = !ends && folded_equals(word, "create") ? Routine::create : Routine::no;
    return;
  }
  const bool names_routine =
      routine_ != Routine::no && (folded_equals(word, "function") || folded_equals(word, "procedure"));
  switch (routine_) {
    case Routine::create:
      routine_ = names_routine               ? Routine::routine
                 : folded_equals(word, "or") ? Routine::create_or
                                             : Routine::no;
      return;
    case Routine::create_or:
      routine_ = folded_equals(word, "replace") ? Routine::create_or_replace : Routine::no;
      return;
    case Routine::create_or_replace:
      routine_ = names_routine ? Routine::routine : Routine::no;
      return;
    case Routine::begin:
      if (folded_equals(word, "atomic")) {
        ++bodies_;
        body_statement_starts_ = true;
        routine_ = Routine::no;
        return;
      }
      [[fallthrough]];
    case Routine::routine:
      routine_ = parens_ == 0 && folded_equals(word, "begin") ? Routine::begin : Routine::routine;
      return;
    case Routine::start:
    case Routine::no:
      return;
  }
}

bool StatementSplitter::next(SqlStatement& out) {
  if (undecided_from_ < sql_.size()) {
    out = {Verb::undecided, sql_.substr(undecided_from_)};
    undecided_from_ = sql_.size();
    return true;
  }
  std::size_t start = sql_.size();
  std::size_t end = 0;
  Verb verb = Verb::empty;
  for (;;) {
    const Token token = tokens_.next();
    if (token.kind == TokenKind::end) break;
    if (token.kind == TokenKind::undecided) {
      if (verb == Verb::empty) {
        out = {Verb::undecided, sql_.substr(std::min(start, token.offset))};
        return true;
      }
      undecided_from_ = token.offset;
      break;
    }
    if (tracker_.note(token.kind, token.text) == StatementTracker::Step::boundary) {
      if (verb != Verb::empty) break;
      continue;
    }
    verb = tracker_.verb();
    start = std::min(start, token.offset);
    end = token.offset + token.text.size();
  }
  if (verb == Verb::empty) return false;
  out = {verb, sql_.substr(start, end - start)};
  return true;
}

bool is_single_statement(std::string_view sql, SqlDialect dialect) {
  const std::size_t semicolon = sql.find(';');
  if (semicolon == std::string_view::npos) return true;
  const std::string_view rest = sql.substr(semicolon + 1);
  if (std::all_of(rest.begin(), rest.end(), is_sql_space)) return true;
  StatementSplitter statements(sql, dialect);
  SqlStatement statement;
  if (!statements.next(statement)) return true;
  const bool is_first = sql.data() + semicolon > statement.text.data();
  return is_first && !statements.next(statement);
}

VerbSet verbs_of(std::string_view sql, SqlDialect dialect) {
  VerbSet verbs;
  StatementSplitter statements(sql, dialect);
  for (SqlStatement statement; statements.next(statement);) verbs.insert(statement.verb);
  return verbs;
}

}  // namespace pgweir
