#include "protocol/sql_verb.hpp"

#include <algorithm>
#include <array>

namespace pgweir {

namespace {

constexpr unsigned first_word = static_cast<unsigned>(Verb::abort);

// In the order of the enum, which from `abort` on is alphabetical.
constexpr std::array<std::string_view, verb_count> names = {
    "empty",      "other",    "undecided", "abort",    "alter",   "analyze", "begin",   "call",
    "checkpoint", "close",    "cluster",   "comment",  "commit",  "copy",    "create",  "deallocate",
    "declare",    "delete",   "discard",   "do",       "drop",    "end",     "execute", "explain",
    "fetch",      "grant",    "import",    "insert",   "listen",  "load",    "lock",    "merge",
    "move",       "notify",   "prepare",   "reassign", "refresh", "reindex", "release", "reset",
    "revoke",     "rollback", "savepoint", "security", "select",  "set",     "show",    "start",
    "table",      "truncate", "unlisten",  "update",   "vacuum",  "values",  "with",
};
static_assert(std::is_sorted(names.begin() + first_word, names.end()));

// begins[c] is the first name with letter 'a' + c.
constexpr std::array<std::uint8_t, 27> make_begins() {
  std::array<std::uint8_t, 27> begins{};
  unsigned at = first_word;
  for (unsigned letter = 0; letter < 27; ++letter) {
    while (at < verb_count && static_cast<unsigned>(names[at].front() - 'a') < letter) ++at;
    begins[letter] = static_cast<std::uint8_t>(at);
  }
  return begins;
}
constexpr auto begins = make_begins();

}  // namespace

std::string_view to_string(Verb v) {
  return names[static_cast<unsigned>(v)];
}

Verb verb_of(std::string_view word) {
  if (word.empty()) return Verb::other;
  const unsigned letter = (static_cast<unsigned char>(word.front()) | 0x20U) - 'a';
  if (letter >= 26) return Verb::other;
  for (unsigned i = begins[letter]; i < begins[letter + 1]; ++i) {
    if (folded_equals(word, names[i])) return static_cast<Verb>(i);
  }
  // The other spelling of ANALYZE that PostgreSQL accepts.
  return folded_equals(word, "analyse") ? Verb::analyze : Verb::other;
}

Verb leading_verb(std::string_view sql) {
  // The dialect does not matter: no string can come before the verb.
  SqlTokenizer tokens(sql);
  Token token = tokens.next();
  while (token.kind == TokenKind::semicolon) token = tokens.next();
  while (token.kind == TokenKind::open_paren) token = tokens.next();
  switch (token.kind) {
    case TokenKind::end:
      return Verb::empty;
    case TokenKind::undecided:
      return Verb::undecided;
    case TokenKind::word:
      return verb_of(token.text);
    default:
      return Verb::other;
  }
}

}  // namespace pgweir
