"""What views, column defaults, policies, constraints, operators and casts run without a statement naming it: it follows
its client or pins it, and no other client sees anything of it. A database of its own, because one such definition makes
every statement suspect."""

import pytest

from harness import messages as m
from harness.waiting import until

LEAVE = "perform set_config('work_mem', '3MB', false), set_config('my.tenant', 'secret', false)"
FUNCTIONS = f"""
create function leave(a int) returns int language plpgsql as $$ begin {LEAVE}; return a; end $$;
create function agrees(a int) returns bool language plpgsql as $$ begin {LEAVE}; return true; end $$;
create function same(a int, b int) returns bool language plpgsql as $$ begin {LEAVE}; return a = b; end $$;
create function compare(a int, b int) returns int language plpgsql as $$ begin {LEAVE}; return a - b; end $$;
create function on_ddl() returns event_trigger language plpgsql as $$ begin {LEAVE}; end $$;
create function defines() returns void language plpgsql as $$ begin create table if not exists defined(a int); end $$;
"""
ROW_FUNCTION = f"""
create type wrapped as (a int);
create function unwrap(w wrapped) returns int language plpgsql as $$ begin {LEAVE}; return w.a; end $$;
"""
CLEANUP = """
drop table if exists defined cascade; drop view if exists shown cascade; drop cast if exists (wrapped as int);
drop operator if exists === (int, int); drop type if exists wrapped cascade;
drop operator class if exists odd using btree cascade; drop event trigger if exists on_ddl;
drop function if exists leave(int), agrees(int), same(int, int), compare(int, int), on_ddl(), defines(), upper(int),
    harmless();
"""

# The definition, and the statement that uses it.
SETTINGS = {
    "view": ("create view shown as select leave(1)", "select * from shown"),
    "view over a view": ("create view deep as select leave(1) a; create view shown as select * from deep",
                         "select * from shown"),
    "view of a built-in function": ("create view shown as select set_config('work_mem', '3MB', false) a, "
                                    "set_config('my.tenant', 'secret', false) b", "select * from shown"),
    "column default": ("create table defined(a int, b int default leave(1))", "insert into defined(a) values (1)"),
    "check constraint": ("create table defined(a int check (agrees(a)))", "insert into defined values (1)"),
    "policy": ("create table defined(a int); alter table defined enable row level security; "
               "create policy p on defined using (agrees(a)); insert into defined values (1)", "select * from defined"),
    "operator": ("create operator === (leftarg = int, rightarg = int, function = same)", "select 1 === 1"),
    "cast": (ROW_FUNCTION + "create cast (wrapped as int) with function unwrap(wrapped)", "select row(1)::wrapped::int"),
    "rule": ("create table defined(a int); create rule r as on insert to defined do also select leave(1)",
             "insert into defined values (1)"),
    "operator class": ("create operator class odd for type int using btree as operator 1 <, operator 2 <=, operator 3 =, "
                       "operator 4 >=, operator 5 >, function 1 compare(int, int); create table defined(a int); "
                       "create index on defined (a odd); insert into defined values (1)",
                       "insert into defined values (2)"),
    "function like a column": (ROW_FUNCTION, "select (row(1)::wrapped).unwrap"),
    "event trigger": ("create event trigger on_ddl on ddl_command_end execute function on_ddl()",
                      "create table if not exists defined()"),
    "event trigger behind a function": ("create event trigger on_ddl on ddl_command_end execute function on_ddl()",
                                        "select defines()"),
    "a built-in function's name": ("create function upper(a int) returns int language sql as 'select leave(a)'",
                                   "select upper(1)"),
}


@pytest.fixture
def define(cluster):
    def run(definition):
        cluster.execute(FUNCTIONS + definition, "other")
        cluster.execute("grant all on all tables in schema public to public", "other")

    yield run
    cluster.execute("drop view if exists deep cascade;" + CLEANUP, "other")


@pytest.fixture(params=["tracked", "strict"])
def proxy(request, start):
    return lambda: start(max_size=1, state=request.param, audit_every=1)


@pytest.mark.own
@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_follow_their_client_only(proxy, define, name, extended):
    definition, use = SETTINGS[name]
    define(definition)
    endpoint = proxy()
    with endpoint.wire(database="other") as owner, endpoint.wire(database="other") as other:
        for _ in range(2):  # before and after pgweir has read the definitions
            answer = owner.ask(m.P("", use) + m.B() + m.E() + m.S if extended else m.Q(use))
            assert answer.endswith("Z(I)") and "E(" not in answer, answer
            assert other.value("show work_mem") == "4MB"
            assert other.value("select coalesce(current_setting('my.tenant', true), '')") == ""
            assert owner.value("show work_mem") == "3MB"
            assert owner.ask(m.Q("reset work_mem")) == "C(RESET) Z(I)"
        assert endpoint.metric("pgweir_audit_findings_total", database="other") == 0


@pytest.mark.own
def test_a_lock_in_a_view_pins(proxy, define):
    define("create view shown as select pg_try_advisory_lock(4713)")
    endpoint = proxy()
    with endpoint.wire(database="other") as owner:
        assert owner.value("select * from shown") == "t"
        until(lambda: endpoint.metric("pgweir_pinned_sessions", database="other", reason="advisory_lock") == 1, "a pin")
        assert owner.value("select pg_advisory_unlock(4713)") == "t"
        until(lambda: endpoint.metric("pgweir_pinned_sessions", database="other") == 0, "the end of the pin")


@pytest.mark.own
@pytest.mark.parametrize("data", ["", " with no data"])
def test_a_lock_that_filling_a_new_materialized_view_takes_ends_with_its_client(start, data):
    endpoint = start(max_size=2, audit_every=0)
    with endpoint.wire(database="other") as owner, endpoint.wire(database="other") as other:
        owner.query("create schema filled; create function filled.lock() returns bool language sql as "
                    "'select pg_try_advisory_lock(4714)'")
        try:
            for sql in ("create table filled.first as select 1",  # with it pgweir learns what the database has
                        f"create materialized view filled.shown as select filled.lock(){data}",
                        "select pg_advisory_unlock_all()", "refresh materialized view filled.shown"):
                owner.query(sql)
                other.query("select 1")
            owner.terminate()
            held = "select count(*) from pg_locks where locktype = 'advisory' and objid = 4714"
            until(lambda: other.value(held) == "0", "the lock is free")
        finally:
            other.query("drop schema filled cascade")


@pytest.mark.own
def test_harmless_definitions_cost_nothing(start, cluster, define):
    define("create view shown as select lower('A'), now(); create table defined(a int default 1 check (a > 0))")
    endpoint = start(max_size=1, audit_every=0)
    with endpoint.wire(database="other") as wire:
        wire.value("select * from shown")
        checks = endpoint.metric("pgweir_state_checks_total", database="other")
        for _ in range(5):
            wire.value("select * from shown")
            wire.ask(m.Q("insert into defined values (1)"))
        assert endpoint.metric("pgweir_state_checks_total", database="other") == checks


@pytest.mark.own
def test_what_many_statements_of_one_transaction_wait_for_is_asked_once(start, define):
    """They must not use up the room of the functions that the transaction calls, which are judged with them."""
    define("create function harmless() returns int language sql as 'select 1'")
    endpoint = start(max_size=1, audit_every=0)
    with endpoint.wire(database="other") as wire:
        wire.query("begin")
        for _ in range(20):
            wire.value("select count(*) from pg_class")
        assert wire.value("select harmless()") == "1"
        wire.query("commit")
        assert wire.value("select 2") == "2"
        assert endpoint.metric("pgweir_state_checks_total", database="other") == 0


SEQUENCES = """
create sequence numbers; create table defined(a int); insert into defined values (1);
create function own_number() returns bigint language sql as $$ select nextval('numbers') $$;
create view shown as {}; grant all on sequence numbers to public;
"""
NUMBERS = {"named in the view": "select nextval('numbers') as n", "in a function": "select own_number() as n",
           "within a query": "select n from defined, lateral (select nextval('numbers') as n) x"}


@pytest.mark.own
@pytest.mark.parametrize("used", [False, True], ids=["the pool's first", "known"])
@pytest.mark.parametrize("view", NUMBERS)
def test_a_value_that_a_view_takes_is_its_clients_alone(start, cluster, define, view, used):
    define(SEQUENCES.format(NUMBERS[view]))
    proxy = start(max_size=2, sequence_values="pin", audit_every=0, changes={"workers": 1})
    try:
        with proxy.wire(database="other") as first, proxy.wire(database="other") as second:
            if used:
                second.value("select 1")
            value = first.value("select n from shown")
            second.ask(m.Q("begin"))  # on the connection that was used last, if nobody keeps that
            assert first.value("select lastval()") == value
            second.ask(m.Q("rollback"))
            assert second.ask(m.Q("select lastval()")).endswith("E(55000) Z(I)")
            assert second.value("select n from shown") != value
            assert first.value("select currval('numbers')") == value
    finally:
        cluster.execute("drop view shown; drop function own_number(); drop sequence numbers", "other")


@pytest.mark.own
@pytest.mark.parametrize("view", ["select lastval() as n", "select currval('numbers') as n"])
def test_a_view_shows_no_other_clients_value(start, cluster, define, view):
    define(SEQUENCES.format(view))
    proxy = start(max_size=2, audit_every=0, changes={"workers": 1})
    try:
        with proxy.wire(database="other") as first, proxy.wire(database="other") as second:
            first.value("select nextval('numbers')")
            for _ in range(2):
                assert second.ask(m.Q("select n from shown")).endswith("E(55000) Z(I)")
            value = first.value("select nextval('numbers')")
            assert first.value("select n from shown") == value
    finally:
        cluster.execute("drop view shown; drop function own_number(); drop sequence numbers", "other")
