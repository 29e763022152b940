// What a text would do to a session in transaction mode, and why: the rules by which the request path judges
// what passes through, in words for people. No server is asked, so what only a server can tell stays open and
// is named: the sources of functions and triggers, what a prepared statement contains.
//
// Taken for granted: the text is that of one Query message, in an encoding that contains ASCII and with
// standard_conforming_strings on; the session is not pinned. Any bytes will do. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "proxy/explain/explanation.hpp"

namespace pgweir {

Explanation explain_pin(std::string_view text, const Judgement& judgement);

// "does not pin", "may pin: temporary_object, load"; with what it depends on.
std::string verdict_of(const Explanation& explanation);

}  // namespace pgweir
