// The names of custom settings (names with a dot) in statements whose CommandComplete tag does not tell what
// they set. The server does not list such settings, so that it has to be asked for each by its name. Pure;
// any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_effects.hpp"

namespace pgweir {

// Adds those that a query string names: by a literal in a call of set_config, or anywhere in the body of a
// DO. False: there may be others.
bool find_custom_names(std::string_view text, const SqlEffects& effects, std::vector<std::string>& names);

// The same for the body of a DO or a function, in SQL or PL/pgSQL.
bool find_custom_names_in_code(std::string_view body, std::vector<std::string>& names);

// Adds a name unless it is there.
void remember_name(std::vector<std::string>& names, std::string name);

}  // namespace pgweir
