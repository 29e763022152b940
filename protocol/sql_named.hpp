// SQL-level prepared statements (PREPARE, EXECUTE, DEALLOCATE) and DISCARD, read from the text of one
// statement, with or without its semicolon. nullopt: it is none of these, or its name depends on the server's
// encoding or on U&"..." escapes: then the statement must be left to a pinned backend. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {

enum class NamedVerb : std::uint8_t { prepare, execute, deallocate, deallocate_all };

struct NamedStatement {
  NamedVerb verb = NamedVerb::prepare;
  // The name, folded or unquoted, and cut, as PostgreSQL would do it: the same name as in a Parse message.
  // Empty for deallocate_all.
  std::string name;
  // Where the name stands in the text, with its quotes: replace these bytes to rename the statement.
  std::size_t name_offset = 0;
  std::size_t name_size = 0;
  // PREPARE: the types between the parentheses, without them (empty when there are none) and the statement
  // after AS. EXECUTE: the arguments between the parentheses, and an empty body. Views into the text.
  std::string_view arguments;
  std::string_view body;
};

// PREPARE name [(types)] AS body; EXECUTE name [(arguments)]; DEALLOCATE [PREPARE] {name | ALL}.
// Not PREPARE TRANSACTION.
std::optional<NamedStatement> parse_named(std::string_view text, SqlDialect dialect = {});

// EXECUTE name wherever one statement can hold it: alone, after EXPLAIN, in CREATE TABLE ... AS EXECUTE name.
struct ExecutedName {
  bool found = false;                       // the statement runs a prepared statement
  std::optional<NamedStatement> statement;  // nullopt although found: its name could not be read
};
ExecutedName executes_named(std::string_view text, SqlDialect dialect = {});

enum class DiscardTarget : std::uint8_t { all, plans, sequences, temporary };
std::optional<DiscardTarget> parse_discard(std::string_view text, SqlDialect dialect = {});

}  // namespace pgweir
