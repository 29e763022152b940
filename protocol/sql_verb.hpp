// The first word of a statement as an enum, and sets of them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {

// PostgreSQL's command words, with a trailing underscore for words of C++.
enum class Verb : std::uint8_t {
  empty,      // nothing but whitespace, comments and semicolons
  other,      // any other token
  undecided,  // the text could not be followed (see TokenKind::undecided): assume anything
  abort,
  alter,
  analyze,
  begin,
  call,
  checkpoint,
  close,
  cluster,
  comment,
  commit,
  copy,
  create,
  deallocate,
  declare,
  delete_,
  discard,
  do_,
  drop,
  end,
  execute,
  explain,
  fetch,
  grant,
  import_,
  insert_,
  listen,
  load,
  lock,
  merge,
  move,
  notify,
  prepare,
  reassign,
  refresh,
  reindex,
  release,
  reset,
  revoke,
  rollback,
  savepoint,
  security,
  select,
  set,
  show,
  start,
  table,
  truncate,
  unlisten,
  update,
  vacuum,
  values,
  with,
};
inline constexpr unsigned verb_count = static_cast<unsigned>(Verb::with) + 1;
static_assert(verb_count <= 64, "VerbSet is one word");

class VerbSet {
 public:
  constexpr VerbSet() = default;
  // Computed at compile time: a loop over the list would be the most expensive part of looking at a
  // statement.
  consteval VerbSet(std::initializer_list<Verb> verbs) {
    for (Verb v : verbs) insert(v);
  }
  constexpr void insert(Verb v) { bits_ |= bit(v); }
  constexpr bool contains(Verb v) const { return (bits_ & bit(v)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool intersects(VerbSet other) const { return (bits_ & other.bits_) != 0; }
  // True when every verb is one of `other`.
  constexpr bool within(VerbSet other) const { return (bits_ & ~other.bits_) == 0; }
  constexpr bool operator==(const VerbSet&) const = default;

 private:
  static constexpr std::uint64_t bit(Verb v) { return std::uint64_t{1} << static_cast<unsigned>(v); }
  std::uint64_t bits_ = 0;
};

// The command word in lower case; "empty", "other", "undecided".
std::string_view to_string(Verb v);
// Verb::other for a word that does not start a statement.
Verb verb_of(std::string_view word);

// The verb of the first statement; skips whitespace, comments, semicolons and opening parentheses.
Verb leading_verb(std::string_view sql);

}  // namespace pgweir
