#include "protocol/sql_dynamic.hpp"

#include <catch2/catch.hpp>

#include "protocol/sql_effects.hpp"

using namespace pgweir;

TEST_CASE("text that runs or drops a prepared statement by its name, whole or to be put together") {
  for (const char* sql : {"execute q", "EXECUTE q(3, 'a')", " /* a */ execute \"Q\"", "execute ",
                          "execute %I(%L)", "deallocate q", "deallocate all", "deallocate prepare q",
                          "DEALLOCATE %I", "explain (analyze, costs off) execute q(1)", "explain execute %I",
                          "create temp table t as execute q", "select 1; execute q"}) {
    CAPTURE(sql);
    CHECK(is_named_statement(sql));
  }
  for (const char* sql :
       {"", "select 1", "select 'execute q'", "execute order 66", "deallocate what is there",
        "grant execute on f to a", "create trigger t after insert on a execute function f()",
        "prepare q as select 1", "explain select 1"}) {
    CAPTURE(sql);
    CHECK_FALSE(is_named_statement(sql));
  }
}

TEST_CASE("it counts in a string, and in a string of code") {
  CHECK(gives_named_statement("select run('execute q(3)')"));
  CHECK(gives_named_statement("do $$ begin execute 'execute q(3)'; end $$"));
  CHECK(gives_named_statement("do $$ begin execute format('execute %I', n); end $$"));
  CHECK(gives_named_statement("do 'begin execute ''deallocate q''; end'"));
  CHECK_FALSE(gives_named_statement("do $$ begin execute 'select 1'; end $$"));
  CHECK_FALSE(gives_named_statement("execute q('select 1')"));
  CHECK_FALSE(gives_named_statement("select run('please execute q')"));
}

TEST_CASE("effects tell what a text has to do with its session's prepared statements") {
  const auto names = [](const char* sql) { return effects_of(sql).statement_names; };
  CHECK(names("select * from pg_prepared_statements") == StatementNames::listed);
  CHECK(names("table PG_PREPARED_STATEMENTS") == StatementNames::listed);
  CHECK(names("select name from pg_catalog.pg_prepared_statement()") == StatementNames::listed);
  CHECK(names("select run('execute q')") == StatementNames::by_code);
  CHECK(names("do $$ begin execute 'execute q'; end $$") == StatementNames::by_code);
  CHECK(names("select 'execute q'") == StatementNames::none);
  CHECK(names("select * from pg_prepared_xacts") == StatementNames::none);
  CHECK(names("create or replace function f() returns void language plpgsql as $$ begin execute 'execute q'; "
              "end $$") == StatementNames::none);
  CHECK(names("create procedure p() language sql as 'select 1 from pg_prepared_statements'") ==
        StatementNames::none);
}
