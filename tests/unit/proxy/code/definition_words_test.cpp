#include "proxy/code/definition_words.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("a source names what changes code, in strings and put together, too") {
  const char* const source = GENERATE(
      "create function f() returns int", "CREATE OR REPLACE PROCEDURE p()",
      "execute 'create or replace function ' || name", "execute 'drop ' || 'routine f'",
      "create trusted language x", "create constraint trigger t", "drop owned by x",
      "create or replace recursive view v", "alter extension x update", "-- x\ncreate\tevent trigger t",
      "create or /* new */ replace function f()", "create -- x\nfunction f()",
      "select '--'; create /* x */ trigger t", "E'\\ncreate or\\treplace\\nview v'");
  CHECK(find_definition_words(source).change_code);
  CHECK_FALSE(find_definition_words(source).change_defaults);
}

TEST_CASE("a source names what changes the settings of a login") {
  const char* const source = GENERATE(
      "alter database x set a = 1", "execute format('ALTER ROLE %I SET a = 1', x)", "alter user x reset all");
  CHECK(find_definition_words(source).change_defaults);
  CHECK_FALSE(find_definition_words(source).change_code);
}

TEST_CASE("other sources change neither") {
  const char* const source =
      GENERATE("", "create", "select created from function_log", "create table t(a int)",
               "create temp view v as select 1", "alter table t add column function int", "drop table t",
               "create index on t (a)", "create user x", "drop database x");
  CHECK_FALSE(find_definition_words(source).change_code);
  CHECK_FALSE(find_definition_words(source).change_defaults);
}
