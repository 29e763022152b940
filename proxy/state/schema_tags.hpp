// What the tag of a command tells about the database's catalogue. Pure.
#pragma once

#include <string_view>

namespace pgweir {

// Whether the command with this CommandComplete tag may have changed the meaning of texts that are parsed
// afterwards. CREATE TABLE AS and SELECT INTO have the tag of a SELECT.
bool changes_schema(std::string_view tag);

// Whether the command with this CommandComplete tag may have changed what a function's name means. Functions
// can change without such a tag, too: inside of other functions, and on connections that do not go through
// pgweir.
bool changes_functions(std::string_view tag);

}  // namespace pgweir
