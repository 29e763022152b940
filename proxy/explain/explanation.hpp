// What was found out about a text: what it leaves behind, what may pin, what stays open. Pure data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/pin.hpp"
#include "proxy/state/pin_rules.hpp"

namespace pgweir {

enum class EffectKind : std::uint8_t {
  follows,      // the client, to other server connections
  transaction,  // gone when the transaction ends
  may_pin,      // the names are reasons for a pin
  may_unpin,    // the names are reasons for a pin, if there is one
  judged,       // code that the text does not show, or only as a string
  served,       // without a server connection of the client's own
  unclear,      // cannot be judged
  note,
};
std::string_view to_string(EffectKind kind);

// The names come from the text (never literals, but for the names of settings): any bytes, any length.
struct ExplainedEffect {
  EffectKind kind = EffectKind::note;
  std::vector<std::string> names;  // what it is about; may be empty
  std::string text;                // a clause without a full stop
};

// What may pin, although no text shows it.
enum class Doubt : std::uint8_t { functions, triggers, sequence_values, prepared_statements };
std::string_view to_string(Doubt doubt);

struct ExplainedStatement {
  std::string words;                     // its first words, keywords only
  std::vector<ExplainedEffect> effects;  // empty: it leaves nothing behind
  PinSet pins;
  std::set<Doubt> doubts;

  void add(EffectKind kind, std::vector<std::string> names, std::string_view text);
  // `when` is a clause that narrows it; may be empty.
  void add_pin(Pin pin, std::string_view when = {});
};

struct Explanation {
  // More statements are judged, but not told of.
  static constexpr std::size_t statements_max = 1000;

  Judgement judgement;
  std::vector<ExplainedEffect> effects;  // of the text as a whole
  std::vector<ExplainedStatement> statements;
  std::size_t more_statements = 0;
  PinSet pins;
  std::set<Doubt> doubts;

  void add(EffectKind kind, std::string_view text);
};

// What the text as a whole decides.
struct ExplainedText {
  bool alone = true;              // it has no other statement
  bool channels_followed = true;  // its LISTEN and UNLISTEN are understood, all of them
  bool reads_sequences = false;   // currval() or lastval() is called
};

}  // namespace pgweir
