// The statements of a query string: where each ends, and which verb each starts with. Splits where PostgreSQL
// does: at semicolons outside parentheses (CREATE RULE ... DO (a; b)) and outside SQL-standard function
// bodies (CREATE FUNCTION ... BEGIN ATOMIC a; b; END). Text that PostgreSQL would refuse as a whole may be
// split anyhow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/bytes.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "protocol/sql_verb.hpp"

namespace pgweir {

// Follows one query string token by token and knows where its statements start and end.
class StatementTracker {
 public:
  enum class Step : std::uint8_t {
    inside,    // the token belongs to the running statement
    verb,      // so it does, and it decides the statement's verb, see verb()
    boundary,  // a semicolon that ends the statement (which may have been empty)
  };
  // `word` is the text of a word, and ignored for every other kind.
  Step note(TokenKind kind, std::string_view word);
  // The verb of the running statement; empty while only opening parentheses were seen.
  Verb verb() const { return verb_; }

 private:
  // How much of CREATE [OR REPLACE] {FUNCTION | PROCEDURE} ... BEGIN ATOMIC was seen.
  enum class Routine : std::uint8_t { start, create, create_or, create_or_replace, routine, begin, no };

  Step start_statement(TokenKind kind, std::string_view word);
  void follow_routine(std::string_view word);

  Verb verb_ = Verb::empty;
  Routine routine_ = Routine::start;
  bool body_statement_starts_ = false;  // at the start of a statement in a BEGIN ATOMIC body
  std::size_t parens_ = 0;              // open parentheses
  std::size_t bodies_ = 0;              // open BEGIN ATOMIC bodies
};

struct SqlStatement {
  Verb verb = Verb::empty;
  std::string_view text;  // from the first token to the last, without the semicolon; a view into the string
};

// Iterates the statements of a string; empty ones are skipped, as PostgreSQL does.
//   StatementSplitter s(sql); SqlStatement st; while (s.next(st)) ...
class StatementSplitter {
 public:
  explicit StatementSplitter(std::string_view sql, SqlDialect dialect = {})
      : sql_(sql), tokens_(sql, dialect), undecided_from_(sql.size()) {}
  [[nodiscard]] bool next(SqlStatement& out);

 private:
  std::string_view sql_;
  SqlTokenizer tokens_;
  StatementTracker tracker_;
  std::size_t undecided_from_;  // start of the text that could not be followed
};

// Whether the string holds at most one statement, and begins with it; trailing semicolons do not count. It tokenizes
// only if there is a semicolon before the last byte.
bool is_single_statement(std::string_view sql, SqlDialect dialect = {});

// All verbs of a string (empty when it holds no statement).
VerbSet verbs_of(std::string_view sql, SqlDialect dialect = {});

}  // namespace pgweir
