// Finds the calls in a text, token by token: names that a parenthesis follows. Tables with a column list,
// types with a length and some words of the grammar look the same; asked for their sources, the server has
// none. Calls without a parenthesis are not seen: those by operators, casts, row.f, views, triggers, rules,
// policies, default values and constraints.
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
  other,       // any other: only the server knows it
  unreadable,  // the name depends on the server's encoding
};

class CallTracker {
 public:
  // The kind of the call that `token` opens.
  CallKind note(const Token& token);
  // The called name as PostgreSQL compares it, without its schema; valid until the next call.
  const std::string& name() const { return name_; }
  // The token before the noted one, until note() sees the next.
  const Token& previous() const { return previous_; }

 private:
  void follow(const Token& token);
  CallKind call();
  bool defines() const;

  Token previous_;
  Token before_previous_;
  Token qualifier_;    // before previous_, if that is the last part of a qualified name
  Token before_name_;  // the token before the whole name that ends with previous_
  std::string name_;
};

}  // namespace pgweir
