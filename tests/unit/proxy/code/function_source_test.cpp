#include "proxy/code/function_source.hpp"

#include <catch2/catch.hpp>

#include "protocol/sql_scan.hpp"

using namespace pgweir;

TEST_CASE("the question for sources quotes the names") {
  const std::string sql = sources_query({"f", "it's", "back\\slash", "Odd \"Name\""});
  CHECK(sql.find("ARRAY['f','it''s',E'back\\\\slash','Odd \"Name\"']::pg_catalog.name[]") !=
        std::string::npos);
  CHECK(is_single_statement(sql));
  CHECK(is_single_statement(sql, {.standard_conforming_strings = false}));
}

TEST_CASE("the question for sources leaves nothing to the session's search_path") {
  const std::string sql =
      sources_query({"f", std::string(definitions_name), std::string(event_triggers_name)});
  SqlTokenizer tokens(sql);
  Token previous;
  for (Token token = tokens.next(); token.kind != TokenKind::end; token = tokens.next()) {
    INFO(token.offset << ": " << token.text);
    if (token.kind == TokenKind::op && token.text != ":") CHECK(previous.kind == TokenKind::dot);
    const bool names_follow = is_word(previous, "from") || is_word(previous, "join") || previous.text == ":";
    if (names_follow && token.text != ":") {
      CHECK((is_word(token, "pg_catalog") || token.kind == TokenKind::open_paren));
    }
    previous = token;
  }
}

TEST_CASE("definitions are read of all that the server evaluates, with the conditions of triggers") {
  const std::string sql = sources_query({std::string(definitions_name)});
  for (const char* catalog : {"pg_rewrite", "pg_policy", "pg_attrdef", "pg_constraint", "pg_trigger",
                              "pg_depend", "pg_operator", "pg_amproc", "pg_cast", "typdefaultbin"}) {
    INFO(catalog);
    CHECK(sql.find(catalog) != std::string::npos);
  }
}

TEST_CASE("the question for sources calls only functions of pg_catalog") {
  const std::string sql =
      sources_query({"f", std::string(definitions_name), std::string(event_triggers_name)});
  std::size_t calls = 0;
  for (const char* function : {"regexp_replace(", "length(", "pg_get_functiondef(", "pg_get_expr(",
                               "regexp_matches(", "format(", "strpos(", "lower(", "unnest("}) {
    for (std::size_t at = sql.find(function); at != std::string::npos; at = sql.find(function, at + 1)) {
      CHECK(sql.substr(at - 11, 11) == "pg_catalog.");
      ++calls;
    }
  }
  CHECK(calls == 18);
}
