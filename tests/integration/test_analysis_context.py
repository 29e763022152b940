"""What a statement means was decided when it was parsed: by the schema, and by the settings of the client who parsed it.
Neither a client's own DDL in the same batch, nor what other clients have set, nor code that nobody has judged yet changes
what it gets."""

import itertools

import pytest

from harness import messages as m

serial = itertools.count()


def unique(text):
    """No other test has parsed it."""
    return f"{text} /* context {next(serial)} */"


def run(name, *values):
    return m.B("", name, values) + m.E()


def unnamed(sql):
    return m.P("", sql) + m.B() + m.E()


@pytest.fixture(params=[1, 2])
def endpoint(request, shared):
    return shared(f"context{request.param}", max_size=request.param)


DROP = "drop schema if exists context_a cascade; drop schema if exists context_b cascade; drop table if exists moved"


@pytest.fixture
def schemas(cluster):
    """Two schemas, whose tables of one name have columns of different types."""
    cluster.execute(DROP + """;
        create schema context_a; create table context_a.items as select 1 as id;
        create schema context_b; create table context_b.items as select 'b'::text as id;
        grant all on schema context_a, context_b to public;
        grant all on context_a.items, context_b.items to public""", "app")
    yield
    cluster.execute(DROP, "app")


# --- DDL in front of a Parse, in one batch ----------------------------------------------------------------------

# What is done to the table, a statement, and its answer with these values.
OWN_DDL = {
    "another type of a parameter": ("alter table moved alter id type bigint", "insert into moved (id) values ($1)",
                                    ("3000000000",), "C(INSERT 0 1)"),
    "a value that would be stored otherwise": (
        "alter table moved alter t type timestamptz", "insert into moved (t) values ($1) returning t at time zone 'UTC'",
        ("2024-01-01 00:00:00+00",), "D(2024-01-01 00:00:00) C(INSERT 0 1)"),
    "one column more": ("alter table moved add c int default 9", "select * from moved where id > $1", ("0",), "C(SELECT 0)"),
    "another name of a column": ("alter table moved rename v to w", "select v from moved where id = $1", ("1",), None),
    "no table": ("drop table moved", "select 1 from moved where id = $1", ("1",), None),
}


@pytest.mark.parametrize("begins", [True, False], ids=["in a transaction block", "in an implicit one"])
@pytest.mark.parametrize("change", OWN_DDL)
def test_a_parse_behind_ddl_in_the_same_batch_sees_it(endpoint, schemas, cluster, change, begins):
    ddl, text, values, answer = OWN_DDL[change]
    text = unique(text)
    cluster.execute("create table moved (id int, v text, t timestamp); alter table moved owner to app", "app")
    with endpoint.wire() as other, endpoint.wire() as owner:
        other.query("set timezone to 'Asia/Karachi'")
        owner.query("set timezone to 'Asia/Karachi'")
        assert other.ask(m.P("s", text) + m.S) == "1 Z(I)"
        heard = owner.ask((unnamed("begin") if begins else b"") + unnamed(ddl) + m.P("s", text) + run("s", *values) + m.S)
        before = ("1 2 C(BEGIN) " if begins else "") + f"1 2 C({' '.join(ddl.upper().split()[:2])}) "
        if answer is None:
            assert heard in (before + f"E({code}) Z({'E' if begins else 'I'})" for code in ("42703", "42P01")), heard
        else:
            assert heard == before + f"1 2 {answer} Z({'T' if begins else 'I'})"
        if begins:
            owner.query("rollback")


# --- Another client's settings ----------------------------------------------------------------------------------

# A text whose literals are read under a setting, what another client sets, and the row of one that has set nothing.
READ_UNDER = {
    "TimeZone": ("select extract(epoch from timestamptz '2024-01-01 12:00')::int", "timezone = 'Asia/Tokyo'", "1704110400"),
    "DateStyle": ("select extract(month from date '01/02/2024')", "datestyle = 'ISO, DMY'", "1"),
    "standard_conforming_strings": (r"select length('a\nb')", "standard_conforming_strings = off", "4"),
    "transform_null_equals": ("select count(*) from (values (null), (1)) as v(a) where a = null",
                              "transform_null_equals = on", "0"),
}
SCOPES = {"for a transaction": "set local ", "for good": "set "}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("setting", READ_UNDER)
def test_literals_of_a_client_that_sets_nothing_are_not_read_under_anothers_settings(shared, setting, scope):
    text, sets, row = READ_UNDER[setting]
    text = unique(text)
    endpoint = shared("context1", max_size=1)
    with endpoint.wire() as deviates, endpoint.wire() as client, endpoint.wire() as empties:
        for wire in (deviates, client):
            wire.query("set timezone = 'UTC'")
            assert wire.ask(m.P("s", text) + run("s") + m.S) == f"1 2 D({row}) C(SELECT 1) Z(I)"
        empties.ask(m.Q("select 1") + unnamed("deallocate all") + m.S)
        empties.until_ready()
        deviates.query("begin")
        deviates.query(SCOPES[scope] + sets)
        deviates.ask(run("s") + m.S)  # parsed anew, under what is set now
        deviates.query("commit")
        for _ in range(2):
            assert client.ask(run("s") + m.S) == f"2 D({row}) C(SELECT 1) Z(I)"


# --- Code that nobody has judged --------------------------------------------------------------------------------

SETS = "create function context_a.sets() returns int language plpgsql as $$ begin set local search_path = context_a; return 1; end $$"
UNNAMED_CODE = {
    "a trigger": (SETS.replace("sets() returns int", "fires() returns trigger").replace("return 1", "return new") +
                  "; create table context_a.log (v int); create trigger t before insert on context_a.log for each row"
                  " execute function context_a.fires()", "insert into context_a.log values (1)"),
    "a view": (SETS + "; create view context_a.calls as select context_a.sets() as v", "select v from context_a.calls"),
    "a default": (SETS + "; create table context_a.log (v int default context_a.sets())",
                  "insert into context_a.log default values"),
}


@pytest.mark.parametrize("code", UNNAMED_CODE)
def test_a_refusal_behind_code_that_no_statement_names_is_the_clients(start, schemas, cluster, code):
    made, call = UNNAMED_CODE[code]
    cluster.execute(made + "; grant all on all tables in schema context_a to public", "app")
    text = unique("select * from items")
    with start(max_size=1).wire() as client:  # one that has judged no code yet
        client.query("set search_path = context_b")
        assert client.ask(m.P("s", text) + m.S) == "1 Z(I)"
        client.query("begin")
        client.ask(m.Q(call))
        for _ in range(2):
            client.query("savepoint a")
            assert client.ask(run("s") + m.S) == "E(0A000) Z(E)"
            client.query("rollback to a")
        client.query("rollback")
        client.query("set search_path = context_b")
        assert client.ask(run("s") + m.S) == "2 D(b) C(SELECT 1) Z(I)"


# --- SQL's PREPARE ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("scope", SCOPES)
def test_a_statement_prepared_by_sql_is_refused_where_the_path_finds_another_table(endpoint, schemas, scope):
    with endpoint.wire() as client:
        client.query("set search_path = context_b")
        client.query(f"prepare s as {unique('select * from items')}")
        assert client.query("execute s") == [["b"]]
        if scope == "for good":
            client.query("set search_path = context_a")
            for _ in range(2):
                assert client.ask(m.Q("execute s")) == "E(0A000) Z(I)"
            client.query("set search_path = context_b")
        else:
            client.query("begin")
            client.query("set local search_path = context_a")
            for _ in range(2):
                client.query("savepoint a")
                assert client.ask(m.Q("execute s")) == "E(0A000) Z(E)"
                client.query("rollback to a")
            client.query("rollback")
        assert client.query("execute s") == [["b"]]
