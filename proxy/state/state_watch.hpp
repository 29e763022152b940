// What the statements since the last settled moment may have done to their session, as far as texts and tags
// tell. Owned by a session. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/sql_effects.hpp"
#include "protocol/sql_set.hpp"
#include "proxy/state/pin_rules.hpp"

namespace pgweir {

// All that is forgotten at once.
struct StateMarks {
  unsigned set_tags = 0;    // CommandComplete SET or RESET
  unsigned known_sets = 0;  // statements that have one, as far as texts tell
  bool discarded_all = false;
  bool restored = false;    // the client's startup settings were applied after a RESET
  bool reset_seen = false;  // CommandComplete RESET or DISCARD ALL
  // The same of the Query that is being answered, and which startup settings come back after it, see
  // Expected::resets.
  bool resets_now = false;
  std::uint32_t restores_now = 0;
  bool unseen = false;         // something ran that may have changed any setting
  bool unknown_names = false;  // and they may be custom ones, which the server does not list
  bool failed = false;         // an error was seen: some of the statements did not happen
  PinSet may_have_begun;
  PinSet may_have_ended;
  bool advances_sequence = false;  // it may have: a column's default, a trigger, a function
  bool advanced_sequence = false;  // its text says so
  bool discarded_sequences = false;
  bool inserted_discard = false;  // we have sent a DISCARD SEQUENCES
  bool changed_defaults = false;  // ALTER ROLE or ALTER DATABASE, perhaps with SET
  bool changed_functions = false;
  bool made_code = false;  // in this transaction, at any time: what it has called may be gone or replaced
  bool changed_schema = false;  // what texts mean, perhaps
};

struct StateWatch : StateMarks {
  std::optional<SetStatement> set;  // of the last statement, if its text is a plain SET or RESET
  std::string cause;                // the first words of what raised the first suspicion

  void clear() {
    static_cast<StateMarks&>(*this) = {};
    set.reset();
    cause.clear();
  }

  // Settings may have changed in a way that the session's SettingsJournal does not tell.
  bool sets_unknown() const { return unseen || restored || set_tags > known_sets; }
  // Anything at all that a client's leaving must not leave behind.
  bool touched() const { return discarded_all || sets_unknown() || !may_have_begun.empty(); }

  void note_begin(PinSet pins, std::string_view text) {
    if (pins.empty()) return;
    may_have_begun.insert(pins);
    if (cause.empty()) cause = leading_words(text);
  }
  void note_tag(std::string_view tag);
};

}  // namespace pgweir
