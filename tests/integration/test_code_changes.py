"""Code that changes after pgweir has read it, or that no statement names: what it leaves follows its client or pins it, and
no other client sees anything of it."""

import pytest

from harness import messages as m
from harness.waiting import until

pytestmark = pytest.mark.own

SETS = "perform set_config('work_mem', '3MB', false);"


def setter(name, arguments="", returns="int", result="1", volatility="volatile"):
    return (f"create function {name}({arguments}) returns {returns} language plpgsql {volatility} as $$ begin {SETS} "
            f"return {result}; end $$;")


OF_TRIGGER = setter("fired", "", "trigger", "new")
OF_NUMBER = setter("leave", "a int", "int", "a", "immutable")
OF_TRUTH = setter("agrees", "a int", "bool", "true", "immutable")


@pytest.fixture
def schema(cluster):
    """Makes things in a schema of its own, where the user of the tests may do everything."""
    def make(sql):
        cluster.execute(f"create schema changed; grant all on schema changed to app; set search_path = changed; {sql};"
                        "alter default privileges revoke all on tables from app", "other")
        cluster.execute("""do $$ declare r record; begin
            for r in select c.oid::regclass as name from pg_class c where relnamespace = 'changed'::regnamespace
                and relkind in ('r', 'p', 'v') loop execute format('alter table %s owner to app', r.name); end loop;
            for r in select oid::regprocedure as name from pg_proc where pronamespace = 'changed'::regnamespace loop
                execute format('alter routine %s owner to app', r.name); end loop; end $$""", "other")

    yield make
    cluster.execute("drop schema if exists changed cascade", "other")


def wire_to(endpoint):
    return endpoint.wire(database="other", params=[("options", "-c search_path=changed")])


def say(wire, sql):
    answer = wire.ask(m.Q(sql), timeout=30)
    assert "E(" not in answer, (sql, answer)
    return answer


def run(wire, sql):
    assert say(wire, sql).endswith("Z(I)")


def assert_follows(endpoint, statements):
    """The setting that the statements leave is their client's, and nobody else's."""
    with wire_to(endpoint) as owner, wire_to(endpoint) as other:
        for sql in statements:
            run(owner, sql)
        assert other.value("show work_mem") == "4MB"
        assert owner.value("show work_mem") == "3MB"


# What pgweir reads of a database before it sees what follows.
LOOKED = "select count(*) from pg_class"

# Definitions that call a function, and the statement that makes the server call it.
DEFINED = {
    "index expression": (OF_NUMBER + "create table t(a int); create index on t (leave(a))", "insert into t values (1)"),
    "index predicate": (OF_TRUTH + "create table t(a int); create index on t (a) where agrees(a)",
                        "insert into t values (1)"),
    "exclusion constraint": (OF_NUMBER + "create table t(a int, exclude (leave(a) with =))",
                             "insert into t select count(*) from t"),
    "partition key": (OF_NUMBER + "create table t(a int) partition by list (leave(a)); "
                      "create table t1 partition of t default", "insert into t values (1)"),
    "generated column": (OF_NUMBER + "create table t(a int, b int generated always as (leave(a)) stored)",
                         "insert into t values (1)"),
    "WHEN of a trigger": (OF_TRUTH + "create table t(a int); create function harmless() returns trigger language plpgsql "
                          "as $$ begin return new; end $$; create trigger x before insert on t for each row "
                          "when (agrees(new.a)) execute function harmless()", "insert into t values (1)"),
    "WHEN of a trigger, built-in": ("create table t(a int); create function harmless() returns trigger language plpgsql "
                                    "as $$ begin return new; end $$; create trigger x before insert on t for each row "
                                    "when (set_config('work_mem', '3MB', false) <> '') execute function harmless()",
                                    "insert into t values (1)"),
    "default of a domain": (OF_NUMBER + "create domain d as int default leave(1); create table t(a int, b d)",
                            "insert into t values (1)"),
    "constraint that is validated": (OF_TRUTH + "create table t(a int); insert into t values (1); "
                                     "alter table t add constraint c check (agrees(a)) not valid",
                                     "alter table t validate constraint c"),
}


@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
@pytest.mark.parametrize("name", DEFINED)
def test_what_a_function_sets_that_only_a_definition_names(start, schema, name, extended):
    definition, use = DEFINED[name]
    schema(definition)
    endpoint = start(max_size=1, audit_every=1)
    with wire_to(endpoint) as owner, wire_to(endpoint) as other:
        for _ in range(2 if "insert" in use else 1):  # before and after pgweir has read the definitions
            answer = owner.ask(m.P("", use) + m.B() + m.E() + m.S if extended else m.Q(use))
            assert answer.endswith("Z(I)") and "E(" not in answer, answer
            assert other.value("show work_mem") == "4MB"
            assert owner.value("show work_mem") == "3MB"
            run(owner, "reset work_mem")
        assert endpoint.metric("pgweir_audit_findings_total", database="other") == 0


def test_a_lock_that_the_sample_of_analyze_takes_pins(start, schema):
    """ANALYZE undoes what its functions set, and keeps their locks."""
    schema("create function locks(a int) returns int language plpgsql immutable as $$ begin "
           "perform pg_advisory_lock(4715); return a; end $$; create table t(a int); insert into t values (1); "
           "create statistics s on (locks(a)), a from t")
    endpoint = start(max_size=1, audit_every=0)
    with wire_to(endpoint) as owner:
        run(owner, "analyze t")
        until(lambda: endpoint.metric("pgweir_pinned_sessions", database="other", reason="advisory_lock") == 1, "a pin")


# Functions that are called what PostgreSQL calls its own in other versions, or its clauses.
NAMED = {
    "function of a later version": (setter("casefold", "a text"), "select casefold('x')"),
    "function of a later version, called by another": (
        setter("json_value", "a int") + "create function outward() returns int language sql as 'select json_value(1)'",
        "select outward()"),
    "aggregate of a later version": (setter("step", "a int, b int") + "create aggregate any_value(int) "
                                     "(sfunc = step, stype = int, initcond = '0')", "select any_value(1)"),
    "quoted keyword": (setter('"check"', "a int"), 'select "check"(1)'),
    "join": (setter('"join"', "a int"), "select join(1)"),
    "conflict": (setter("conflict", "a int", "bool", "true"),
                 "select 1 from (select 1 a) x join (select 2 b) y on conflict(a)"),
    "over": (setter("over", "a int"), "select distinct on (a) over(a) from (select 1) x(a)"),
    **{f"trigger {name}": ("create table t(a int);" + setter(name, "", "trigger", "new") +
                           f"create trigger x before insert on t for each row execute function {name}()",
                           "insert into t values (1)") for name in ("gamma", '"check"', '"order"', "lower")},
}


@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
@pytest.mark.parametrize("name", NAMED)
def test_what_a_function_sets_that_is_called_like_one_of_postgresql(start, schema, cluster, name, extended):
    if "later version" in name and cluster.version() > 15:
        pytest.skip("the server may have it itself")
    definition, use = NAMED[name]
    schema(definition)
    endpoint = start(max_size=1, audit_every=1)
    with wire_to(endpoint) as owner, wire_to(endpoint) as other:
        for _ in range(2):  # before and after pgweir has read the source
            answer = owner.ask(m.P("", use) + m.B() + m.E() + m.S if extended else m.Q(use))
            assert answer.endswith("Z(I)") and "E(" not in answer, answer
            assert other.value("show work_mem") == "4MB"
            assert owner.value("show work_mem") == "3MB"
            run(owner, "reset work_mem")
        assert endpoint.metric("pgweir_audit_findings_total", database="other") == 0


# What a client makes after pgweir has read what the database has, and the statement that runs it.
MADE = {
    "trigger": (OF_TRIGGER, "create trigger x before insert on t for each row execute function fired()"),
    "trigger in a transaction": (OF_TRIGGER, "begin; create trigger x before insert on t for each row execute function "
                                 "fired(); commit"),
    "rule": (OF_NUMBER, "create rule r as on insert to t do also select leave(1)"),
    "index": (OF_NUMBER, "create index on t (leave(a))"),
    "unique index": (OF_NUMBER, "create unique index concurrently on t (leave(a))"),
    "check constraint": (OF_TRUTH, "alter table t add check (agrees(a)) not valid"),
    "table": (OF_TRUTH, "drop table t; create table t(a int check (agrees(a)))"),
    "table if it is not there": (OF_NUMBER, "drop table t; create table if not exists t(a int, b int default leave(1))"),
    "partition": (OF_TRIGGER + "create table p(a int) partition by list (a); create table q(a int); create trigger x before "
                  "insert on q for each row execute function fired(); create view v as select 1",
                  "drop table t; alter table p rename to t; alter table t attach partition q default"),
    "enabled trigger": (OF_TRIGGER + "create trigger x before insert on t for each row execute function fired(); "
                        "alter table t disable trigger x", "alter table t enable trigger x"),
}


@pytest.mark.parametrize("name", MADE)
def test_what_a_client_makes_after_an_insert_is_known_at_once(start, schema, name):
    functions, make = MADE[name]
    schema("create table t(a int); " + functions)
    endpoint = start(max_size=1, audit_every=0)
    assert_follows(endpoint, [LOOKED, "insert into t values (1)", make, "reset work_mem",
                              "insert into t values (2)"])


# Ways in which a client replaces a function that pgweir has read, but for a statement that says so. Each has what has to be
# there before, and the statements.
REPLACE = f"create or replace function changing() returns int language plpgsql as $f$ begin {SETS} return 1; end $f$"
QUOTED = "'" + REPLACE.replace("'", "''") + "'"
RUNS = "create function runs(what text) returns int language plpgsql as $$ begin execute what; return 1; end $$;"
REPLACED = {
    "DO": ("", [f"do $d$ begin {REPLACE}; end $d$"]),
    "DO with a literal": ("", [f"do $d$ begin execute {QUOTED}; end $d$"]),
    "DO that puts it together": ("", [f"do $d$ begin execute 'create or ' || 'replace ' || substr({QUOTED}, 19); end $d$"]),
    "function": (f"create function makes() returns int language plpgsql as $d$ begin {REPLACE}; return 1; end $d$;",
                 ["select makes()"]),
    "function, the second time": (
        f"create function makes() returns int language plpgsql as $d$ begin {REPLACE}; return 1; end $d$;",
        ["select makes()", "select changing()", "reset work_mem", "create or replace function changing() returns int "
         "language sql as 'select 1'", "select changing()", "select makes()"]),
    "function of SQL": (f"create function makes() returns void language sql as $d$ {REPLACE} $d$;", ["select makes()"]),
    "procedure": (f"create procedure makes() language plpgsql as $d$ begin {REPLACE}; commit; end $d$;", ["call makes()"]),
    "function that runs what it is told": (RUNS, [f"select runs({QUOTED})"]),
    "function that runs what EXECUTE tells it": (
        RUNS, ["prepare r(text) as select runs($1)", f"execute r({QUOTED})"]),
    "function that runs what EXECUTE tells it, in a string": (
        RUNS, ["prepare r(text) as select runs($1)", f"select 1; execute r({QUOTED})"]),
    "DO with comments": ("", [f"do $d$ begin {REPLACE.replace('replace', '/* new */ replace -- x' + chr(10))}; end $d$"]),
    "trigger": ("create table t(a int); create function makes() returns trigger language plpgsql as "
                f"$d$ begin {REPLACE}; return new; end $d$; create trigger x before insert on t for each row "
                "execute function makes();", ["insert into t values (1)"]),
    "two-phase commit": ("", [f"begin; {REPLACE}; prepare transaction 'change'", "select changing()",
                              "commit prepared 'change'"]),
}


@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize("name", REPLACED)
def test_a_function_that_code_has_replaced_is_read_again(start, schema, name, calls):
    before, statements = REPLACED[name]
    schema("create function changing() returns int language plpgsql as $$ begin return 1; end $$;" + before)
    endpoint = start(max_size=1, audit_every=0)
    assert_follows(endpoint, ["select changing()", *statements, *["reset work_mem", "select changing()"] * calls])


def test_a_custom_setting_that_execute_names_follows_its_client(start, schema):
    schema("create function sets(n text, v text) returns text language plpgsql as $$ begin "
           "return set_config(n, v, false); end $$")
    endpoint = start(max_size=1, audit_every=0)
    with wire_to(endpoint) as owner, wire_to(endpoint) as other:
        run(owner, "prepare s(text, text) as select sets($1, $2)")
        for value in ("one", "two"):
            run(owner, f"execute s('app.told', '{value}')")
            assert other.value("select current_setting('app.told', true)") in (None, "")
            assert owner.value("show app.told") == value


# The same of what a login gets.
DEFAULTS = {
    "DO": ("", "do $$ begin alter role app in database other set work_mem = '5MB'; end $$"),
    "DO with a literal": ("", "do $$ begin execute format('alter role %I in database other set work_mem = %L', "
                          "current_user, '5MB'); end $$"),
    "function": ("create function lasts() returns int language plpgsql as $$ begin "
                 "alter user app in database other set work_mem = '5MB'; return 1; end $$;", "select lasts()"),
    "function that runs what it is told": (
        RUNS, "select runs('alter role app in database other set work_mem = ''5MB''')"),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_that_code_has_changed_are_seen_by_the_next_client(start, schema, cluster, name):
    before, statement = DEFAULTS[name]
    schema("select 1;" + before)
    endpoint = start(max_size=1, audit_every=0)
    try:
        with wire_to(endpoint) as owner:
            assert owner.value("show work_mem") == "4MB"
            run(owner, statement)
        with wire_to(endpoint) as later:
            assert later.value("show work_mem") == "5MB"
    finally:
        cluster.execute("alter role app in database other reset work_mem", "other")
