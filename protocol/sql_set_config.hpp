// The calls of set_config() in a text: which settings they change, to what, and whether for longer than the
// transaction. It is never wrong, but may be undecided. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {

// One argument, as far as the text shows it.
struct ConfigArgument {
  enum class Kind : std::uint8_t {
    literal,    // `text` is its value; true and false are "true" and "false"
    parameter,  // $`number`
    null,       // NULL: set_config() then resets the setting
    name,       // an identifier, folded, in `text`: in a function's body perhaps one of its arguments
    other,      // an expression
  };
  Kind kind = Kind::other;
  std::string text;
  unsigned number = 0;
};

struct SetConfigCall {
  ConfigArgument name;
  ConfigArgument value;
  ConfigArgument is_local;
};

struct SetConfigUse {
  // The calls that could be read. A name is in them as the text has it, not folded.
  std::vector<SetConfigCall> calls;
  // The text names set_config somewhere else, too: in a string that may be run as code, or in a call that
  // could not be read.
  bool hides_calls = false;
  // Each call is made exactly once if the statement succeeds: the statement is SELECT set_config(...) [,
  // set_config(...)] and nothing else, aliases left aside.
  bool is_plain = false;
};

// `text`: one statement or several, or a function's body.
SetConfigUse find_set_config(std::string_view text, SqlDialect dialect = {});

// SELECT name(argument, ...) and nothing else, an alias left aside: the function is called exactly once.
struct PlainCall {
  std::string name;  // as PostgreSQL compares it, without its schema
  std::vector<ConfigArgument> arguments;
};
std::optional<PlainCall> read_plain_call(std::string_view text, SqlDialect dialect = {});

// Whether the token is the function's name, wherever it is in the text.
bool names_set_config(const Token& token);

// The value of a boolean literal: PostgreSQL's spellings of true and false, without abbreviations.
std::optional<bool> boolean_value(std::string_view text);

}  // namespace pgweir
