// The names of custom settings (names with a dot) in statements whose CommandComplete tag does not tell what
// they set. The server does not list such settings, so that it has to be asked for each by its name. Pure;
// any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgweir {

// Adds the names in a text, by a literal in a call of set_config or after SET. False: there may be others.
// `bound`: a name that is a parameter ($1) does not count as missing, because the caller has read its value.
bool find_custom_names(std::string_view text, bool bound, std::vector<std::string>& names);

// For a function that may set what its arguments name: adds those values, and those literals of a text, that
// can be names. False: there are too many of them.
bool guess_bound_name(std::vector<std::string>& names, std::string_view value);
bool guess_custom_names(std::vector<std::string>& names, std::string_view text);

// The most names that are guessed in one transaction: any value with a dot may look like one.
inline constexpr std::size_t guessed_names_max = 4'096;
// Adds a name to a sorted list unless it is there. A session has as many as it has set, as on the server.
void remember_name(std::vector<std::string>& names, std::string name);

}  // namespace pgweir
