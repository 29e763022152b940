// Parses SET and RESET in all their forms, and what comes after ALTER ROLE or ALTER DATABASE.
#pragma once

#include "tests/simulation/model/lexer.hpp"
#include "tests/simulation/model/syntax.hpp"

namespace pgweir::simulation {

// BEGIN's and SET TRANSACTION's modes.
std::vector<TransactionMode> parse_transaction_modes(LexemeCursor& in);
// From the word SET or RESET on.
void parse_set(LexemeCursor& in, Statement& out);
void parse_reset(LexemeCursor& in, Statement& out);
// From the word ROLE or DATABASE on, behind ALTER.
AlterDefaults parse_alter_defaults(LexemeCursor& in);
std::string parse_setting_name(LexemeCursor& in);

}  // namespace pgweir::simulation
