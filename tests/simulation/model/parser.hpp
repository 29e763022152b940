// Parses a whole text into statements. Throws 42601 where PostgreSQL's grammar would, as far as the model can
// tell: for an unknown first word. Everything else that it does not know is "model does not understand".
#pragma once

#include <string_view>
#include <vector>

#include "protocol/sql_tokenizer.hpp"
#include "tests/simulation/model/syntax.hpp"

namespace pgweir::simulation {

std::vector<StatementPtr> parse_statements(std::string_view text, SqlDialect dialect);

}  // namespace pgweir::simulation
