#include "protocol/sql_scan.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace pgweir;

namespace {

struct Statements {
  std::vector<Verb> verbs;
  std::vector<std::string> texts;
};

Statements split(std::string_view sql, SqlDialect dialect = {}) {
  Statements found;
  StatementSplitter splitter(sql, dialect);
  for (SqlStatement s; splitter.next(s);) {
    found.verbs.push_back(s.verb);
    found.texts.emplace_back(s.text);
  }
  return found;
}

struct Case {
  const char* name;
  std::string sql;
  std::vector<Verb> verbs;
};

const std::string long_tag = "$" + std::string(dollar_tag_max + 1, 't') + "$";

const std::vector<Case> cases = {
    {"nothing", "", {}},
    {"only blanks", " ; /* ; */ ;; -- ;\n", {}},
    {"one", "select 1", {Verb::select}},
    {"trailing semicolons", "select 1;;", {Verb::select}},
    {"case and comments", "/* a */ SeLeCt/**/1;--\nLISTEN a", {Verb::select, Verb::listen}},
    {"parentheses in front", "((select 1)); (values (1))", {Verb::select, Verb::values}},
    {"semicolons in strings",
     "select ';', E'\\';', $$;$$, $a$;$$;$a$, \";\"; reset all",
     {Verb::select, Verb::reset}},
    {"backslash in a standard string", "select '\\'; listen a; --'", {Verb::select, Verb::listen}},
    {"continued escape string", "select E'a'\n'\\';'; listen a", {Verb::select, Verb::listen}},
    {"prefixes",
     "select B'\\'; load 'x'; select U&'\\'; listen a",
     {Verb::select, Verb::load, Verb::select, Verb::listen}},
    {"failed dollar quote", "select $e'\\'; listen a; --'", {Verb::select}},
    {"dollar in a word", "select a$b$; listen x$b$", {Verb::select, Verb::listen}},
    {"rule with two actions",
     "create rule r as on insert to t do also (delete from u; notify x); lock t",
     {Verb::create, Verb::lock}},
    {"function body",
     "create or replace function f() returns int language sql begin atomic select case 1 when 1 then 2 end; "
     "select 3; end; set x = 1",
     {Verb::create, Verb::set}},
    {"function body with labels",
     "create function f() returns int begin atomic select 1 as end; select 1 as case; end; set x = 1",
     {Verb::create, Verb::set}},
    {"function body with bare labels",
     "create function f() returns int begin atomic select 1 case; select 2 end; end; set x = 1",
     {Verb::create, Verb::set}},
    {"begin as a value",
     "create function f() returns int set search_path to begin begin atomic select 1; end; listen a",
     {Verb::create, Verb::listen}},
    {"begin as an argument",
     "create function g(begin int) returns int begin /* x */ atomic select 1; end; listen b",
     {Verb::create, Verb::listen}},
    {"empty body", "create procedure p() begin atomic end; vacuum", {Verb::create, Verb::vacuum}},
    {"nested body",
     "create function f() begin atomic create function g() begin atomic select 1; end; select 2; end; lock t",
     {Verb::create, Verb::lock}},
    {"quoted keywords open no body", "create function f() \"begin\" atomic; end", {Verb::create, Verb::end}},
    {"no routine, no body",
     "create table begin (atomic int); begin; end",
     {Verb::create, Verb::begin, Verb::end}},
    {"begin atomic elsewhere", "begin atomic; select 1", {Verb::begin, Verb::select}},
    {"old function body", "create function f() as 'begin atomic;' ; select 1", {Verb::create, Verb::select}},
    {"closing parenthesis too many", "select 1); listen a", {Verb::select, Verb::listen}},
    {"unterminated string", "listen a; select 'b; load", {Verb::listen, Verb::select}},
    {"unterminated at the start", "'a; listen b", {Verb::other}},
    {"unterminated comment", "select 1 /* ; listen a", {Verb::select}},
    {"quoted verb",
     "\"select\" 1; selects; _; 1; $1; -",
     {Verb::other, Verb::other, Verb::other, Verb::other, Verb::other, Verb::other}},
    {"numbers", "select 1e-5, 1.e, 1..2, .5e'\\'; end", {Verb::select, Verb::end}},
    {"tag beyond the limit",
     "select 1; select " + long_tag + ";" + long_tag,
     {Verb::select, Verb::select, Verb::undecided}},
    {"tag beyond the limit in front", long_tag, {Verb::undecided}},
    {"every byte", std::string("\x01\xff\0;listen", 10), {Verb::other, Verb::listen}},
};

}  // namespace

TEST_CASE("a query string is split where PostgreSQL splits it") {
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(split(c.sql).verbs == c.verbs);
    VerbSet all;
    for (const Verb verb : c.verbs) all.insert(verb);
    CHECK(verbs_of(c.sql) == all);
    CHECK(is_single_statement(c.sql) == (c.verbs.size() <= 1));
    if (!c.verbs.empty()) CHECK(leading_verb(c.sql) == c.verbs.front());
  }
}

TEST_CASE("statement texts reach from the first token to the last") {
  const Statements found = split(" -- x\n select 1 ; /* y */ set a = 'b' /* z */ ;");
  CHECK(found.texts == std::vector<std::string>{"select 1", "set a = 'b'"});
}

TEST_CASE("standard_conforming_strings decides what a backslash does") {
  const std::string sql = "select '\\'; listen a; --'";
  CHECK(split(sql).verbs == std::vector<Verb>{Verb::select, Verb::listen});
  CHECK(split(sql, {.standard_conforming_strings = false}).verbs == std::vector<Verb>{Verb::select});
}

TEST_CASE("every verb is recognised by its word, in any case") {
  for (unsigned i = static_cast<unsigned>(Verb::abort); i < verb_count; ++i) {
    const Verb verb = static_cast<Verb>(i);
    std::string word(to_string(verb));
    CHECK(leading_verb(word) == verb);
    for (char& c : word) c = static_cast<char>(c - 0x20);
    CHECK(leading_verb("\n" + word + ";") == verb);
    CHECK(leading_verb(word + "x") == Verb::other);
  }
  CHECK(leading_verb("analyse t") == Verb::analyze);
  CHECK(leading_verb("") == Verb::empty);
  CHECK(leading_verb("(;select") == Verb::other);
}

TEST_CASE("VerbSet") {
  const VerbSet set{Verb::set, Verb::with};
  CHECK(set.contains(Verb::with));
  CHECK_FALSE(set.contains(Verb::select));
  CHECK(set.within({Verb::set, Verb::with, Verb::reset}));
  CHECK_FALSE(set.within({Verb::set}));
  CHECK(set.intersects({Verb::set, Verb::select}));
  CHECK_FALSE(set.intersects({Verb::select}));
  CHECK(VerbSet{}.empty());
}
