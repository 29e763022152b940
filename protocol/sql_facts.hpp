// What the text tells but tags do not: calls and clauses that may leave state in the server session. One pass
// over a whole query string, all of its statements, without a grammar. A fact may be reported where there is
// none (then a check of the server costs a query), and is missed only where the text does not show it: inside
// functions, views, triggers, operators, casts and attributes (row.f); for tables created while search_path
// starts with pg_temp; and for calls_unknown_function where a user's function has the name of a built-in one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/sql_scan.hpp"
#include "protocol/sql_tokenizer.hpp"

namespace pgweir {

enum class SqlFact : std::uint16_t {
  set_config = 1U << 0,
  session_advisory_lock = 1U << 1,  // pg_advisory_lock, pg_try_advisory_lock and their _shared forms
  advisory_unlock = 1U << 2,        // pg_advisory_unlock, _shared, _all
  sequence_value = 1U << 3,         // currval, lastval
  nextval_or_setval = 1U << 4,
  creates_temporary = 1U << 5,  // CREATE TEMP ..., SELECT INTO TEMP, any name that starts with pg_temp
  declares_cursor_with_hold = 1U << 6,
  calls_unknown_function = 1U << 7,  // not a built-in one without session effect; also DO
  listens = 1U << 8,
  loads = 1U << 9,
  copies_from_stdin = 1U << 10,
  copies_to_stdout = 1U << 11,
  undecided = 1U << 12,  // the text could not be followed to its end: assume all of them
  // A built-in function, or a well-known one of an extension, whose effect lasts as long as the connection
  // and that the server does not show: setseed, dblink_connect, replication origins, backups.
  keeps_hidden_state = 1U << 13,
  selects_into = 1U << 14,  // SELECT ... INTO, which creates a table
};

class SqlFacts {
 public:
  constexpr void insert(SqlFact f) { bits_ |= static_cast<std::uint16_t>(f); }
  constexpr bool contains(SqlFact f) const { return (bits_ & static_cast<std::uint16_t>(f)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr SqlFacts operator|(SqlFacts o) const {
    SqlFacts r;
    r.bits_ = static_cast<std::uint16_t>(bits_ | o.bits_);
    return r;
  }
  constexpr bool operator==(const SqlFacts&) const = default;

 private:
  std::uint16_t bits_ = 0;
};

// Text inside CREATE FUNCTION, PREPARE and EXPLAIN counts like any other: keep a PREPARE's facts for its
// EXECUTE.
SqlFacts scan_facts(std::string_view sql, SqlDialect dialect = {});

// False: the text shows no fact but, perhaps, the verbs' (DO, LISTEN, LOAD, COPY). This is one look at each
// byte and at each name before a parenthesis, so that most queries need no scan.
bool may_have_facts(std::string_view sql);

// Iterates the names directly followed by "(" outside strings and comments. These are function calls, and
// also keywords (IN, VALUES), types (varchar) and tables with a column list.
class FunctionCalls {
 public:
  explicit FunctionCalls(std::string_view sql, SqlDialect dialect = {}) : tokens_(sql, dialect) {}
  // The last part of the name, raw (a word or a quoted identifier), and where it stands.
  [[nodiscard]] bool next(Token& name);

 private:
  SqlTokenizer tokens_;
};

// Whether a word in front of "(", folded, without a schema and not quoted, is a function of pg_catalog that leaves
// nothing behind in the session, or a keyword or type that is written like a call. Only what it is in PostgreSQL
// 13 to 18 alike counts. Defined in sql_builtins.cpp.
bool is_harmless_builtin(std::string_view name);
// The same for a name that is quoted, or has pg_catalog in front: never a keyword.
bool is_harmless_function(std::string_view name);

}  // namespace pgweir
