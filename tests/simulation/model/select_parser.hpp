// Parses SELECT and the names of relations.
#pragma once

#include "tests/simulation/model/lexer.hpp"
#include "tests/simulation/model/syntax.hpp"

namespace pgweir::simulation {

ObjectName parse_object_name(LexemeCursor& in);
// From the word SELECT on.
Select parse_select(LexemeCursor& in);
// The same as a statement with its own text.
StatementPtr parse_select_statement(LexemeCursor& in);

}  // namespace pgweir::simulation
