#include "protocol/sql_effects.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace pgweir;

TEST_CASE("a statement that only reads or writes rows is quiet") {
  for (const char* text : {"SELECT abalance FROM pgbench_accounts WHERE aid = 7", "select 1", "",
                           "update t set a = 1 where b in (1, 2)", "select count(*), coalesce(a, 0) from t",
                           "begin", "commit", "show all", "select 'temp' || lower('X')"}) {
    INFO(text);
    const SqlEffects effects = effects_of(text);
    CHECK(effects.is_quiet());
    CHECK_FALSE(effects.runs_code());
  }
}

TEST_CASE("a quick look finds what the full scan finds") {
  // Every text here shows a fact; the quick look decides whether the scan is made at all.
  for (const char* text :
       {"select nextval('s')", "select NEXTVAL ('s')", "select nextval/* */('s')",
        "select nextval -- x\n ('s')", "select \"nextval\"('s')", "select U&\"next\\0076al\"('s')",
        "select pg_catalog.pg_advisory_lock(1)", "select pg_catalog . pg_advisory_lock (1)",
        "create TEMPORARY table t(a int)", "create temp table t()", "declare c cursor with hold for select 1",
        "select set_config('a.b', 'c', false)", "select setseed(0.5)", "select pg_temp.f()",
        "select * into temp t from u", "select my_function(1)", "select app.lower('X')",
        "select app.\nlower('X')", "select dblink_connect('x')"}) {
    INFO(text);
    REQUIRE_FALSE(scan_facts(text).empty());
    CHECK(may_have_facts(text));
    CHECK(effects_of(text).facts == scan_facts(text));
  }
}

TEST_CASE("a quick look finds a fact wherever in the text it stands") {
  // The text is looked at in blocks of sixteen bytes.
  for (const char* fact : {"f(", "TEMP ", "hold ", "into t", "U&\"f\"", "$a$"}) {
    for (std::size_t before = 0; before < 36; ++before) {
      for (std::size_t after = 0; after < 36; ++after) {
        const std::string text = std::string(before, ' ') + fact + std::string(after, '1');
        INFO(text);
        REQUIRE(may_have_facts(text));
      }
    }
  }
}

TEST_CASE("a quick look takes nothing else for a fact") {
  for (const char* part : {"MHI", "m ", "$1", "a & b", "insert into t", "hol", "tem", "int"}) {
    for (std::size_t before = 0; before < 36; ++before) {
      const std::string text = std::string(before, ' ') + part + std::string(before % 5, ' ');
      INFO(text);
      REQUIRE_FALSE(may_have_facts(text));
    }
  }
}

TEST_CASE("what runs code that the text does not show") {
  CHECK(effects_of("do $$ begin end $$").runs_code());
  CHECK(effects_of("select 1; call p()").runs_code());
  CHECK(effects_of_anything().runs_code());
  CHECK(effects_of_anything().may_set);
  CHECK(effects_of("select f()").runs_code());
  CHECK_FALSE(effects_of("select lower('X')").runs_code());
}

TEST_CASE("settings that no tag tells of") {
  CHECK(effects_of("select set_config('work_mem', '1MB', false)").may_set);
  CHECK(effects_of("select SET_Config($1, $2, false)").may_set);
  CHECK(effects_of("do $$ begin perform set_config('a.b', 'c', false); end $$").may_set);
  CHECK(effects_of("update pg_settings set setting = '1MB' where name = 'work_mem'").may_set);
  CHECK(effects_of("with w as (select 1) UPDATE pg_catalog.\"pg_settings\" set setting = 'off'").may_set);
  CHECK_FALSE(effects_of("select setting from pg_settings where name = 'work_mem'").may_set);
  CHECK_FALSE(effects_of("update t set setting = '1MB' where name = 'work_mem'").may_set);
  CHECK_FALSE(effects_of("set work_mem to '1MB'").may_set);
  CHECK(effects_of("set work_mem to '1MB'").sets());
  CHECK_FALSE(effects_of("set work_mem to '1MB'; select 1").sets());
}
