#include "proxy/state/sql_quote.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("a literal means the same with standard_conforming_strings on and off") {
  struct Case {
    const char* name;
    std::string text;
    std::string quoted;
  };
  const auto c = GENERATE(values<Case>({
      {"empty", "", "''"},
      {"plain", "4MB", "'4MB'"},
      {"a quote", "it's", "'it''s'"},
      {"only quotes", "''", "''''''"},
      {"a backslash", "a\\b", "E'a\\\\b'"},
      {"a backslash before a quote", "\\'; drop table t; --", "E'\\\\''; drop table t; --'"},
      {"a backslash at the end", "x\\", "E'x\\\\'"},
  }));
  INFO(c.name);
  CHECK(quote_literal(c.text) == c.quoted);
}

TEST_CASE("an identifier's double quotes are doubled and nothing else is changed") {
  CHECK(quote_identifier("Work_Mem") == "\"Work_Mem\"");
  CHECK(quote_identifier("a\"; drop") == "\"a\"\"; drop\"");
  CHECK(quote_identifier("") == "\"\"");
}

TEST_CASE("a text that is not ASCII is independent of the encoding in which the Query is read") {
  CHECK(text_expression("it's") == "'it''s'");
  // In SJIS these two bytes are one character; a backslash doubled behind it would have escaped the quote.
  CHECK(text_expression("\x83\x5c'") ==
        "pg_catalog.convert_from(pg_catalog.decode('835c27','hex'),"
        "pg_catalog.current_setting('client_encoding'))");
  CHECK(text_expression("\xc3\xa9'") == "pg_catalog.convert_from(pg_catalog.decode('c3a927','hex'),'UTF8')");
  for (const char* other : {"\xe9", "\xc3", "\xc3\xc3\xa9", "a\xa9", "\xc0\x80", "\xf5\x80\x80\x80"}) {
    CHECK(text_expression(other).ends_with("client_encoding'))"));
  }
}
