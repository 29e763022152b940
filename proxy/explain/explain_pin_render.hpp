// An explanation as text for people and as JSON for programs. Names in it may hold any bytes: neither can
// they reach a terminal as control characters, nor break the JSON. Any thread.
#pragma once

#include <string>

#include "proxy/explain/explain_pin.hpp"

namespace pgweir {

// Lines; the last one is the verdict.
std::string explanation_as_text(const Explanation& explanation, bool colour);
// One line: {"verdict", "may_pin", "depends_on", "mode", "trust_triggers", "effects", "statements",
// "more_statements"}; a statement has "words" and "effects", an effect has "kind", "names" and "text".
std::string explanation_as_json(const Explanation& explanation);

}  // namespace pgweir
