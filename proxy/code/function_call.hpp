// Finds the calls in a text, token by token: names that a parenthesis follows. Tables with a column list,
// types with a length and some words of the grammar look the same; the server, asked for their sources, knows
// none. Out of sight are functions called without a parenthesis: by operators, casts, row.f, views, triggers,
// rules, policies, default values and constraints.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {

enum class CallKind : std::uint8_t {
  none,        // no call, or that of a built-in function without an effect on the session
  fact,        // a function, perhaps the built-in one, for which scan_facts() has a fact of its own
  known,       // a built-in function that find_builtin() knows
  other,       // any other: the server knows it
  unreadable,  // its name depends on the server's encoding
};

class CallTracker {
 public:
  // Of the call that `token` opens.
  CallKind note(const Token& token);
  // Its name as PostgreSQL compares it, without its schema; until the next call.
  const std::string& name() const { return name_; }
  // The token in front of the noted one, while note() has not seen the next.
  const Token& previous() const { return previous_; }

 private:
  void follow(const Token& token);
  CallKind call();
  bool defines() const;

  Token previous_;
  Token before_previous_;
  Token qualifier_;    // in front of previous_, if that is the last part of a qualified name
  Token before_name_;  // the token before the whole name that ends with previous_
  std::string name_;
};

}  // namespace pgweir
