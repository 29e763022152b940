// pgweir's own questions to a server that need more of SQL than the model has. They are known by their text,
// or by how it begins; what they ask about the session is read from their text and answered truly.
//
//   the state of a session   proxy/state/state_check.cpp, in_ascii(): the parts between its parentheses
//   triggers                 proxy/code/unseen_code.cpp: the model has none, so there are no rows
//   sources of functions     proxy/code/function_source.cpp: none either
//   may the role log in      proxy/backend/role_question.hpp: one row about session_user
#pragma once

#include <string_view>
#include <vector>

#include "tests/simulation/model/lexer.hpp"
#include "tests/simulation/model/syntax.hpp"

namespace pgweir::simulation {

// Those that are always the same text, by which they are known: when pgweir asks in another way, the model no
// longer understands it. compare.py asks a PostgreSQL just these.
struct NamedQuestion {
  std::string_view name;
  std::string_view text;
};
std::vector<NamedQuestion> whole_questions();

// False: what comes next is no such question, and `in` is where it was.
bool take_own_question(LexemeCursor& in, Statement& out);

}  // namespace pgweir::simulation
