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

// Adds a value of a Bind if it can be the name of a custom setting. False: it can be one, but there are too
// many.
bool remember_bound_name(std::vector<std::string>& names, std::string_view value);

// For a function that may set what its arguments name: adds those values, and those literals of a text, that
// can be names.
void guess_bound_name(std::vector<std::string>& names, std::string_view value);
void guess_custom_names(std::vector<std::string>& names, std::string_view text);

// The most custom settings of a session that are followed. Names that were only guessed leave room for
// others.
inline constexpr std::size_t custom_names_max = 256;
inline constexpr std::size_t guessed_names_max = 128;
// Adds a name unless it is there. False: there are too many.
bool remember_name(std::vector<std::string>& names, std::string name);

}  // namespace pgweir
