// What a text would do to a session in transaction mode, and why: the rules by which the request path judges
// what passes through, in words for people. No server is asked, so what only a server can tell stays open and
// is named: the sources of functions and triggers, what a prepared statement contains.
//
// Taken for granted: the text is that of one Query message, in an encoding that contains ASCII and with
// standard_conforming_strings on; the session is not pinned. Any bytes will do. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/pin.hpp"
#include "proxy/pin_rules.hpp"

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

Explanation explain_pin(std::string_view text, const Judgement& judgement);

// "does not pin", "may pin: temporary_object, load"; with what it depends on.
std::string verdict_of(const Explanation& explanation);

}  // namespace pgweir
