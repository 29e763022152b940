"""A prepared statement is shared between clients only where a Parse of their own would have come to the same: under
the same search_path and role, with the same temporary objects, and with the catalogue as it is now."""

import itertools
import time

import pytest

from harness import messages as m
from harness.waiting import repetitions, until

UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"

serial = itertools.count()


def unique(text):
    """No other test has parsed it."""
    return f"{text} /* {next(serial)} */"


@pytest.fixture(params=[1, 3])
def endpoint(request, shared):
    return shared(f"shared{request.param}", max_size=request.param)


CLEANUP = """do $$ begin
  drop table if exists kept cascade; exception when wrong_object_type then drop view kept cascade;
end $$; drop type if exists kind cascade"""


@pytest.fixture
def tables(cluster):
    cluster.execute(CLEANUP, "app")
    yield
    cluster.execute(CLEANUP, "app")


def use(name, *values):
    return m.B("", name, values) + m.E()


# --- DDL between two clients -----------------------------------------------------------------------------------

# What the table is first, what is done to it, a statement, a value for it, its parameters' types afterwards (a type's
# name for one that has no number of its own) and the answer.
CHANGES = {
    "int to bigint, inserted": ("id int, v text", "alter table kept alter id type bigint",
                                "insert into kept values ($1, $2) returning id", ("3000000000", "x"), "20,25",
                                "D(3000000000) C(INSERT 0 1)"),
    "int to bigint, compared": ("id int, v text", "alter table kept alter id type bigint",
                                "select v from kept where id = $1", ("3000000000",), "20", "C(SELECT 0)"),
    "int to text": ("id int, v text", "alter table kept alter id type text using id::text",
                    "select v from kept where id = $1", ("abc",), "25", "C(SELECT 0)"),
    "text to uuid": ("id text, v text", "alter table kept alter id type uuid using id::uuid",
                     "select v from kept where id = $1", (UUID,), "2950", "C(SELECT 0)"),
    "numeric to int": ("id numeric, v text", "alter table kept alter id type int",
                       "select v from kept where id = $1", ("1",), "23", "C(SELECT 0)"),
    "timestamp to timestamptz": ("t timestamp, v text", "alter table kept alter t type timestamptz",
                                 "select $1 = t from kept", ("2024-01-01",), "1184", "C(SELECT 0)"),
    "json to jsonb": ("e json, v text", "alter table kept alter e type jsonb",
                      "insert into kept (e) values ($1) returning e", ('{"a":1}',), "3802",
                      'D({"a": 1}) C(INSERT 0 1)'),
    "text to an enum": ("e text, v text", "create type kind as enum ('a', 'b'); alter table kept alter e type kind using e::kind",
                        "insert into kept (e) values ($1) returning e", ("a",), "kind", "D(a) C(INSERT 0 1)"),
    "dropped and made again": ("id int, v text", "drop table kept; create table kept (v text, id text)",
                               "select v from kept where id = $1", ("abc",), "25", "C(SELECT 0)"),
    "a view in its place": ("id int, v text", "drop table kept; create view kept as select 'seen'::text as v, 'abc'::text as id",
                            "select v from kept where id = $1", ("abc",), "25", "D(seen) C(SELECT 1)"),
}


def drop_kept(wire):
    kind = wire.query("select relkind from pg_class where relname = 'kept'")
    if kind:
        wire.query(f"drop {'view' if kind[0][0] == 'v' else 'table'} kept cascade")
    wire.query("drop type if exists kind cascade")


@pytest.mark.parametrize("by", ["the pool", "another user's pool", "the pool, in a transaction", "the pool, extended"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_client_that_comes_after_ddl_parses_for_itself(endpoint, tables, change, by):
    columns, ddl, text, values, types, answer = CHANGES[change]
    text = unique(text)
    with endpoint.wire("app2" if by.startswith("another") else "app") as changer:
        drop_kept(changer)
        changer.query(f"create table kept ({columns})")
        changer.query("grant all on kept to public")
        with endpoint.wire() as early:
            early.ask(m.P("s", text) + m.DS("s") + m.S)
            early.ask(use("s", *[None] * len(values)) + m.S)
        if by.endswith("transaction"):
            ddl = f"begin; {ddl}; commit"
        for part in ddl.split("; "):
            if by.endswith("extended"):
                heard = changer.ask(m.P("", part) + m.B() + m.E() + m.S)
                assert heard.startswith("1 2 C("), heard
            else:
                changer.query(part)
        for other in ("kept", "kind") if "kind" in ddl else ("kept",):
            changer.query(f"grant all on {'type ' if other == 'kind' else ''}{other} to public")
        if types == "kind":
            types = changer.value("select 'kind'::regtype::oid")
        for _ in range(2):
            with endpoint.wire() as late:
                heard = late.ask(m.P("s", text) + m.DS("s") + m.S)
                assert heard.startswith(f"1 t({types}) T"), heard
                assert late.ask(use("s", *values) + m.S) == f"2 {answer} Z(I)"
        with endpoint.wire() as late:
            heard = late.ask(m.P("", "begin") + m.B() + m.E() + m.P("s", text) + use("s", *values) + m.S)
            assert heard == f"1 2 C(BEGIN) 1 2 {answer} Z(T)"
            late.query("rollback")
        drop_kept(changer)


@pytest.mark.parametrize("change", CHANGES)
def test_ddl_from_elsewhere_is_seen_soon(endpoint, tables, admin, change):
    """100 ms after the last real Parse at the latest: until then a client may be answered by the old one."""
    columns, ddl, text, values, types, answer = CHANGES[change]
    text = unique(text)
    with admin.cursor() as cursor:
        cursor.execute(f"create table kept ({columns}); grant all on kept to public")
        with endpoint.wire() as early:
            early.ask(m.P("s", text) + m.DS("s") + use("s", *[None] * len(values)) + m.S)
        cursor.execute(f"{ddl}; grant all on kept to public")
        if types == "kind":
            cursor.execute("select 'kind'::regtype::oid")
            types = cursor.fetchone()[0]

        def is_seen():
            with endpoint.wire() as late:
                if not late.ask(m.P("s", text) + m.DS("s") + m.S).startswith(f"1 t({types}) T"):
                    return False
                assert late.ask(use("s", *values) + m.S) == f"2 {answer} Z(I)"
                return True

        until(lambda: is_seen() and is_seen(), "new clients' Parses see the change")
        cursor.execute("drop view kept" if "view" in change else "drop table kept")


# What changes the meaning of a text, and no plan: (before, a text, after).
UNPLANNED = {
    "a table in front": ("create table public.kept_row as select 'old' as a", "select a from kept_row",
                         "create table front.kept_row as select 'new' as a"),
    "a function that fits better": ("create function public.kept_call(bigint) returns text language sql as $$ select 'old' $$",
                                    "select kept_call(1)",
                                    "create function public.kept_call(int) returns text language sql as $$ select 'new' $$"),
    "a text search configuration that takes the name": (
        "create text search configuration front.kept_search (copy = simple); "
        "create text search configuration public.kept_search (copy = english)",
        "select case length(to_tsvector('public.kept_search', 'the')) when 0 then 'old' else 'new' end",
        "alter text search configuration public.kept_search rename to other; "
        "alter text search configuration front.kept_search set schema public"),
}


@pytest.fixture
def front_schema(cluster):
    remove = ("drop schema if exists front cascade; drop table if exists public.kept_row; drop function if exists public.kept_call(int);"
              "drop function if exists public.kept_call(bigint); drop text search configuration if exists public.kept_search;"
              "drop text search configuration if exists public.other")
    cluster.execute(remove + "; create schema front; grant usage on schema front to public", "app")
    yield
    cluster.execute(remove, "app")


def on_both(endpoint, wire, name):
    """What the statement gives on each of the pool's two server connections."""
    with endpoint.wire() as one, endpoint.wire() as two:
        one.query("begin")
        here = wire.ask(use(name) + m.S)
        two.query("begin")
        one.query("commit")
        there = wire.ask(use(name) + m.S)
        two.query("commit")
    return here, there


@pytest.mark.own
@pytest.mark.parametrize("change", UNPLANNED)
def test_ddl_from_elsewhere_is_seen_on_every_server_connection(shared, front_schema, admin, change):
    """Also on those where the text was parsed long before, for another client."""
    before, text, after = UNPLANNED[change]
    text = unique(text)
    endpoint = shared("shared2", max_size=2)
    path = [("search_path", "front, public")]
    with admin.cursor() as cursor, endpoint.wire(params=path) as early:
        cursor.execute(before + "; grant all on all tables in schema front, public to public")
        early.ask(m.P("s", text) + m.S)
        assert on_both(endpoint, early, "s") == ("2 D(old) C(SELECT 1) Z(I)",) * 2
        cursor.execute(after + "; grant all on all tables in schema front, public to public")

        # Up to 100 ms a new client may be answered by what was parsed before.
        done = time.monotonic()
        until(lambda: time.monotonic() > done + 0.25, "that time is over")
        with endpoint.wire(params=path) as late:
            assert late.ask(m.P("s", text) + use("s") + m.S) == "1 2 D(new) C(SELECT 1) Z(I)"
            assert on_both(endpoint, late, "s") == ("2 D(new) C(SELECT 1) Z(I)",) * 2
        assert on_both(endpoint, early, "s") == ("2 D(new) C(SELECT 1) Z(I)",) * 2


WAYS_TO_BEGIN = {
    "BEGIN, then all in one batch": lambda wire, text: [
        wire.ask(m.Q("begin")), wire.ask(m.P("s", text) + m.DS("s") + use("s", 1) + m.S)],
    "BEGIN in the same batch": lambda wire, text: [
        wire.ask(m.P("", "begin") + m.B() + m.E() + m.P("s", text) + m.B("", "s", (1,)) + m.DP() + m.E() + m.S)],
    "no transaction": lambda wire, text: [wire.ask(m.P("s", text) + m.DS("s") + use("s", 1) + m.S)],
    "BEGIN, Parse and Describe, then the rest": lambda wire, text: [
        wire.ask(m.Q("begin")), wire.ask(m.P("s", text) + m.DS("s") + m.S), wire.ask(use("s", 1) + m.S)],
    "unnamed": lambda wire, text: [
        wire.ask(m.P("", "begin") + m.B() + m.E() + m.P("", text) + m.B("", "", (1,)) + m.DP() + m.E() + m.S)],
    "closed and parsed under another name": lambda wire, text: [
        wire.ask(m.P("", "begin") + m.B() + m.E() + m.P("s", text) + m.B("", "s", (1,)) + m.DP() + m.E() + m.S),
        wire.ask(m.Q("rollback")),
        wire.ask(m.P("", "begin") + m.B() + m.E() + m.CS("s") + m.P("s2", text) + m.B("", "s2", (1,)) + m.DP() + m.E() + m.S)],
    "after a SAVEPOINT": lambda wire, text: [
        wire.ask(m.Q("begin")), wire.ask(m.Q("savepoint a")), wire.ask(m.P("s", text) + m.DS("s") + use("s", 1) + m.S)],
}


@pytest.mark.parametrize("how", ["whole", "bytes"])
@pytest.mark.parametrize("way", WAYS_TO_BEGIN)
def test_the_first_parse_of_a_client_after_ddl_is_never_refused(endpoint, tables, way, how):
    text = unique("select * from kept where $1::int = 1")
    with endpoint.wire() as changer:
        changer.query("create table kept (a int); insert into kept values (1)")
        with endpoint.wire() as early:
            early.ask(m.P("s", text) + use("s", 1) + m.S)
        changer.query("alter table kept add b text default 'new'")
    with endpoint.wire() as late:
        if how == "bytes":
            send = late.send
            late.send = lambda data: send(data, "bytes")
        for heard in WAYS_TO_BEGIN[way](late, text):
            assert "E(" not in heard and "D(1)" not in heard, heard
        assert "D(1,new)" in heard


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_transactions_own_ddl_is_for_itself_alone_until_it_commits(shared, tables, end):
    endpoint = shared("shared3", max_size=3)
    text = unique("select changed()")
    with endpoint.wire() as changer, endpoint.wire() as other:
        changer.query("create or replace function changed() returns int language sql as 'select 1'")
        try:
            other.ask(m.P("o", text) + use("o") + m.S)
            changer.query("begin")
            changer.query("drop function changed(); create function changed() returns text language sql as $$ select 'new' $$")
            assert changer.ask(m.P("s", text) + use("s") + m.S) == "1 2 D(new) C(SELECT 1) Z(T)"
            with endpoint.wire() as third:
                assert third.ask(m.P("t", text) + use("t") + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"
            changer.query(end)
            value = "new" if end == "commit" else "1"
            with endpoint.wire() as late:
                heard = late.ask(m.P("t", text) + m.DS("t") + use("t") + m.S)
                assert heard == f"1 t() T 2 D({value}) C(SELECT 1) Z(I)"
        finally:
            changer.query("drop function if exists changed()")


def test_ddl_by_code_ends_sharing_at_once(endpoint, tables):
    text = unique("select * from kept")
    with endpoint.wire() as changer:
        changer.query("create table kept (a int); insert into kept values (1)")
        changer.query("create or replace function widen() returns void language plpgsql as "
                      "$$ begin execute 'alter table kept add column b text default ''new'''; end $$")
        try:
            for change in ("select widen()", "do $$ begin alter table kept drop column b; end $$"):
                with endpoint.wire() as early:
                    early.ask(m.P("s", text) + m.DS("s") + use("s") + m.S)
                changer.query(change)
                columns = "1,new" if "widen" in change else "1"
                with endpoint.wire() as late:
                    heard = late.ask(m.P("", "begin") + m.B() + m.E() + m.P("s", text) + use("s") + m.S)
                    assert heard == f"1 2 C(BEGIN) 1 2 D({columns}) C(SELECT 1) Z(T)"
        finally:
            changer.query("drop function widen()")


# What makes code that changes a table, and what runs it.
HIDDEN = {
    "trigger": ("create table fired (a int); create trigger t before insert on fired for each row execute function fire()",
                "insert into fired values (1)"),
    "column default": ("create table fired (a int default fire(), b int)", "insert into fired (b) values (1)"),
    "view": ("create view fired as select fire()", "select * from fired"),
    "function": ("create table fired (a int)", "select fire()"),
}


@pytest.mark.parametrize("way", HIDDEN)
def test_ddl_by_code_that_nobody_knows_yet_is_seen_by_the_next_parse(shared, way):
    """Its client has its answer before the code is judged, and another connection has just parsed the statement."""
    make, run = HIDDEN[way]
    returns, value = ("trigger", "new") if way == "trigger" else ("int", "1")
    endpoint = shared("two", max_size=2)
    with endpoint.wire() as changer:
        for _ in range(repetitions(10, least=3)):
            changer.query("drop table if exists hidden; create table hidden (a int)")
            changer.query(f"create or replace function fire() returns {returns} language plpgsql as "
                          f"$$ begin execute 'alter table hidden alter a type bigint'; return {value}; end $$")
            changer.query(make)
            text = unique("insert into hidden values ($1)")
            try:
                with endpoint.wire() as first, endpoint.wire() as second, endpoint.wire() as late:
                    first.ask(m.P("", "begin") + m.B() + m.E() + m.P("s", text) + m.DS("s") + m.S)
                    second.ask(m.P("s", text) + m.DS("s") + m.S)
                    first.query("commit")
                    changer.query(run)
                    late.send(m.P("s", text) + m.DS("s") + m.S)
                    [described] = [answer for answer in late.until_ready() if answer.kind == "t"]
                    assert int.from_bytes(described.body[-4:], "big") == 20, "bigint"
            finally:
                changer.query("drop function fire() cascade")  # and with it the view
                changer.query("drop table if exists fired")


# --- Tenants ---------------------------------------------------------------------------------------------------

TENANTS = """drop schema if exists ta cascade; drop schema if exists tb cascade; create schema ta; create schema tb;
create table ta.items (id int, v text); create table tb.items (id uuid, v text);
insert into ta.items values (1, 'a'); insert into tb.items values ('%s', 'b');
do $$ begin if not exists (select from pg_roles where rolname = 'ta') then create role ta; create role tb; end if; end $$;
grant ta, tb to app; grant all on schema ta, tb to public; grant all on all tables in schema ta, tb to public;
create or replace function enter(t text) returns void language plpgsql as $$ begin perform set_config('search_path', t, true); end $$;
create or replace function enter_by_set(t text) returns void language plpgsql as
$$ begin execute 'set local search_path = ' || quote_ident(t); end $$;
grant execute on all functions in schema public to public""" % UUID

# How a transaction becomes a tenant's, by simple queries or in a batch.
ENTER = {
    "SET LOCAL search_path": lambda t: m.Q(f"set local search_path = {t}"),
    "SET LOCAL search_path, extended": lambda t: m.P("", f"set local search_path = {t}") + m.B() + m.E() + m.S,
    "SET LOCAL SCHEMA": lambda t: m.Q(f"set local schema '{t}'"),
    "set_config, local": lambda t: m.Q(f"select set_config('search_path', '{t}', true)"),
    "set_config, bound": lambda t: m.P("", "select set_config($1, $2, $3)") + m.B("", "", ("search_path", t, "t")) + m.E() + m.S,
    "a role and $user": lambda t: m.Q(f"set local role {t}"),
    "a role by set_config": lambda t: m.Q(f"select set_config('role', '{t}', true)"),
    "a function": lambda t: m.Q(f"select enter('{t}')"),
    "a function with SET": lambda t: m.Q(f"select enter_by_set('{t}')"),
    "DO": lambda t: m.Q(f"do $$ begin set local search_path = {t}; end $$"),
    "SET for good": lambda t: m.Q(f"set search_path = {t}"),
    "with BEGIN in one string": lambda t: m.Q(f"select 1; set local search_path = {t}; select 2"),
    "after a rollback to a savepoint": lambda t: m.Q(
        f"set local search_path = {t}; savepoint a; set local search_path = {'tb' if t == 'ta' else 'ta'}; rollback to a"),
    "released with a savepoint": lambda t: m.Q(f"savepoint a; set local search_path = {t}; release a"),
}


@pytest.fixture(scope="module")
def tenants(cluster):
    cluster.execute(TENANTS, "app")
    yield
    cluster.execute("drop schema ta cascade; drop schema tb cascade; drop function enter(text); drop function enter_by_set(text);"
                    "revoke ta, tb from app; drop role ta; drop role tb", "app")


def enter(wire, message):
    wire.send(message)
    heard = wire.until_ready()
    assert not [x for x in heard if x.kind == "E"], " ".join(map(str, heard))


@pytest.mark.parametrize("end", ["rollback", "commit"])
@pytest.mark.parametrize("name", ["s", ""], ids=["named", "unnamed"])
@pytest.mark.parametrize("way", ENTER)
def test_the_same_text_means_another_table_to_each_tenant(endpoint, tenants, way, name, end):
    text = unique("select v from items where id = $1")
    for _ in range(2):
        with endpoint.wire() as a, endpoint.wire() as b:
            for turn in range(3):
                for wire, tenant, value, shown in ((a, "ta", "1", "a"), (b, "tb", UUID, "b")):
                    wire.query("begin")
                    enter(wire, ENTER[way](tenant))
                    parse = m.P(name, text) if turn == 0 or not name else b""
                    heard = wire.ask(parse + use(name, value) + m.S)
                    assert heard == f"{'1 ' if parse else ''}2 D({shown}) C(SELECT 1) Z(T)", f"{tenant}: {heard}"
                    wire.query(end)


@pytest.mark.parametrize("way", [way for way in ENTER if way != "SET for good"])
def test_one_client_that_serves_both_tenants_parses_anew(endpoint, tenants, way):
    """What a driver does that caches by text and learns of nothing: its statement keeps the types that it was parsed with."""
    text = unique("select v from items where id = $1")
    with endpoint.wire() as wire:
        for name, tenant, value, shown in (("a", "ta", "1", "a"), ("b", "tb", UUID, "b")):
            wire.query("begin")
            enter(wire, ENTER[way](tenant))
            heard = wire.ask(m.P(name, text) + m.DS(name) + use(name, value) + m.S)
            assert heard == f"1 t({23 if name == 'a' else 2950}) T 2 D({shown}) C(SELECT 1) Z(T)"
            wire.query("commit")


# Functions that nobody has called, each of which makes its transaction a tenant's in a way of its own.
STRANGERS = {
    "SQL": "(t text) returns text language sql as $$ select set_config('search_path', $1, true) $$",
    "SQL, for good": "(t text) returns text language sql as $$ select set_config('search_path', $1, false) $$",
    "PL/pgSQL": "(t text) returns void language plpgsql as $$ begin perform set_config('search_path', t, true); end $$",
    "PL/pgSQL, for good": "(t text) returns void language plpgsql as $$ begin perform set_config('search_path', t, false); end $$",
    "SET LOCAL": "(t text) returns void language plpgsql as $$ begin set local search_path = ta; end $$",
    "dynamic": "(t text) returns void language plpgsql as $$ begin execute 'set local search_path = ' || quote_ident(t); end $$",
    "a role": "(t text) returns void language plpgsql as $$ begin set local role ta; end $$",
    "a role by set_config": "(t text) returns text language sql as $$ select set_config('role', $1, true) $$",
}

# How one is called: whole batches, and how the batch begins that ends with the Parse.
CALLS = {
    "simple": lambda call: (m.Q("begin"), m.Q(call), b""),
    "in one string": lambda call: (m.Q("begin; " + call), b""),
    "extended": lambda call: (m.Q("begin"), m.P("", call) + m.B() + m.E() + m.S, b""),
    "prepared": lambda call: (m.P("c", call) + m.S, m.Q("begin"), m.B("", "c") + m.E() + m.S, b""),
    "in the batch of the Parse": lambda call: (m.P("", "begin") + m.B() + m.E() + m.P("", call) + m.B() + m.E(),),
    "pipelined": lambda call: (m.Q("begin"), m.Q(call), b""),
}
OF_TA, OF_TB, STALE = "2 D(1,a) C(SELECT 1)", f"2 D({UUID},b) C(SELECT 1)", "E(0A000)"


@pytest.fixture
def stranger(cluster, tenants):
    """Factory: the name of a new function."""
    made = []

    def make(way):
        made.append(f"stranger_{next(serial)}")
        cluster.execute(f"create function public.{made[-1]}{STRANGERS[way]}", "app")
        return f"public.{made[-1]}"

    yield make
    for name in made:
        cluster.execute(f"drop function {name}", "app")


def login_of_tb(endpoint):
    return endpoint.wire(params=[("search_path", '"$user", tb')])


def words(answers):
    """Without what PostgreSQL tells before it finds that a plan is stale."""
    return " ".join(str(x) for x in answers if x.kind not in "StTZ")


def hear(wire, *batches):
    """The answer to the last one."""
    for batch in batches:
        wire.send(batch)
        heard = words(wire.until_ready())
    return heard


def parse_behind(wire, call, parse):
    """The last answer to the call and the Parse."""
    way, text = call
    *before, beginning = CALLS[way](text)
    if way != "pipelined":
        return hear(wire, *before, beginning + parse + m.S)
    wire.send(b"".join(before) + parse + m.S)
    return [words(wire.until_ready()) for _ in (*before, parse)][-1]


def parse_told_and_untold():
    return m.P("told", unique("select * from items")) + m.DS("told") + m.P("untold", unique("select * from items"))


@pytest.mark.parametrize("end", ["rollback", "commit"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("way", STRANGERS)
def test_a_statement_parsed_behind_the_first_call_of_a_function_is_of_its_search_path(endpoint, stranger, way, call, end):
    """What it does was not known when the statement was parsed, which was then taken for one of the login's search_path:
    it was run as another one under that, and was refused under its own."""
    function = stranger(way)
    with login_of_tb(endpoint) as wire:
        heard = parse_behind(wire, (call, f"select {function}('ta')"), parse_told_and_untold())
        assert heard.endswith("1 1"), heard
        hear(wire, m.Q(end))
        stays = end == "commit" and "for good" in way
        for name in ("told", "untold"):
            for batch, good in ((m.DS(name), ""), (use(name), OF_TA), (use(name), OF_TA)):
                assert hear(wire, batch + m.S) == (good if stays else STALE)
        hear(wire, m.Q("begin"), m.Q(f"select {function}('ta')"))
        for name in ("told", "untold"):
            assert hear(wire, use(name) + m.S) == OF_TA
        hear(wire, m.Q("rollback"), m.Q("""set search_path = "$user", tb"""))
        for name in ("told", "untold"):
            assert hear(wire, use(name) + m.S) == STALE


@pytest.mark.parametrize("way", STRANGERS)
def test_a_statement_used_behind_the_first_call_of_a_function_stays_what_it_is(endpoint, stranger, way):
    """The refusal was taken for DDL's, and the statement for one that had to be made anew, under that function's path."""
    function, text = stranger(way), unique("select * from items")
    with login_of_tb(endpoint) as wire:
        assert hear(wire, m.P("s", text) + m.S) == "1"
        assert hear(wire, use("s") + m.S) == OF_TB
        hear(wire, m.Q("begin"), m.Q(f"select {function}('ta')"), m.Q("savepoint a"))
        assert hear(wire, use("s") + m.S) == STALE
        hear(wire, m.Q("rollback to a"))
        assert hear(wire, use("s") + m.S) == STALE
        hear(wire, m.Q("rollback"))
        assert hear(wire, use("s") + m.S) == OF_TB


@pytest.mark.own
@pytest.mark.parametrize("call", CALLS)
def test_a_statement_parsed_behind_a_function_that_does_nothing_is_every_clients(shared, cluster, tenants, call):
    """The server has it once for all, and it is mended behind DDL, as without the function."""
    endpoint, function, text = shared("one", max_size=1), f"public.harmless_{next(serial)}", unique("select * from items")
    cluster.execute(f"create function {function}() returns int language plpgsql as 'begin return 1; end'", "app")
    with login_of_tb(endpoint) as wire, login_of_tb(endpoint) as other:
        assert parse_behind(wire, (call, f"select {function}()"), m.P("s", text)).endswith("1")
        hear(wire, m.Q("commit"))
        assert hear(wire, use("s") + m.S) == OF_TB
        assert hear(other, m.P("s", text) + use("s") + m.S) == f"1 {OF_TB}"
        assert other.value(f"select count(*) from public.kept_statements where statement = '{text}'") == "1"
        try:
            cluster.execute("alter table tb.items add column w text default 'new'", "app")
            assert hear(wire, use("s") + m.S) == f"2 D({UUID},b,new) C(SELECT 1)"
        finally:
            cluster.execute(f"alter table tb.items drop column w; drop function {function}", "app")


def test_search_path_that_is_set_in_the_batch_of_the_parse(endpoint, tenants):
    text = unique("select v from items where id = $1")
    for tenant, value, shown in (("ta", "1", "a"), ("tb", UUID, "b")) * 2:
        with endpoint.wire() as wire:
            batch = b"".join(m.P("", sql) + m.B() + m.E() for sql in ("begin", f"set local search_path = {tenant}"))
            heard = wire.ask(batch + m.P("s", text) + use("s", value) + m.S)
            # PostgreSQL 18 reports search_path.
            heard = heard.replace(f" S(search_path={tenant})", "")
            assert heard == f"1 2 C(BEGIN) 1 2 C(SET) 1 2 D({shown}) C(SELECT 1) Z(T)"


def test_search_path_at_the_login(endpoint, tenants):
    text = unique("select v from items where id = $1")
    for tenant, value, shown in (("ta", "1", "a"), ("tb", UUID, "b")) * 2:
        for params in ([("search_path", tenant)], [("options", f"-c search_path={tenant}")]):
            with endpoint.wire(params=params) as wire:
                assert wire.ask(m.P("s", text) + use("s", value) + m.S) == f"1 2 D({shown}) C(SELECT 1) Z(I)"


@pytest.mark.parametrize("name", ["s", ""], ids=["named", "unnamed"])
def test_a_temporary_table_hides_the_table_from_its_client_alone(shared, tables, cluster, name):
    endpoint = shared("shared3", max_size=3)
    text = unique("select v from kept")
    cluster.execute("create table kept (v int); insert into kept values (1); grant all on kept to public", "app")
    with endpoint.wire() as owner, endpoint.wire() as other:
        other.ask(m.P("o", text) + use("o") + m.S)
        owner.query("create temporary table kept (v text); insert into kept values ('temporary')")
        assert owner.ask(m.P(name, text) + use(name) + m.S) == "1 2 D(temporary) C(SELECT 1) Z(I)"
        with endpoint.wire() as third:
            assert third.ask(m.P(name, text) + use(name) + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"
        assert other.ask(use("o") + m.S) == "2 D(1) C(SELECT 1) Z(I)"
        owner.query("drop table pg_temp.kept")
        assert owner.ask(m.P("again", text) + use("again") + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"


# A text whose literals are read under a setting, the setting's values, and what comes of it.
LITERALS = {
    "TimeZone": ("select timestamptz '2024-01-01 12:00' at time zone 'UTC'", "timezone",
                 {"UTC": "2024-01-01 12:00:00", "Asia/Tokyo": "2024-01-01 03:00:00"}),
    "DateStyle": ("select extract(month from date '01/02/2024')", "datestyle", {"ISO, MDY": "1", "ISO, DMY": "2"}),
    "IntervalStyle": ("select extract(minute from interval '-1 2:03:04')", "intervalstyle",
                      {"postgres": "3", "sql_standard": "-3"}),
    "standard_conforming_strings": (r"select length('a\nb')", "standard_conforming_strings", {"on": "4", "off": "3"}),
    "transform_null_equals": ("select null::int = null", "transform_null_equals", {"off": "null", "on": "t"}),
    "array_nulls": ("select ('{null}'::text[])[1] is null", "array_nulls", {"on": "t", "off": "f"}),
    "lc_monetary": ("select '1'::money::numeric", "lc_monetary", {"C": "1.00"}),
}


@pytest.mark.parametrize("local", [False, True], ids=["session", "local"])
@pytest.mark.parametrize("setting", LITERALS)
def test_literals_are_read_under_the_clients_own_settings(endpoint, setting, local):
    text, name, values = LITERALS[setting]
    text = unique(text)
    for value, shown in list(values.items()) * 2:
        with endpoint.wire() as wire:
            wire.query(f"begin; set {'local' if local else ''} {name} = '{value}'")
            heard = wire.ask(m.P("s", text) + use("s") + m.S)
            heard = " ".join(x for x in heard.split(" ") if x)
            assert heard.endswith(f"D({shown}) C(SELECT 1) Z(T)"), heard
            wire.query("commit")


# --- Where what hides a table is made without PostgreSQL looking again at what it has planned ---------------------

HIDE = {
    "table": "create table kept_front.kept (v int); insert into kept_front.kept values (2);"
             " grant all on kept_front.kept to public",
    "view": "create view kept_front.kept as select 2 as v; grant all on kept_front.kept to public",
    "table of another schema": "create schema kept_side; create table kept_side.kept (v int);"
                               " insert into kept_side.kept values (2); grant all on kept_side.kept to public;"
                               " alter table kept_side.kept set schema kept_front",
}


@pytest.fixture
def front(cluster, tables):
    """A schema before that of `kept`, which all may use."""
    cluster.execute("drop schema if exists kept_front cascade; drop schema if exists kept_side cascade;"
                    " create schema kept_front; grant all on schema kept_front to public;"
                    " create table kept (v int); insert into kept values (1); grant all on kept to public", "app")
    yield "kept_front"
    cluster.execute("drop schema if exists kept_front cascade; drop schema if exists kept_side cascade", "app")


@pytest.mark.parametrize("hide", HIDE)
def test_a_parse_after_ddl_never_gets_what_another_connection_analysed_before(shared, front, hide):
    endpoint = shared("shared2", max_size=2)
    text = unique("select v from kept where v > $1")
    path = [("search_path", f"{front}, public")]
    with endpoint.wire(params=path) as one, endpoint.wire(params=path) as other, endpoint.wire() as owner:
        one.query("begin")  # so that both connections have the statement
        other.query("begin")
        for wire in (one, other):
            assert wire.ask(m.P("s", text) + use("s", "0") + m.S) == "1 2 D(1) C(SELECT 1) Z(T)"
        one.query("commit")
        other.query("commit")
        owner.query(HIDE[hide])
        with endpoint.wire(params=path) as third, endpoint.wire(params=path) as fourth:
            third.query("begin")
            assert third.ask(m.P("n", text) + use("n", "0") + m.S) == "1 2 D(2) C(SELECT 1) Z(T)"
            # At once, on the other connection.
            assert fourth.ask(m.P("n", text) + use("n", "0") + m.S) == "1 2 D(2) C(SELECT 1) Z(I)"
            third.query("commit")
            for wire in (third, fourth) * 3:
                assert wire.ask(use("n", "0") + m.S) == "2 D(2) C(SELECT 1) Z(I)"


@pytest.mark.parametrize("commit", ["commit and chain", "end and chain", "commit; begin"])
def test_ddl_is_seen_although_its_client_goes_on_in_another_transaction(shared, front, commit):
    endpoint = shared("shared3", max_size=3)
    text = unique("select v from kept where v > $1")
    path = [("search_path", f"{front}, public")]
    with endpoint.wire(params=path) as one, endpoint.wire(params=path) as other, endpoint.wire() as owner:
        owner.query("begin")
        owner.query(f"create table {front}.kept as select 2::int as v; grant all on {front}.kept to public")
        assert one.ask(m.P("s", text) + use("s", "0") + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"
        owner.query(commit)
        assert other.ask(m.P("n", text) + use("n", "0") + m.S) == "1 2 D(2) C(SELECT 1) Z(I)"
        owner.query("commit")


@pytest.mark.parametrize("way", ["protocol", "SQL", "in a transaction"])
def test_a_temporary_table_hides_a_table_where_others_had_temporary_tables(shared, tables, cluster, way):
    endpoint = shared("shared1", max_size=1)
    text = unique("select v from kept")
    cluster.execute("create table kept (v int); insert into kept values (1); grant all on kept to public", "app")
    with endpoint.wire() as earlier:
        earlier.query("create temporary table anything (a int); drop table anything")
    run = m.Q("execute s") if way == "SQL" else use("s") + m.S
    with endpoint.wire() as owner:
        if way == "SQL":
            owner.query(f"prepare s as {text}")
        else:
            owner.ask(m.P("s", text) + m.S)
        assert "D(1)" in owner.ask(run)
        if way == "in a transaction":
            owner.query("begin")
            owner.query("create temporary table kept on commit drop as select 2 as v")
            assert "D(2)" in owner.ask(run)
            owner.query("commit")
        else:
            owner.query("create temporary table kept as select 2 as v")
            assert "D(2)" in owner.ask(run)
            owner.query("drop table pg_temp.kept")
        assert "D(1)" in owner.ask(run)


# What comes between the use of a statement and the temporary table that hides its own.
BEFORE_THE_FIRST = {
    "one that fails": [m.Q("insert into pg_temp.kept values (1)")],
    "one that fails, extended": [m.P("", "create temp table x (a no_such_type)") + m.B() + m.E() + m.S],
    "one that is rolled back": [m.Q(sql) for sql in ("begin", "create temp table x (a int)", "rollback")],
    "one that is rolled back to a savepoint": [
        m.Q(sql) for sql in ("begin", "savepoint s", "create temp table x (a int)", "rollback to s", "commit")],
}


@pytest.fixture
def used(shared, tables, cluster):
    """A pool whose server connection has had temporary tables, and a table that one may hide."""
    cluster.execute("create table kept as select 1 as v; grant all on kept to public", "app")
    endpoint = shared("shared1", max_size=1)
    with endpoint.wire() as earlier:
        earlier.query("create temporary table anything (a int); drop table anything")
    return endpoint


@pytest.mark.own
@pytest.mark.parametrize("way", BEFORE_THE_FIRST)
def test_only_a_temporary_object_that_is_there_counts_as_the_first(used, way):
    text = unique("select v from kept")
    with used.wire() as owner:
        assert owner.ask(m.P("s", text) + use("s") + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"
        for message in BEFORE_THE_FIRST[way]:
            owner.ask(message)
        assert owner.ask(use("s") + m.S) == "2 D(1) C(SELECT 1) Z(I)"
        owner.query("create temporary table kept as select 2 as v")
        assert owner.ask(use("s") + m.S) == "2 D(2) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_a_temporary_table_hides_a_table_within_one_pipeline(used):
    text = unique("select v from kept")
    with used.wire() as owner:
        creates = m.P("", "create temporary table kept (v int)") + m.B() + m.E()
        heard = owner.ask(m.P("s", text) + use("s") + creates + use("s") + m.S)
        assert heard == "1 2 D(1) C(SELECT 1) 1 2 C(CREATE TABLE) 2 C(SELECT 0) Z(I)"


def test_code_that_might_make_a_temporary_object_has_nothing_parsed_again(shared):
    """In a failed transaction it would be missed: the error is that of the Bind."""
    endpoint = shared("shared1", max_size=1)
    with endpoint.wire() as earlier:
        earlier.query("create temporary table anything (a int); drop table anything")
    with endpoint.wire() as client:
        client.ask(m.P("s", unique("select 1")) + m.S)
        client.query("begin")
        client.ask(m.F(1317, ("four",)))  # no text tells what it does
        client.ask(m.Q("select 1/0"))
        client.send(use("s") + m.S)
        refused = client.receive()
        assert refused.sqlstate == "25P02" and refused.fields()["R"] == "exec_bind_message", refused.fields()
