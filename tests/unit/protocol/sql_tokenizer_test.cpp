#include "protocol/sql_tokenizer.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace pgweir;

namespace {

using Kinds = std::vector<TokenKind>;
using K = TokenKind;

Kinds kinds_of(std::string_view sql, SqlDialect dialect = {}) {
  Kinds kinds;
  SqlTokenizer tokens(sql, dialect);
  for (std::size_t i = 0; i <= sql.size(); ++i) {
    const Token token = tokens.next();
    if (token.kind == K::end) return kinds;
    CHECK(sql.substr(token.offset, token.text.size()) == token.text);
    kinds.push_back(token.kind);
  }
  FAIL("more tokens than bytes");
  return kinds;
}

std::string name_of(std::string_view sql) {
  std::string out;
  return identifier_name(SqlTokenizer(sql).next(), out) ? out : "<unknown>";
}
std::string value_of(std::string_view sql) {
  std::string out;
  return string_value(SqlTokenizer(sql).next(), out) ? out : "<unknown>";
}

}  // namespace

TEST_CASE("tokens follow PostgreSQL's scanner") {
  struct Case {
    const char* name;
    std::string_view sql;
    Kinds kinds;
  };
  const Case cases[] = {
      {"nothing", "", {}},
      {"blanks and comments", " \t\r\n\f-- a\n/* b */", {}},
      {"nested comment", "/* a /* ; */ ' */ x", {K::word}},
      {"comment that looks closed", "/*/ x */ y", {K::word}},
      {"comment opened inside an operator", "+/* x */-- y\n*", {K::op, K::op}},
      {"unterminated comment", "x /* /* */ y", {K::word}},
      {"doubled quote", "'a''b'", {K::string}},
      {"backslash in a standard string", "'a\\' x", {K::string, K::word}},
      {"escape string", "E'\\'' x", {K::escape_string, K::word}},
      {"escaped backslash", "e'\\\\' x", {K::escape_string, K::word}},
      {"prefix at the end of a word is none", "the'a'", {K::word, K::string}},
      {"bits", "B'01' x'ff'", {K::bit_string, K::bit_string}},
      {"bits have no doubled quotes", "B'0''1'", {K::bit_string, K::string}},
      {"national", "N'a'", {K::word, K::string}},
      {"unicode", "U&'a' u&\"b\"", {K::unicode_string, K::unicode_identifier}},
      {"UESCAPE of a name", "u&\"d!0061ta\" UEscape '!' (", {K::unicode_identifier, K::open_paren}},
      {"UESCAPE of a string", "U&'a'/* */uescape\n'!',", {K::unicode_string, K::comma}},
      {"uescape without its character", "u&\"b\" uescape (", {K::unicode_identifier, K::word, K::open_paren}},
      {"uescape of nothing", "\"b\" uescape '!'", {K::quoted_identifier, K::word, K::string}},
      {"u and an operator", "u & 'a'", {K::word, K::op, K::string}},
      {"continuation", "'a'\n 'b'", {K::string}},
      {"continuation behind a comment", "E'a' -- c'\n 'b\\''", {K::escape_string}},
      {"no continuation on the same line", "'a' 'b'", {K::string, K::string}},
      {"no continuation behind a block comment", "'a' /*\n*/ 'b'", {K::string, K::string}},
      {"quoted name", "\"a\"\"b\"", {K::quoted_identifier}},
      {"dollar quote", "$$a;'$$ $t$ $$ $x$ $t$", {K::dollar_string, K::dollar_string}},
      {"dollar tags are case-sensitive", "$T$ $t$ $T$", {K::dollar_string}},
      {"dollar inside a word", "a$b$c", {K::word}},
      {"parameter", "$1", {K::parameter}},
      {"lone dollar", "$ $x", {K::other, K::other, K::word}},
      {"numbers", "1 .5 1.5e-3 0x1f 1_0", {K::number, K::number, K::number, K::number, K::number}},
      {"sign behind an operator", "=-5", {K::op, K::op, K::number}},
      {"punctuation",
       "(a.b[1],c);",
       {K::open_paren, K::word, K::dot, K::word, K::open_bracket, K::number, K::close_bracket, K::comma,
        K::word, K::close_paren, K::semicolon}},
      {"letters above 0x7f", "\xc3\xa4$1", {K::word}},
      {"unterminated string", "'a;", {K::unterminated}},
      {"unterminated escape", "E'a\\", {K::unterminated}},
      {"unterminated name", "\"a;\"\"", {K::unterminated}},
      {"unterminated dollar quote", "$a$ $b$", {K::unterminated}},
      {"NUL", std::string_view("\0", 1), {K::other}},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(kinds_of(c.sql) == c.kinds);
  }
}

TEST_CASE("a plain string takes escapes when standard_conforming_strings is off") {
  const SqlDialect off{.standard_conforming_strings = false};
  CHECK(kinds_of("'a\\'' x", off) == Kinds{K::escape_string, K::word});
  CHECK(kinds_of("b'a\\' x", off) == Kinds{K::bit_string, K::word});
}

TEST_CASE("a dollar tag beyond the limit is undecided") {
  const std::string tag(dollar_tag_max, 't');
  CHECK(kinds_of("$" + tag + "$;$" + tag + "$") == Kinds{K::dollar_string});
  CHECK(kinds_of("$" + tag + "t$;$" + tag + "t$ x") == Kinds{K::undecided});
  CHECK(kinds_of("$" + tag + "t") == Kinds{K::other, K::word});
}

TEST_CASE("identifiers are folded, unquoted and cut") {
  CHECK(name_of("FooBar") == "foobar");
  CHECK(name_of("\"Foo\"\"Bar\"") == "Foo\"Bar");
  CHECK(name_of(std::string(70, 'A')) == std::string(63, 'a'));
  CHECK(name_of('"' + std::string(70, 'A') + '"') == std::string(63, 'A'));
  CHECK(name_of("\"\xc3\xa4\"") == "\xc3\xa4");
  CHECK(name_of("\xc3\x84") == "<unknown>");
  CHECK(name_of("\"" + std::string(62, 'a') + "\xc3\xa4\"") == "<unknown>");
  CHECK(name_of("U&\"a\\0062\\+000063\\\\\"\"\"") == "abc\\\"");
  CHECK(name_of("U&\"a!0062!!\\\" /* c */ UESCAPE '!'") == "ab!\\");
  CHECK(name_of("U&\"a\\00e9\"") == "<unknown>");
  CHECK(name_of("U&\"a\\006\"") == "<unknown>");
  CHECK(name_of("U&\"\"") == "<unknown>");
  CHECK(name_of("\"\"") == "<unknown>");
  CHECK(name_of("'a'") == "<unknown>");
}

TEST_CASE("strings are unescaped where that needs no server") {
  CHECK(value_of("'it''s'") == "it's");
  CHECK(value_of("''") == "");
  CHECK(value_of("'it'\n  's'") == "its");
  CHECK(value_of("U&'\\0061''b'") == "a'b");
  CHECK(value_of("U&'!0061' UESCAPE '!'") == "a");
  CHECK(value_of("E'\\b\\f\\n\\r\\t\\x41\\101\\u0041\\U00000041\\q\\''''") == "\b\f\n\r\tAAAAq''");
  CHECK(value_of("$$a'b$$") == "a'b");
  CHECK(value_of("$t$$$$t$") == "$$");
  for (const char* sql : {"E'\\351'", "E'\\0'", "E'\\u12'", "E'\\v'", "U&'\\00e9'", "U&'a'\n'u'",
                          "U&'a' -- uescape\n'u'", "B'1'", "'a' -- c\n'b'", "E'a'\n'b'", "a", "1"}) {
    INFO(sql);
    CHECK(value_of(sql) == "<unknown>");
  }
}
