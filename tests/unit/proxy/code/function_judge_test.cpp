#include "proxy/code/function_judge.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace pgweir;

namespace {

using Names = std::vector<std::string>;
constexpr auto harmless = FunctionVerdict::harmless;
constexpr auto suspicious = FunctionVerdict::suspicious;
constexpr auto lasting = FunctionVerdict::lasting;
// What DDL calls.
const std::string on_ddl(event_triggers_name);

struct Case {
  const char* name;
  FunctionVerdict verdict = harmless;
  std::string body;
  Names calls = {};
  Names custom = {};
  bool all_named = true;
};

void check(const std::string& language, const Case& c) {
  INFO(language << ": " << c.name);
  Names calls;
  const FunctionEffects effects = judge_body({"f", language, c.body}, calls);
  CHECK(effects.verdict == c.verdict);
  CHECK(calls == c.calls);
  Names custom;
  std::copy_if(effects.settings.begin(), effects.settings.end(), std::back_inserter(custom),
               [](const std::string& name) { return name.find('.') != std::string::npos; });
  CHECK(custom == c.custom);
  CHECK(effects.all_named == c.all_named);
}

// One PL/pgSQL statement.
std::string block(const std::string& statement) {
  return "\nBEGIN\n  " + statement + "\nEND\n";
}

}  // namespace

TEST_CASE("functions in SQL") {
  const Case cases[] = {
      {"a computation", harmless, "select round($1 * 1.19, 2)"},
      {"a look at pg_settings", harmless, "select setting from pg_settings where name = $1"},
      {"an update of pg_settings",
       suspicious,
       "update pg_settings set setting = $1 where name = 'work_mem'",
       {},
       {},
       false},
      {"an empty body", harmless, ""},
      {"a lookup", harmless, "SELECT id FROM users WHERE lower(email) = lower($1) LIMIT 1;"},
      {"a row level security helper", harmless,
       "SELECT nullif(current_setting('app.tenant', true), '')::uuid"},
      {"an upsert", harmless,
       "INSERT INTO counters (name, n) VALUES ($1, 1) ON CONFLICT DO UPDATE SET n = counters.n + 1 RETURNING "
       "n"},
      {"a sequence", harmless, "select nextval('invoice_no'); select currval('invoice_no')"},
      {"a lock for the transaction", harmless, "select pg_advisory_xact_lock(hashtext($1))"},
      {"other functions",
       harmless,
       "select util.slug(title), \"Mixed\"(1), slug(x) from notes",
       {"slug", "Mixed"}},
      {"a function with a built-in one's name in another schema",
       harmless,
       "select util.lower($1)",
       {"lower"}},
      {"recursion", harmless, "select case when $1 < 2 then 1 else $1 * f($1 - 1) end", {"f"}},
      {"only in comments and strings", harmless,
       "/* set_config('a.b', 'c', false); SET x = 1 */ select 'listen x; set_config(' -- ; RESET ALL"},
      {"a tenant setter", suspicious, "select set_config('app.tenant', $1::text, false)", {}, {"app.tenant"}},
      {"odd case and space",
       suspicious,
       "SELECT\tPG_CATALOG . Set_Config /**/ ( 'App.Tenant' , $1, FALSE)",
       {},
       {"app.tenant"}},
      {"a setter for the transaction", harmless, "select set_config('app.tenant', $1::text, TRUE)"},
      {"a setter for the transaction, by name",
       harmless,
       "select set_config('app.tenant', new_value => f($1, true), is_local => true)",
       {"f"}},
      {"a setter for the transaction, in the older notation", harmless,
       "select set_config('app.tenant', $1, is_local := true)"},
      {"a setter by another name that ends alike",
       suspicious,
       "select set_config(is_local => $1, setting_name => 'x', new_value => true)",
       {},
       {},
       false},
      {"a setter for as long as the caller wants",
       suspicious,
       "select set_config('app.tenant', $1, $2)",
       {},
       {"app.tenant"}},
      {"a setter that only looks local",
       suspicious,
       "select set_config('app.tenant', $1, not true)",
       {},
       {"app.tenant"}},
      {"a setter whose value ends like a local one",
       suspicious,
       "select set_config('app.tenant', format('%s', array['x', true]), false)",
       {},
       {"app.tenant"}},
      {"a setter whose value is an array",
       suspicious,
       "select set_config('app.tenant', array['x', true]::text, false)",
       {},
       {"app.tenant"}},
      {"a setter with more arguments than there are",
       suspicious,
       "select set_config('app.tenant', $1, false, true)",
       {},
       {"app.tenant"}},
      {"a listed setting", suspicious, "select set_config('role', $1, false)"},
      {"a name that is cast", suspicious, "select set_config('app.x'::text, $1, false)", {}, {"app.x"}},
      {"a name that is cast, qualified",
       suspicious,
       "select set_config('app.x'::pg_catalog.text, $1, false)",
       {},
       {"app.x"}},
      {"a name that is cast to something shorter",
       suspicious,
       "select set_config('app.x'::varchar(5), $1, false)",
       {},
       {},
       false},
      {"a name that is cast and computed",
       suspicious,
       "select set_config('app.'::text || $1, $2, false)",
       {},
       {},
       false},
      {"a computed name", suspicious, "select set_config('app.' || $1, $2, false)", {}, {}, false},
      {"an escaped name", suspicious, "select set_config(E'app\\x2ea', $1, false)", {}, {"app.a"}},
      {"a name that is not ASCII",
       lasting,
       "select set_config('app.__not_ascii__', $1, false)",
       {},
       {},
       false},
      {"SET", suspicious, "set statement_timeout = '5s'; select 1"},
      {"SET of a custom name, second", suspicious, "select 1; SET App.Mode TO batch;", {}, {"app.mode"}},
      {"SET LOCAL", harmless, "SET LOCAL statement_timeout = '5s'; select 1"},
      {"SET CONSTRAINTS", harmless, "set constraints all deferred; set transaction read only"},
      {"SET SESSION CHARACTERISTICS", suspicious, "set session characteristics as transaction read only"},
      {"RESET ROLE", suspicious, "select 1; reset role"},
      {"SET that nobody understands", suspicious, "set U&\"\\00e9\" = 1", {}, {}, false},
      {"a temporary table",
       suspicious,
       "create temporary table report as select * from sales where day = $1",
       {on_ddl}},
      {"a temporary table by its schema", suspicious, "create table pg_temp.report (id int)", {on_ddl}},
      {"a lasting table", harmless, "create table report (id int)", {on_ddl}},
      {"a column named like a command", harmless, "select case when a then comment else b end from t"},
      {"a session lock", suspicious, "select pg_try_advisory_lock($1)"},
      {"unlocking", suspicious, "select pg_advisory_unlock_all()"},
      {"a cursor WITH HOLD", suspicious, "declare c cursor with hold for select 1"},
      {"closing a cursor", suspicious, "close c"},
      {"LISTEN", suspicious, "listen jobs"},
      {"UNLISTEN *", suspicious, "unlisten *"},
      {"NOTIFY", harmless, "notify jobs; select pg_notify('jobs', $1)"},
      {"LOAD", lasting, "load 'auto_explain'"},
      {"seeding random()", lasting, "select setseed(0.5)"},
      {"a connection of dblink", lasting, "select ext.dblink_connect('c', 'dbname=x')", {"dblink_connect"}},
      {"a replication slot", lasting, "select pg_create_logical_replication_slot('s', 'pgoutput', true)"},
      {"PREPARE", suspicious, "prepare p as select 1"},
      {"EXECUTE", suspicious, "execute p(1)", {"p"}, {}, false},
      {"DEALLOCATE", suspicious, "deallocate p"},
      {"DISCARD", suspicious, "discard temp"},
      {"DROP", suspicious, "drop table if exists report", {on_ddl}},
      {"DO", suspicious, "do $x$ begin perform set_config('a.b', '1', false); end $x$", {}, {"a.b"}},
      {"DO in another language", suspicious, "do language plpython3u 'pass'", {}, {}, false},
      {"DO that keeps something there", lasting, "do 'GD[1] = 1' language plpython3u", {}, {}, false},
      {"SQL as text", suspicious, "select query_to_xml('select 1', true, true, '')", {}, {}, false},
      {"columns named like commands", harmless,
       "select case when a then load else reset end, case b when 1 then discard end, t.set, t.execute from "
       "t"},
      {"MERGE", harmless,
       "merge into t using s on t.a = s.a when matched then update set b = s.b "
       "when not matched then do nothing"},
      {"a name that only the server can read", suspicious, "select U&\"f\\00e9\"(1)", {}, {}, false},
      {"a function whose name is not ASCII", suspicious, "select pr__not_ascii__fung(1)", {}, {}, false},
      {"a table whose name is not ASCII", harmless, "select * from pr__not_ascii__fung"},
      {"BEGIN ATOMIC, as pg_get_functiondef shows it",
       suspicious,
       "CREATE OR REPLACE FUNCTION public.g(a integer DEFAULT h(1))\n RETURNS void\n LANGUAGE sql\n"
       " SET search_path TO 'public'\nBEGIN ATOMIC\n SELECT u(1);\n SELECT set_config('a.b'::text, "
       "'c'::text, "
       "false) AS set_config;\nEND\n",
       {on_ddl, "g", "h", "u"},
       {"a.b"}},
      {"RETURN",
       harmless,
       "CREATE OR REPLACE FUNCTION public.g(a integer)\n RETURNS integer\n LANGUAGE sql\n"
       " SET work_mem TO '8MB'\nRETURN (a + u(1))\n",
       {on_ddl, "g", "return", "u"}},
      {"text that ends in a string", suspicious, "select 'abc", {}, {}, false},
  };
  for (const Case& c : cases) check("sql", c);
}

TEST_CASE("functions in PL/pgSQL") {
  const Case cases[] = {
      {"a computation", harmless,
       "DECLARE n int := 0; BEGIN FOR i IN 1..array_length(a, 1) LOOP n := n + a[i]; END LOOP; RETURN n; "
       "END"},
      {"an audit trigger", harmless,
       "BEGIN INSERT INTO audit (who, what, old, new) VALUES (current_user, TG_OP, to_jsonb(OLD), "
       "to_jsonb(NEW)); "
       "IF TG_OP = 'DELETE' THEN RETURN OLD; ELSE NEW.changed := now(); RETURN NEW; END IF; END"},
      {"a tenant setter",
       suspicious,
       block("PERFORM set_config('app.tenant', p_tenant::text, false);"),
       {},
       {"app.tenant"}},
      {"a tenant setter for the transaction", harmless,
       block("PERFORM set_config('app.tenant', p_tenant::text, true); SET LOCAL ROLE tenant;")},
      {"several settings",
       suspicious,
       block("v := set_config('app.user', u, false) || set_config('app.tenant', t, false); SET app.mode = "
             "'x';"),
       {},
       {"app.user", "app.tenant", "app.mode"}},
      {"a job queue with session locks", suspicious,
       "DECLARE j jobs; BEGIN FOR j IN SELECT * FROM jobs LOOP IF pg_try_advisory_lock(j.id) THEN RETURN "
       "j.id; "
       "END IF; END LOOP; RETURN NULL; END"},
      {"a job queue with row locks", harmless,
       block("UPDATE jobs SET state = 'run' WHERE id = (SELECT id FROM jobs FOR UPDATE SKIP LOCKED LIMIT 1) "
             "RETURNING id INTO v; RETURN v;")},
      {"a report with a temporary table",
       suspicious,
       block("CREATE TEMP TABLE IF NOT EXISTS r (id int) ON COMMIT DROP; INSERT INTO r (id) SELECT f(1);"),
       {on_ddl, "f"}},
      {"partitions with dynamic SQL",
       suspicious,
       block("EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF m FOR VALUES FROM (%L) TO (%L)', a, "
             "b, c);"),
       {},
       {},
       false},
      {"dynamic SQL, joined", suspicious, block("EXECUTE 'select ' || f(1) INTO v;"), {"f"}, {}, false},
      {"dynamic SQL in a variable", suspicious, block("RETURN QUERY EXECUTE q USING 1;"), {}, {}, false},
      {"dynamic SQL that a function makes", suspicious, block("EXECUTE build(1);"), {"build"}, {}, false},
      {"dynamic SQL in a loop", suspicious, block("FOR r IN EXECUTE q LOOP NULL; END LOOP;"), {}, {}, false},
      {"dynamic SQL for a cursor", suspicious, block("OPEN c FOR EXECUTE q;"), {}, {}, false},
      {"a literal", harmless, block("EXECUTE 'analyze t';")},
      {"a literal with results and parameters",
       harmless,
       block("EXECUTE $q$select g($1)$q$ INTO STRICT v USING h(1);"),
       {"g", "h"}},
      {"a literal in a loop", harmless, block("FOR r IN EXECUTE E'select \\'a\\'' LOOP NULL; END LOOP;")},
      {"a literal that sets", suspicious, block("EXECUTE 'set app.x = ''1''';"), {}, {"app.x"}},
      {"a literal that loads", lasting, block("EXECUTE 'load ''x''';")},
      {"literals in literals in literals, too deep",
       suspicious,
       block("DO $a$ begin DO $b$ begin DO $c$ begin DO $d$ begin DO $e$ begin end $e$; end $d$; end $c$; "
             "end $b$; "
             "end $a$;"),
       {},
       {},
       false},
      {"DO with a literal", harmless, block("DO $x$ BEGIN PERFORM f(1); END $x$;"), {"f"}},
      {"GRANT EXECUTE and a trigger",
       harmless,
       block("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA s TO r; "
             "CREATE TRIGGER t AFTER INSERT ON x FOR EACH ROW EXECUTE FUNCTION audit();"),
       {on_ddl, "audit"}},
      {"SET behind THEN, ELSE, LOOP and BEGIN",
       suspicious,
       block("IF a THEN SET x.a = 1; ELSE SET x.b = 2; END IF; LOOP SET x.c = 3; END LOOP; BEGIN SET x.d = "
             "4; END;"),
       {},
       {"x.a", "x.b", "x.c", "x.d"}},
      {"SET behind a handler",
       suspicious,
       block("NULL; EXCEPTION WHEN others THEN RESET ALL;"),
       {},
       {},
       false},
      {"assignments and UPDATE",
       harmless,
       block("reset := true; set = 1; load := f(2); UPDATE t SET a = 1, (b, c) = (SELECT 1, 2);"),
       {"f"}},
      {"a loop over a range and a call",
       harmless,
       block("FOR i IN 1..f(2) LOOP PERFORM s.g (i); END LOOP;"),
       {"f", "g"}},
      {"a cursor of its own", harmless,
       "DECLARE c CURSOR FOR SELECT 1; BEGIN OPEN c; FETCH c INTO x; CLOSE c; END"},
      {"CALL and COMMIT", harmless, block("CALL step(1); COMMIT; CALL s.step2();"), {"step", "step2"}},
      {"LISTEN", suspicious, block("LISTEN jobs;")},
      {"labels, options and comments",
       suspicious,
       "#variable_conflict use_column\n<<outer>>\nDECLARE a int; -- set\nBEGIN /* x */ SET -- y\n x.y /* */ "
       "TO 1; END"
       " outer",
       {},
       {"x.y"}},
      {"dollar quotes inside", harmless, block("v := $t$ ; SET a.b = 1; $t$;")},
      {"a backslash that hides nothing",
       harmless,
       block("v := regexp_replace(x, '\\s+', ' '); PERFORM f(1);"),
       {"f"}},
      {"a call that shows without standard_conforming_strings",
       suspicious,
       block("v := 'x\\'' ; SET a.b = 1; --';"),
       {},
       {"a.b"}},
      {"a statement that ends in a string without standard_conforming_strings", harmless,
       block("v := 'x\\'' ; SET a.b = 1; ';")},
      {"a quote that is none without standard_conforming_strings",
       harmless,
       block("v := 'a\\'; PERFORM f(1);"),
       {"f"}},
  };
  for (const Case& c : cases) check("plpgsql", c);
}

TEST_CASE("functions in C are known by their libraries, other languages are opaque") {
  struct {
    const char* name;
    const char* language;
    const char* body;
    FunctionVerdict verdict;
    bool all_named;
    const char* library = "";
    CodeKnowledge knowledge = CodeKnowledge::whole;
  } const cases[] = {
      {"similarity", "c", "similarity", harmless, true, "$libdir/pg_trgm"},
      {"similarity", "c", "similarity", harmless, true, "/home/me/pg_trgm", CodeKnowledge::unreviewed},
      {"similarity", "c", "similarity", harmless, true, "", CodeKnowledge::unreviewed},
      {"my_agg", "internal", "numeric_avg_accum", harmless, true},
      {"dblink_connect", "c", "dblink_connect", lasting, true, "$libdir/dblink"},
      {"connect_there", "c", "dblink_connect", lasting, true, "$libdir/dblink"},
      {"set_limit", "c", "set_limit", suspicious, true, "$libdir/pg_trgm"},
      {"set_limit", "c", "another_symbol", suspicious, true, "$libdir/pg_trgm"},
      {"set_user", "c", "set_user", lasting, true, "$libdir/set_user"},
      {"set_username", "c", "set_username", harmless, true, "$libdir/set_user"},
      {"set_username", "c", "set_username", harmless, true, "$libdir/mine", CodeKnowledge::unreviewed},
      {"crosstab3", "c", "crosstab", suspicious, false, "$libdir/tablefunc"},
      {"set_it", "internal", "set_config_by_name", suspicious, false},
      {"lock_it", "internal", "pg_try_advisory_lock_int8", suspicious, true},
      {"lock_it", "internal", "pg_advisory_xact_lock_int8", harmless, true},
      {"hypopg_create_index", "c", "hypopg_create_index", lasting, true, "$libdir/hypopg"},
      {"f", "plpython3u", "return 1", suspicious, false},
      {"f", "plv8", "return 1", suspicious, false},
      {"f", "plperl", "$_SHARED{tenant} = shift;", lasting, false},
      {"f", "SQL", "select 1", lasting, false},
  };
  for (const auto& c : cases) {
    INFO(c.name << " " << c.language << " " << c.library);
    Names calls;
    const FunctionEffects effects = judge_body({c.name, c.language, c.body, {}, c.library}, calls);
    CHECK(effects.verdict == c.verdict);
    CHECK(effects.knowledge == c.knowledge);
    CHECK(effects.all_named == c.all_named);
    CHECK(calls.empty());
  }
}

TEST_CASE("a body with too many calls or settings is not judged by the first of them") {
  std::string calls_many = "select 0";
  std::string sets_many = "select 0";
  for (std::size_t i = 0; i <= body_calls_max; ++i) calls_many += ", f" + std::to_string(i) + "()";
  for (std::size_t i = 0; i <= FunctionEffects::settings_max; ++i) {
    sets_many += ", set_config('a.x" + std::to_string(i) + "', '', false)";
  }
  Names calls;
  const FunctionEffects called = judge_body({"f", "sql", calls_many}, calls);
  CHECK(called.verdict == suspicious);
  CHECK_FALSE(called.all_named);
  CHECK(calls.size() == body_calls_max);
  const FunctionEffects set = judge_body({"f", "sql", sets_many}, calls);
  CHECK(set.settings.size() == FunctionEffects::settings_max);
  CHECK(set.verdict == FunctionVerdict::lasting);
}

TEST_CASE("what a text that is put together calls, and hides, is known by its name") {
  Names calls;
  for (const char* const text :
       {"'select setseed(%s)'", "'select DBLINK_connect(%s)'", "'select isn_weak(%s)'"}) {
    const std::string body = "begin execute format(" + std::string(text) + ", f); end";
    CHECK(judge_body({"f", "plpgsql", body}, calls).verdict == FunctionVerdict::lasting);
  }
  CHECK(judge_body({"f", "plpgsql", "begin execute format('select %s', f); end"}, calls).verdict ==
        suspicious);
  CHECK(judge_body({"isn_weak", "c", "accept_weak_input", {}, "$libdir/isn"}, calls).verdict ==
        FunctionVerdict::lasting);
}

TEST_CASE("a body that is too long to be read keeps its client where it is") {
  Names calls;
  const FunctionEffects unread = judge_body({"f", std::string(source_too_long), ""}, calls);
  CHECK(unread.verdict == FunctionVerdict::lasting);
  CHECK_FALSE(unread.all_named);
}

TEST_CASE("a body cut anywhere is judged without complaint") {
  const std::string body = block(
      "EXECUTE $q$select set_config('a.b', array[1]::text, true)$q$ INTO v; SET x.y TO U&'a'; DO $x$ begin "
      "end $x$;");
  for (std::size_t size = 0; size <= body.size(); ++size) {
    for (const char* language : {"sql", "plpgsql"}) {
      Names calls;
      const FunctionEffects effects = judge_body({"f", language, body.substr(0, size)}, calls);
      CHECK((effects.verdict == harmless || effects.verdict == suspicious));
    }
  }
}
