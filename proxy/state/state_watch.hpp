// What the statements since the last settled moment may have done to their session, as far as texts and tags
// tell. Owned by a session. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/enum_set.hpp"
#include "protocol/sql_effects.hpp"
#include "proxy/state/pin_rules.hpp"

namespace pgweir {

// What may have happened to a session since its state was last settled.
enum class Mark : std::uint8_t {
  discarded_all,
  restored,           // the client's startup settings were applied after a RESET
  reset_seen,         // CommandComplete RESET or DISCARD ALL
  resets_now,         // the same in the Query that is being answered
  unseen,             // something ran that may have changed any setting
  unknown_names,      // what changed may be custom settings, which the server does not list
  failed,             // an error was seen: some of the statements did not happen
  advances_sequence,  // a column's default, a trigger or a function may have done it
  advanced_sequence,  // the text says so
  discarded_sequences,
  inserted_discard,  // pgweir has sent a DISCARD SEQUENCES, and has no answer to it
  changed_defaults,  // ALTER ROLE or ALTER DATABASE, perhaps with SET
  changed_functions,
  made_code,       // in this transaction, at any time: code that it has called may be gone or replaced
  changed_schema,  // what texts mean may have changed
  missed_names,    // more values were given to code than are remembered as names of settings
};

using MarkSet = EnumSet<Mark, std::uint16_t>;

struct StateWatch {
  unsigned set_tags = 0;    // CommandComplete SET or RESET
  unsigned known_sets = 0;  // statements that have such a tag, as far as texts tell
  MarkSet marks;
  // Which startup settings come back after the Query that is being answered, see Expected::resets_setting.
  std::uint32_t restores_now = 0;
  PinSet may_have_begun;
  PinSet may_have_ended;
  // Values that code was given and that may be names of custom settings.
  std::vector<std::string> guessed_names;
  std::string cause;  // the first words of what raised the first suspicion

  void clear() {
    set_tags = known_sets = 0;
    marks = {};
    restores_now = 0;
    may_have_begun = may_have_ended = {};
    guessed_names.clear();
    cause.clear();
  }

  // Whether settings may have changed in a way that the session's SettingsJournal does not tell.
  bool sets_unknown() const {
    return marks.contains(Mark::unseen) || marks.contains(Mark::restored) || set_tags > known_sets;
  }
  // Whether anything was noted that a leaving client must not leave behind.
  bool touched() const {
    return marks.contains(Mark::discarded_all) || sets_unknown() || !may_have_begun.empty();
  }

  void note_begin(PinSet pins, std::string_view text) {
    if (pins.empty()) return;
    may_have_begun.insert(pins);
    if (cause.empty()) cause = leading_words(text);
  }
  void note_tag(std::string_view tag);
};

}  // namespace pgweir
