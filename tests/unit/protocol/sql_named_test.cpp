#include "protocol/sql_named.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("PREPARE, EXECUTE and DEALLOCATE are read with the place of the name") {
  struct Case {
    const char* sql;
    NamedVerb verb;
    const char* name;
    const char* raw;
    const char* arguments;
    const char* body;
  };
  const std::string long_name = "PREPARE " + std::string(70, 'P') + " AS SELECT 1";
  const std::string long_raw(70, 'P');
  const std::string cut(63, 'p');
  const Case cases[] = {
      {"PREPARE Foo AS SELECT 1", NamedVerb::prepare, "foo", "Foo", "", "SELECT 1"},
      {"prepare/**/foo--\n(int, varchar(10) [])as select $1; ", NamedVerb::prepare, "foo", "foo",
       "int, varchar(10) []", "select $1"},
      {"PREPARE \"a\"\"B\" () AS VALUES (';') -- x", NamedVerb::prepare, "a\"B", "\"a\"\"B\"", "",
       "VALUES (';')"},
      {"PREPARE transaction AS SELECT 1", NamedVerb::prepare, "transaction", "transaction", "", "SELECT 1"},
      {long_name.c_str(), NamedVerb::prepare, cut.c_str(), long_raw.c_str(), "", "SELECT 1"},
      {"EXECUTE foo", NamedVerb::execute, "foo", "foo", "", ""},
      {"EXECUTE foo (1, f(')'))", NamedVerb::execute, "foo", "foo", "1, f(')')", ""},
      {"DEALLOCATE foo;", NamedVerb::deallocate, "foo", "foo", "", ""},
      {"DEALLOCATE PREPARE foo", NamedVerb::deallocate, "foo", "foo", "", ""},
      {"DEALLOCATE prepare", NamedVerb::deallocate, "prepare", "prepare", "", ""},
      {"DEALLOCATE \"ALL\"", NamedVerb::deallocate, "ALL", "\"ALL\"", "", ""},
      {"DEALLOCATE ALL", NamedVerb::deallocate_all, "", "", "", ""},
      {"DEALLOCATE PREPARE all ;", NamedVerb::deallocate_all, "", "", "", ""},
  };
  for (const Case& c : cases) {
    INFO(c.sql);
    const auto named = parse_named(c.sql);
    REQUIRE(named);
    CHECK(named->verb == c.verb);
    CHECK(named->name == c.name);
    CHECK(std::string_view(c.sql).substr(named->name_offset, named->name_size) == c.raw);
    CHECK(named->arguments == c.arguments);
    CHECK(named->body == c.body);
  }
}

TEST_CASE("what is not one understood statement about a name is refused") {
  for (const char* sql :
       {"", "SELECT 1", "PREPARE TRANSACTION 'x'", "PREPARE TRANSACTION $$x$$", "PREPARE foo",
        "PREPARE foo AS", "PREPARE foo AS SELECT 1; SELECT 2", "PREPARE foo (int AS SELECT 1",
        "PREPARE foo AS SELECT 'a", "PREPARE U&\"\\00e9\" AS SELECT 1", "PREPARE \xc3\x84 AS SELECT 1",
        "EXECUTE", "EXECUTE foo (1", "EXECUTE foo; EXECUTE foo", "DEALLOCATE", "DEALLOCATE a b",
        "DEALLOCATE ALL; SELECT 1"}) {
    INFO(sql);
    CHECK_FALSE(parse_named(sql));
  }
}

TEST_CASE("EXECUTE is found inside EXPLAIN and CREATE TABLE AS") {
  struct Case {
    const char* sql;
    const char* name;
  };
  const Case found[] = {
      {"EXECUTE p(1)", "p"},
      {"EXPLAIN EXECUTE p", "p"},
      {"EXPLAIN ANALYSE VERBOSE EXECUTE p(1)", "p"},
      {"EXPLAIN (ANALYZE, BUFFERS off) EXECUTE \"P\"", "P"},
      {"CREATE TABLE t AS EXECUTE p", "p"},
      {"CREATE TEMP TABLE IF NOT EXISTS s.t (a, b) WITH (fillfactor = 70) ON COMMIT DROP AS EXECUTE p(1) "
       "WITH NO DATA",
       "p"},
      {"EXPLAIN ANALYZE CREATE TABLE t AS EXECUTE p", "p"},
  };
  for (const Case& c : found) {
    INFO(c.sql);
    const ExecutedName executed = executes_named(c.sql);
    CHECK(executed.found);
    REQUIRE(executed.statement);
    CHECK(executed.statement->name == c.name);
  }
  for (const char* sql :
       {"SELECT 1 AS execute", "CREATE TABLE t AS SELECT 1 AS execute", "CREATE TABLE t (a int)",
        "EXPLAIN SELECT 1", "EXPLAIN (ANALYZE", "CREATE TRIGGER t AFTER INSERT ON x EXECUTE FUNCTION f()"}) {
    INFO(sql);
    CHECK_FALSE(executes_named(sql).found);
  }
  const ExecutedName opaque = executes_named("EXPLAIN EXECUTE U&\"\\00e9\"");
  CHECK(opaque.found);
  CHECK_FALSE(opaque.statement);
}

TEST_CASE("DISCARD in each form") {
  CHECK(parse_discard("DISCARD ALL") == DiscardTarget::all);
  CHECK(parse_discard("discard /**/ Plans;") == DiscardTarget::plans);
  CHECK(parse_discard("DISCARD SEQUENCES") == DiscardTarget::sequences);
  CHECK(parse_discard("DISCARD TEMP") == DiscardTarget::temporary);
  CHECK(parse_discard("DISCARD TEMPORARY") == DiscardTarget::temporary);
  for (const char* sql : {"DISCARD", "DISCARD x", "DISCARD \"ALL\"", "DISCARD ALL; SELECT 1", "SELECT 1"}) {
    INFO(sql);
    CHECK_FALSE(parse_discard(sql));
  }
}
