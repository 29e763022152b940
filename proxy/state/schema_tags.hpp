// What the tag of a command tells about the database's catalogue. Pure.
#pragma once

#include <string_view>

namespace pgweir {

// The command with this CommandComplete tag may have changed what a text means that is parsed afterwards.
// CREATE TABLE AS and SELECT INTO have the tag of a SELECT.
bool changes_schema(std::string_view tag);

// The command with this CommandComplete tag may have changed what a name means. Functions can change without
// such a tag too: inside of other functions, and on connections that do not pass through here.
bool changes_functions(std::string_view tag);

}  // namespace pgweir
