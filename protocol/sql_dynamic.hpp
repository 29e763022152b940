// SQL in strings that runs or drops a prepared statement by its name: EXECUTE 'execute q(1)' in the code of a DO, or
// select run('execute q(1)'). Pure; any thread.
#pragma once

#include <string_view>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {

// Whether this, which code may run as SQL, is EXECUTE or DEALLOCATE of a prepared statement, EXPLAIN EXECUTE or the like, or
// the beginning of one: format() and || put texts together.
bool is_named_statement(std::string_view sql);

// Whether one of the text's strings is, or one in a string that is code itself. More is found than there is: a
// string may be anything.
bool gives_named_statement(std::string_view text, SqlDialect dialect = {});

}  // namespace pgweir
