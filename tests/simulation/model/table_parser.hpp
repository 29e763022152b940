// Parses what makes, changes, fills and copies relations.
#pragma once

#include "tests/simulation/model/lexer.hpp"
#include "tests/simulation/model/syntax.hpp"

namespace pgweir::simulation {

// Each from its first word on.
void parse_create(LexemeCursor& in, Statement& out);
void parse_drop(LexemeCursor& in, Statement& out);
void parse_alter_table(LexemeCursor& in, Statement& out);  // from TABLE on
Insert parse_insert(LexemeCursor& in);
Delete parse_delete(LexemeCursor& in);
Truncate parse_truncate(LexemeCursor& in);
CopyCommand parse_copy(LexemeCursor& in);

}  // namespace pgweir::simulation
