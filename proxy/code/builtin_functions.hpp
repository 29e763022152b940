// What PostgreSQL's own functions leave behind in their session, told by their names. Pure; any thread.
#pragma once

#include <string_view>

#include "proxy/code/function_effects.hpp"

namespace pgweir {

// A function that is not written in SQL, judged by its name or by the name of its C function. Harmless unless
// it is one of PostgreSQL's own that leave something behind, or run SQL that is given as text. What those of other
// libraries do is in c_libraries.hpp.
FunctionEffects effects_of_name(std::string_view name);

// The same for a call, where the name is that of a built-in function. False: no built-in function of this
// name is known here.
bool find_builtin(std::string_view name, FunctionEffects& effects);

// Whether scan_facts() has a fact for calls of the function (set_config, nextval, pg_advisory_lock, ...).
bool has_own_fact(std::string_view name);

}  // namespace pgweir
