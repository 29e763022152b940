// The sources of functions, as the server keeps them in pg_proc, and when they change. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgweir {

// One row of the answer to sources_query(). A function has one for each of its overloads, and a row in
// language "sql" for the default values of its arguments. An aggregate has one for each of the functions that
// it is made of, all under the aggregate's name.
struct FunctionSource {
  std::string name;
  std::string language;  // as in pg_language, or source_too_long
  std::string body;      // the code; of a C function its name in the library
  // The names of its arguments, with commas between, a bar, and the OIDs of their types; without a bar if it
  // has other than plain ones, or runs under settings of its own.
  std::string arguments{};
  std::string library{};  // of a function in C that is not built in: pg_proc.probin
};

// Stands in place of a language: the body was too long to be sent.
inline constexpr std::string_view source_too_long = "-";
// Takes the place of everything in a body that is not ASCII, so that the answer is the same in every
// client_encoding (some cannot even express it, which would be an error). A name with it is not the whole
// name.
inline constexpr std::string_view not_ascii = "__not_ascii__";
// SQL for a text in which that stands for what is not ASCII: a client_encoding may lack other characters.
std::string replace_non_ascii(std::string_view text);

// SQL for the functions of these names (as identifier_name() gives them) in all schemas, but not for those
// that initdb has made. Its rows are five texts, see FunctionSource. All names are qualified, because the
// session's search_path can be anything. PostgreSQL 13 to 18.
std::string sources_query(const std::vector<std::string>& names);

// Not a function: sources_query() answers it with the functions that run without being named in a statement,
// in the definitions of views, defaults, policies, constraints, indexes, partition keys, extended statistics, the WHEN of
// triggers, operators, operator classes, types and casts, or like a column (row.f). The answer has only those that may
// leave something behind, or are not the server's own. It has those of sequences only in views and policies, where it
// takes no write to run them: column defaults are full of them.
inline constexpr std::string_view definitions_name = "__pgweir_definitions";
// A statement that calls it, for FunctionTable::judge().
inline constexpr std::string_view definitions_call = "SELECT \"__pgweir_definitions\"()";

// The same for the functions of event triggers, which run at DDL.
inline constexpr std::string_view event_triggers_name = "__pgweir_event_triggers";
inline constexpr std::string_view event_triggers_call = "SELECT \"__pgweir_event_triggers\"()";

}  // namespace pgweir
