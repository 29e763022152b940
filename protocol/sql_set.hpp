// What a SET or RESET statement does, read from its text. It is never wrong, but may be undecided: what is
// returned holds for every text that PostgreSQL accepts; for text that it refuses the answer is unspecified
// (the tag SET or RESET never comes).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {

enum class SetScope : std::uint8_t {
  session,
  local,        // SET LOCAL: undone at the end of the transaction
  transaction,  // SET TRANSACTION, SET CONSTRAINTS and the transaction_* settings: no effect on the session
};
enum class SetAction : std::uint8_t {
  set,
  set_default,  // SET x TO DEFAULT; SET TIME ZONE LOCAL; what RESET does, but it obeys the scope
  reset,
  reset_all,  // touches neither role nor session_authorization, nor the transaction_* settings
};

struct SetStatement {
  SetScope scope = SetScope::session;
  SetAction action = SetAction::set;
  // The name in lower case, as PostgreSQL compares names; old spellings are replaced (sort_mem -> work_mem).
  // Two-part names are joined by a dot. Empty for reset_all, SET TRANSACTION and SET CONSTRAINTS, and for SET
  // SESSION CHARACTERISTICS with several modes (then default_transaction_{isolation,read_only,deferrable} may
  // have changed). One that is not ASCII is right only where both the client and the server use UTF-8.
  std::string name;
  // For SetAction::set: the string that set_config(name, value, false) needs for the same effect (for
  // settings that are lists of names, such as search_path, it is quoted where PostgreSQL would). nullopt: ask
  // the server.
  std::optional<std::string> value;
};

// Two settings have effects beyond their value: session_authorization also undoes SET ROLE, and seed restarts
// random(). quote_all_identifiers is taken to be off: with it, SHOW search_path quotes more than `value`
// does, to the same effect.
//
// `text` is one statement, with or without its semicolon. nullopt: it is not a SET or RESET that is
// understood, and not even the name is known. It allocates only for long names and values. Any thread.
std::optional<SetStatement> parse_set(std::string_view text, SqlDialect dialect = {});

}  // namespace pgweir
