// Whether a function can leave state behind in its session, judged by its source.
//
// SQL and PL/pgSQL are read token by token, without a grammar: what could be a statement that leaves
// something behind counts as one. Dynamic SQL, other languages, and SQL that is given as text to other
// functions cannot be read. Functions in C are known by their library, see c_libraries.hpp. What the text does not
// show is trusted, see function_call.hpp; above all, data changes fire triggers. Transaction-local
// settings and what a function sets for itself (CREATE FUNCTION ... SET) are gone at the end, and are
// harmless. So are sequences' values, although currval() shows them later: SqlFact::sequence_value is about
// them.
//
// A body's strings depend on standard_conforming_strings: both readings count. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "protocol/sql_tokenizer.hpp"
#include "proxy/code/function_effects.hpp"
#include "proxy/code/function_source.hpp"

namespace pgweir {

// A body that calls more functions than this cannot be judged.
inline constexpr std::size_t body_calls_max = 1'024;

// What the body itself does. The functions that it calls, and that have to be judged as well, are added to
// `calls`, each once, by their names without schema.
FunctionEffects judge_body(const FunctionSource& source, std::vector<std::string>& calls);

// The same for the code of a DO; `tokens` stands after the word DO.
FunctionEffects judge_do(SqlTokenizer tokens, std::vector<std::string>& calls);

}  // namespace pgweir
