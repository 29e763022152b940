// The C libraries whose functions are known: PostgreSQL's own (contrib, read at 15 and 18) and extensions that managed
// services offer. Most were searched for what they keep in variables of their own, which the server does not show and no
// statement undoes, for settings, session locks and temporary objects, and for SQL that they are given as text; of some
// there is only documentation. docs/c-extensions.md says how each was reviewed. Any other library may leave anything.
// Pure; any thread.
#pragma once

#include <string_view>

#include "proxy/code/function_effects.hpp"

namespace pgweir {

// The library that pg_proc.probin names, without its version ($libdir/postgis-3: postgis); empty if it may not come
// from the server's own directory of libraries, so that its name tells nothing.
std::string_view library_of(std::string_view probin);

// What a function in language "c" leaves behind. `name` is the function's, `symbol` that of its code in the library,
// which superusers can give other names; of one that is not known both count.
FunctionEffects effects_in_library(std::string_view probin, std::string_view symbol, std::string_view name);

}  // namespace pgweir
