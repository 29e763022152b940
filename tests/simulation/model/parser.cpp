#include "tests/simulation/model/parser.hpp"

#include <algorithm>
#include <array>

#include "tests/simulation/model/command_parser.hpp"
#include "tests/simulation/model/own_questions.hpp"
#include "tests/simulation/model/sql_error.hpp"

namespace pgweir::simulation {
namespace {

// Every word that a statement of PostgreSQL begins with.
constexpr std::array<std::string_view, 52> first_words = {
    "abort",  "alter",    "analyze",  "begin",      "call",     "checkpoint", "close",   "cluster", "comment",
    "commit", "copy",     "create",   "deallocate", "declare",  "delete",     "discard", "do",      "drop",
    "end",    "execute",  "explain",  "fetch",      "grant",    "import",     "insert",  "listen",  "load",
    "lock",   "merge",    "move",     "notify",     "prepare",  "reassign",   "refresh", "reindex", "release",
    "reset",  "revoke",   "rollback", "savepoint",  "security", "select",     "set",     "show",    "start",
    "table",  "truncate", "unlisten", "update",     "vacuum",   "values",     "with"};

[[noreturn]] void syntax_error(const Lexeme& at, std::string_view text) {
  const std::string near(text.substr(at.begin, at.end - at.begin));
  fail("42601", "syntax error at or near \"" + near + '"', at.begin + 1);
}

// The grammar looks at the whole text before anything of it runs; a statement that cannot begin so is an
// error wherever it stands.
void check_first_word(const LexemeCursor& in) {
  const Lexeme& first = in.peek();
  const bool known = first.kind == Lexeme::Kind::word &&
                     std::find(first_words.begin(), first_words.end(), first.text) != first_words.end();
  if (!known) syntax_error(first, in.text());
}

}  // namespace

std::vector<StatementPtr> parse_statements(std::string_view text, SqlDialect dialect) {
  std::vector<StatementPtr> statements;
  LexemeCursor in(text, dialect);
  while (true) {
    while (in.take_symbol(";")) {
    }
    if (in.at_end()) return statements;
    check_first_word(in);
    const std::size_t begin = in.offset();
    auto statement = std::make_shared<Statement>();
    if (!take_own_question(in, *statement)) CommandParser(in).parse(*statement);
    statement->text = text.substr(begin, in.last_end() - begin);
    statement->offset = begin;
    statements.push_back(std::move(statement));
    if (!in.at_end() && !in.sees_symbol(";")) in.refuse();
  }
}

}  // namespace pgweir::simulation
