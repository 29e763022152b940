#include "protocol/sql_facts.hpp"

#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>
#include <vector>

using namespace pgweir;

namespace {

using F = SqlFact;

SqlFacts facts(std::initializer_list<SqlFact> list) {
  SqlFacts all;
  for (SqlFact f : list) all.insert(f);
  return all;
}

}  // namespace

TEST_CASE("facts about statements") {
  struct Case {
    const char* sql;
    SqlFacts facts;
  };
  const Case cases[] = {
      {"", {}},
      {"select 1", {}},
      {"SELECT Set_Config('a', 'b', false)", facts({F::set_config})},
      {"select pg_catalog . \"set_config\" /* x */ ('a', 'b', false)", facts({F::set_config})},
      {"select public.set_config('a')", facts({F::set_config, F::calls_unknown_function})},
      {"select 'set_config(', $$ set_config( $$, set_config -- (\n, 1", {}},
      {"select pg_try_advisory_lock_shared(1), pg_advisory_lock(1, 2)", facts({F::session_advisory_lock})},
      {"select pg_advisory_xact_lock(1), pg_try_advisory_xact_lock(2)", {}},
      {"select pg_advisory_unlock_all()", facts({F::advisory_unlock})},
      {"select currval('s'), nextval('s')", facts({F::sequence_value, F::nextval_or_setval})},
      {"insert into t (a) values (lastval())", facts({F::sequence_value})},
      {"select setval('s', 1)", facts({F::nextval_or_setval})},
      {"create temp table t (a int)", facts({F::creates_temporary})},
      {"create local temporary sequence s", facts({F::creates_temporary})},
      {"create or replace temp view v as select 1", facts({F::creates_temporary})},
      {"explain analyze create temp table t as select 1", facts({F::creates_temporary})},
      {"create table pg_temp.t (a int)", facts({F::creates_temporary})},
      {"create table U&\"pg\\005ftemp\".t as select 1", facts({F::creates_temporary})},
      {"create table \"pg_temp\".t (a int)", facts({F::creates_temporary})},
      {"select 1 into temp t", facts({F::creates_temporary, F::selects_into})},
      {"select 1 into local temp t", facts({F::creates_temporary, F::selects_into})},
      {"select 1 INTO t", facts({F::selects_into})},
      {"with a as (select 1) select * into/**/t from a", facts({F::selects_into})},
      {"insert\n into temp values (1)", {}},
      {"insert /* into */ into temp values (1)", {}},
      {"merge into t using s on true when matched then do nothing", {}},
      {"with a as (select 1) insert into temp select * from a", {}},
      {"with a as (insert into temp values (1) returning 1) select * from a", {}},
      {"explain (analyze) insert into temp values (1)", {}},
      // A column may be named like the verb.
      {"select 1 as finsert into t", facts({F::selects_into})},
      {"select 1 as insert into temp t", facts({F::creates_temporary, F::selects_into})},
      {"select count(*) merge into temp t from s", facts({F::creates_temporary, F::selects_into})},
      {"select s.insert into t from s", facts({F::selects_into})},
      {"with a as (select 1) select 1 insert into t", facts({F::selects_into})},
      {"(select (select 1), 2 insert into t)", facts({F::selects_into})},
      {"insert into t select 1; select 1 insert into t", facts({F::selects_into})},
      {"select 1 -- ;\ninsert into t", facts({F::selects_into})},
      {"select temp from weather", {}},
      {"declare c cursor with hold for select 1", facts({F::declares_cursor_with_hold})},
      {"DECLARE c NO SCROLL CURSOR /**/ WITH /**/ HOLD FOR SELECT 1", facts({F::declares_cursor_with_hold})},
      {"declare c cursor without hold for select 1", {}},
      {"with hold as (select 1) select * from hold", {}},
      {"select f(1)", facts({F::calls_unknown_function})},
      {"select s.lower('A')", facts({F::calls_unknown_function})},
      {"select \"LOWER\"('A')", facts({F::calls_unknown_function})},
      {"select query_to_xml('select 1', true, true, '')", facts({F::calls_unknown_function})},
      {"select setseed(0)", facts({F::keeps_hidden_state})},
      {"select U&\"set_config\"('a', 'b', false)", facts({F::undecided})},
      {"do $$ begin end $$", facts({F::calls_unknown_function})},
      {"call p()", facts({F::calls_unknown_function})},
      {"call p", {}},
      {"select 1; listen a", facts({F::listens})},
      {"load 'x'; select 1", facts({F::loads})},
      {"copy t (a, b) from stdin", facts({F::copies_from_stdin})},
      {"COPY t FROM STDIN WITH (FORMAT csv)", facts({F::copies_from_stdin})},
      {"copy t from stdout", facts({F::copies_from_stdin})},
      {"copy (select * from stdin) to stdout", facts({F::copies_to_stdout})},
      {"copy (select * from stdin) to '/x'", {}},
      {"select a from stdin", {}},
      {"begin; create temp table t(); select f(); commit",
       facts({F::creates_temporary, F::calls_unknown_function})},
  };
  for (const Case& c : cases) {
    INFO(c.sql);
    CHECK(scan_facts(c.sql) == c.facts);
  }
}

TEST_CASE("ordinary statements call nothing unknown") {
  const char* statements[] = {
      "insert into t (a, b) values ($1, now()) on conflict (a) do update set b = excluded.b returning id",
      "select count(*) filter (where x), sum(y) over (partition by (z) order by (w)) from t group by (a), b "
      "having max(c) > 1",
      "with recursive n (i) as (select 1 union all select i + 1 from n) select * from n join (select 1) q on "
      "(true)",
      "select * from (values (1, 2)) as v (a, b) where a in (1, 2) and exists (select 1) or not (b = "
      "any($1))",
      "select coalesce(a, b), cast(c as numeric(10, 2)), d::varchar(20), e::character varying(3), "
      "extract(year from f)",
      "select percentile_cont(0.5) within group (order by x) from generate_series(1, 10) x",
      "select jsonb_agg(x) from unnest(array[1]) as u (x), lateral (select 1) l using (x)",
      "copy t (a, b) from '/x' with (format csv)",
      "create table t (a int primary key, b numeric(3), foreign key (b) references u (c), primary key (a))",
      "prepare p (int) as select $1",
      "execute p (1)",
      "explain (analyze) select 1",
      "update t set a = now() where id = any(array(select 1))",
      "select * from a join (select 1) b on (true) left join (c cross join d) on (true)",
      "select rank() over (order by lower(a)), min(a) within group (order by b) filter (where c) from t",
      "select substring(a from 1), trim(both from b), position('x' in c), overlay(a placing b from 1) from t",
  };
  for (const char* sql : statements) {
    INFO(sql);
    CHECK_FALSE(scan_facts(sql).contains(F::calls_unknown_function));
  }
}

TEST_CASE("clause words are functions where no clause can be") {
  for (const char* sql :
       {"select conflict(1)", "select over(1)", "select 1, key(2)", "select join(1) from t where by(1)",
        "select join(values) from t", "select x from a join b on conflict(c)",
        "insert into t select 1 from a join b on conflict(c) on conflict do nothing",
        "select distinct on (a) over(b) from t", "select operator(pg_catalog.-) filter(1)",
        "select distinct on (a) s.over(b) from t", "select s.join(1)",
        "insert into t select a.b from a join b "
        "on s.conflict(c)"}) {
    INFO(sql);
    CHECK(scan_facts(sql).contains(F::calls_unknown_function));
    CHECK(may_have_facts(sql));
  }
}

TEST_CASE("a quoted or qualified name is no keyword") {
  for (const char* sql : {"select \"check\"(1)", "select \"user\"(1)", "select 1 + \"order\" (1)",
                          "select pg_catalog.check(1)", "select pg_catalog./**/check(1)",
                          "select pg_catalog.-- x\ncheck(1)", "select s. -- .\n\n lower(1)"}) {
    INFO(sql);
    CHECK(scan_facts(sql).contains(F::calls_unknown_function));
    CHECK(may_have_facts(sql));
  }
  for (const char* sql : {"select \"left\"('a', 1), \"timestamp\"(a, 3), pg_catalog.lower('A')",
                          "insert into "
                          "\"order\" (a) values (1)",
                          "select\n  lower(a),\n  sum(b)\nfrom t"}) {
    INFO(sql);
    CHECK_FALSE(scan_facts(sql).contains(F::calls_unknown_function));
  }
  CHECK_FALSE(may_have_facts("select\n  lower(a),\n  sum(b)\nfrom t"));
}

TEST_CASE("what is built-in only in some versions of PostgreSQL is unknown") {
  for (const char* sql : {"select uuidv7()", "select gamma(1)", "select json_value(a)", "select any_value(a)",
                          "select date_bin(a)", "select pg_read_file_old('x')"}) {
    INFO(sql);
    CHECK(scan_facts(sql).contains(F::calls_unknown_function));
    CHECK(may_have_facts(sql));
  }
}

TEST_CASE("text that cannot be followed is undecided") {
  const std::string tag = "$" + std::string(dollar_tag_max + 1, 't') + "$";
  CHECK(scan_facts("select " + tag + "a" + tag).contains(F::undecided));
}

TEST_CASE("FunctionCalls lists the last part of each called name") {
  std::vector<std::string> names;
  FunctionCalls calls("select a.F(1), \"G\"(h ('x(')), i /* ( */ from j");
  for (Token name; calls.next(name);) names.emplace_back(name.text);
  CHECK(names == std::vector<std::string>{"F", "\"G\"", "h"});
}

TEST_CASE("the list of built-in names leaves out what keeps state or runs text") {
  for (const char* name : {"lower", "count", "pg_advisory_xact_lock", "uuidv7", "coalesce", "abs"}) {
    INFO(name);
    CHECK(is_harmless_builtin(name) == (std::string_view(name) != "uuidv7"));
    CHECK(is_harmless_function(name) == (is_harmless_builtin(name) && std::string_view(name) != "coalesce"));
  }
  for (const char* name : {"", "set_config", "nextval", "pg_advisory_lock", "setseed", "query_to_xml",
                           "ts_stat", "pg_backup_start", "pg_replication_origin_session_setup",
                           "pg_create_logical_replication_slot", "zpbit", "\xff", "LOWER"}) {
    INFO(name);
    CHECK_FALSE(is_harmless_builtin(name));
  }
}
