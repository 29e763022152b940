// Which statements may pin a session, and which may end a pin, by their text alone. These are suspicions:
// where the server shows the state (visible_pins), it is asked before a session is pinned for it or released
// from it. What the user's functions do is the FunctionTable's to say. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/sql_effects.hpp"
#include "proxy/base/pin.hpp"

namespace pgweir {

// How far pgweir trusts what it cannot see, see `pool.state` in the configuration.
struct Judgement {
  bool strict = false;  // statements that call or fire what cannot be judged are checked on the server
  bool trust_triggers = false;      // INSERT, UPDATE and the like fire nothing that leaves state behind
  bool trust_unknown_code = false;  // nor do C libraries that are not known here
};

// The pins that a statement with these effects may have begun.
PinSet may_begin(const SqlEffects& effects, const Judgement& judgement);
// The pins of a pinned session that it may have ended.
PinSet may_end(const SqlEffects& effects, const Judgement& judgement);
// The same as told by the CommandComplete tag; tags are exact where texts are not (functions, DO).
PinSet may_begin_by_tag(std::string_view tag);
PinSet may_end_by_tag(std::string_view tag);
// Whether neither text nor tag nor a function's source can be trusted to tell what the statement did,
// settings included.
bool cannot_be_judged(const SqlEffects& effects, const Judgement& judgement);

// Whether the statement may take the next value of a sequence, which currval() and lastval() of the same
// session then show.
bool may_advance_sequence(const SqlEffects& effects);

// Whether the statement may look at a table or a view.
bool reads_relations(const SqlEffects& effects);

// The first words of a statement, for logs: "CREATE TEMP TABLE". There are only keywords in them, never a
// name or a literal.
std::string leading_words(std::string_view text);

}  // namespace pgweir
