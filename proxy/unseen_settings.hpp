// Statements whose CommandComplete tag does not tell that they changed a setting. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_verb.hpp"

namespace pgweir {

// Cheap enough for every statement: looks for the words set_config, and at the verbs DO and CALL.
bool may_set_unseen(std::string_view text, VerbSet verbs);

// The custom settings (names with a dot) that calls of set_config name by a literal. False: there may be
// others, whose names the text does not show; the server does not list them either.
bool find_custom_names(std::string_view text, VerbSet verbs, std::vector<std::string>& names);

}  // namespace pgweir
