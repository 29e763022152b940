// The value of a SET statement as the string that PostgreSQL makes of it. Internal to protocol/.
#pragma once

#include "protocol/sql_cursor.hpp"
#include "protocol/sql_set.hpp"

namespace pgweir {

// At what follows TO or =, with out.name known: fills in the value or the action set_default, and reads the
// statement to its end. False when the text holds a second statement.
[[nodiscard]] bool read_set_value(SqlCursor& cursor, SetStatement& out);

}  // namespace pgweir
