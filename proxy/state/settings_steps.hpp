// What the text of a statement, with the values that were bound to it, does to settings: steps for a
// SettingsJournal. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/frontend.hpp"
#include "protocol/sql_set.hpp"
#include "protocol/sql_set_config.hpp"
#include "protocol/sql_verb.hpp"
#include "proxy/state/settings_journal.hpp"

namespace pgweir {

// The values of one whole Bind, by their numbers.
class BoundValues {
 public:
  // `rest` as in BindView; `declared`: the types that the client's Parse declared, or the server has told.
  BoundValues(ByteView rest, ByteView declared) : rest_(rest), declared_(declared) {}

  // The text of $`number`; nullopt: it is null, is not there, or is not known to be a text.
  std::optional<std::string_view> text(unsigned number) const;
  std::optional<bool> boolean(unsigned number) const;

 private:
  struct Value {
    std::uint32_t type = 0;  // 0: the server has to infer it
    bool is_binary = false;
    std::string_view bytes;
  };
  std::optional<Value> value(unsigned number) const;

  ByteView rest_;
  ByteView declared_;
};

// How the client's texts are to be read.
struct TextRules {
  bool utf8 = true;        // they are UTF-8
  bool utf8_names = true;  // so is the server's encoding, so that names mean what they look like
};

// The steps of a statement that is a SET or RESET, or is not understood as one (null).
void add_set(const SetStatement* set, const TextRules& rules, SettingsStep& out);
// The steps of a statement that calls set_config(). `values`: null for a simple Query.
void add_set_config(const SetConfigUse& use, const BoundValues* values, const TextRules& rules,
                    SettingsStep& out);
// The steps of a statement that ends a transaction or moves between savepoints; none for all others.
void add_control(std::string_view text, SettingsStep& out);

// Statements that add_control() understands.
inline constexpr VerbSet control_verbs{Verb::commit, Verb::end,       Verb::rollback,
                                       Verb::abort,  Verb::savepoint, Verb::release};

}  // namespace pgweir
