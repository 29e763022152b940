"""The server analyses a prepared statement again when something in the database has changed, and plans it when it likes: both
under the settings of whoever uses it then. What comes of that is that client's alone."""

import contextlib
import itertools

import pytest

from harness import messages as m
from harness.waiting import until

serial = itertools.count()


def unique(text):
    """No other test has parsed it."""
    return f"{text} /* plans {next(serial)} */"


def run(name, *values):
    return m.B("", name, values) + m.E()


@pytest.fixture
def endpoint(shared):
    return shared("plans1", max_size=1)


DROP = "drop table if exists planned; drop schema if exists plans cascade"


@pytest.fixture
def made(cluster):
    cluster.execute(DROP + """;
        create table planned (at timestamptz); insert into planned values ('2020-01-01 00:00+00'); alter table planned owner to app;
        create schema plans; grant usage on schema plans to public;
        create function plans.month() returns int language sql stable as $$ select extract(month from date '01/02/2020')::int $$;
        grant select on planned to public""", "app")
    yield
    cluster.execute(DROP, "app")


# A statement, what another client sets, what makes the server look at the statement again, and the row of a client that has
# set nothing.
READ = {
    "a time, after ANALYZE": ("select extract(epoch from timestamptz '2020-01-01 00:00')::int from planned",
                              "timezone = 'Asia/Tokyo'", "analyze planned", "1577836800"),
    "a time, after an index": ("select extract(epoch from timestamptz '2020-01-01 00:00')::int from planned",
                               "timezone = 'Asia/Tokyo'", "create index on planned (at)", "1577836800"),
    "a time, after DISCARD PLANS": ("select extract(epoch from timestamptz '2020-01-01 00:00')::int",
                                    "timezone = 'Asia/Tokyo'", "discard plans", "1577836800"),
    "a date": ("select extract(month from date '01/02/2020')::int from planned", "datestyle = 'ISO, DMY'", "analyze planned", "1"),
    "bytes": ("select ('abc'::bytea)::text", "bytea_output = 'escape'", None, r"\x616263"),
    "a number": ("select (1/3::float8)::text", "extra_float_digits = 0", None, "0.3333333333333333"),
    "the body of a function": ("select plans.month()", "datestyle = 'ISO, DMY'", None, "1"),
}
SCOPES = {"for a transaction": "set local ", "for good": "set "}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("kind", READ)
def test_what_the_server_has_read_under_anothers_settings_is_not_this_clients(endpoint, made, kind, scope):
    text, sets, change, row = READ[kind]
    text = unique(text)
    right = f"2 D({row}) C(SELECT 1) Z(I)"
    with endpoint.wire() as deviates, endpoint.wire() as holder, endpoint.wire() as fresh:
        for wire in (deviates, holder):
            assert wire.ask(m.P("s", text) + m.S) == "1 Z(I)"
        deviates.query("begin")
        deviates.query(SCOPES[scope] + sets)
        if change and not change.startswith("create"):
            deviates.query(change)
        deviates.query("commit")
        if change and change.startswith("create"):
            holder.query(change)
        deviates.query("begin")
        deviates.query(SCOPES[scope] + sets)
        deviates.ask(run("s") + m.S)
        deviates.query("commit")
        # Parsed within a moment of the last one, and not.
        assert fresh.ask(m.P("s", text) + run("s") + m.S) == "1 " + right
        for _ in range(3):
            assert holder.ask(run("s") + m.S) == right
            assert fresh.ask(run("s") + m.S) == right


def test_what_another_client_writes_is_not_written_by_anothers_clock(endpoint, made, cluster):
    text = unique("insert into planned values (timestamptz '2021-06-01 12:00') returning extract(epoch from at)::int")
    with endpoint.wire() as deviates, endpoint.wire() as client:
        for wire in (deviates, client):
            wire.ask(m.P("s", text) + m.S)
        deviates.query("set timezone = 'Asia/Tokyo'")
        client.query("create index on planned (at)")
        deviates.ask(run("s") + m.S)
        assert client.ask(run("s") + m.S) == "2 D(1622548800) C(INSERT 0 1) Z(I)"


ROLES = ("plans_may", "plans_must_not")
BODIES = {"SQL": "sql immutable as $$ select x + 1 $$", "PL/pgSQL": "plpgsql immutable as $$ begin return x + 1; end $$"}


@pytest.fixture
def roles(cluster):
    """Of two roles that the login may take, one may run a function."""
    drop = "drop schema if exists plans_of cascade; " + "; ".join(f"drop role if exists {role}" for role in ROLES)
    cluster.execute(drop + "; " + "; ".join(f"create role {role}; grant {role} to app" for role in ROLES) +
                    "; create schema plans_of; grant usage on schema plans_of to public", "app")
    yield
    cluster.execute(drop, "app")


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("language", BODIES)
def test_a_function_that_another_role_may_run_is_refused_to_this_one(endpoint, roles, cluster, language, scope):
    cluster.execute(f"create or replace function plans_of.f(x int) returns int language {BODIES[language]}; "
                    "revoke all on function plans_of.f from public; grant execute on function plans_of.f to plans_may", "app")
    text = unique("select plans_of.f(1)")
    refused = "E(42501)"
    with endpoint.wire() as may, endpoint.wire() as must_not, endpoint.wire() as fresh:
        for wire in (may, must_not, fresh):
            wire.query("set role plans_must_not")
        for wire in (may, must_not):
            wire.ask(m.P("s", text) + m.S)
        may.query("begin")
        may.query(SCOPES[scope] + "role plans_may")
        assert may.ask(run("s") + m.S) == "2 D(2) C(SELECT 1) Z(T)"
        may.query("commit")
        for _ in range(2):
            assert refused in must_not.ask(run("s") + m.S)
        assert refused in fresh.ask(m.P("s", text) + run("s") + m.S)


@pytest.mark.parametrize("how", ["by turns", "a string", "a portal"])
def test_neither_client_gets_what_the_other_one_has_had_planned(endpoint, how):
    text = unique("select (1/3::float8)::text")
    short, whole = "2 D(0.33333) C(SELECT 1) Z(I)", "2 D(0.3333333333333333) C(SELECT 1) Z(I)"
    with endpoint.wire() as deviates, endpoint.wire() as client:
        for wire in (deviates, client):
            wire.ask(m.P("s", text) + m.S)
        assert client.ask(run("s") + m.S) == whole
        if how == "by turns":
            deviates.query("set extra_float_digits = -10")
        for _ in range(3):
            if how == "by turns":
                assert deviates.ask(run("s") + m.S) == short
            elif how == "a string":
                assert "D(0.33333)" in deviates.ask(m.Q("begin; set local extra_float_digits = -10; execute s; commit"))
            else:
                deviates.query("begin")
                deviates.ask(m.P("", "execute s") + m.B("p") + m.S)
                deviates.query("set local extra_float_digits = -10")
                assert deviates.ask(m.E("p") + m.S) == "D(0.33333) C(SELECT 1) Z(T)"
                deviates.query("commit")
            assert client.ask(run("s") + m.S) == whole


@pytest.mark.own
def test_a_statement_is_not_parsed_again_where_the_settings_are_alike(start):
    """The server looks itself whether the search_path has changed; others do not concern plans."""
    endpoint = start(max_size=1)
    text = unique("select 1 from pg_class where relname = 'pg_class' and $1::int = 1")
    with endpoint.wire() as one, endpoint.wire() as other:
        for wire in (one, other):
            wire.ask(m.P("s", text) + m.S)
        injected = endpoint.metric("pgweir_statements_injected_total", user="app")
        for sets, wire in (("search_path = public", one), ("search_path = pg_catalog", other), ("app.tenant = '1'", one),
                           ("statement_timeout = '7s'", other), ("application_name = 'x'", one)):
            wire.query("set " + sets)
            for each in (one, other):
                assert each.ask(run("s", "1") + m.S) == "2 D(1) C(SELECT 1) Z(I)"
        assert endpoint.metric("pgweir_statements_injected_total", user="app") == injected


# --- Descriptions --------------------------------------------------------------------------------------------------

@pytest.fixture
def described(cluster):
    cluster.execute("drop table if exists described; create table described (a int, b text); insert into described values (7, 'x'); "
                    "alter table described owner to app", "app")
    yield
    cluster.execute("drop table described", "app")


FORMATS = {"one for each column": [0, 0], "binary": [1, 0]}
CHANGES = ["add z int", "drop b", "alter a type float4"]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("formats", FORMATS)
def test_a_client_that_counts_its_columns_hears_of_a_stale_plan(endpoint, described, formats, change):
    """As pgx does: it describes the portal each time, but its Bind has a format for each column it knows."""
    text = unique("select * from described")
    bind = m.B("", "s", (), result_formats=FORMATS[formats])
    with endpoint.wire() as client, endpoint.wire() as owner:
        client.ask(m.P("s", text) + m.DS("s") + m.S)
        client.ask(bind + m.DP("") + m.E() + m.S)
        owner.query(f"alter table described {change}")
        for _ in range(2):
            assert client.ask(bind + m.DP("") + m.E() + m.S) == "E(0A000) Z(I)"


def test_an_execute_by_sql_does_not_tell_who_reads_rows_by_an_old_description(endpoint, described):
    text = unique("select * from described")
    with endpoint.wire() as client, endpoint.wire() as owner:
        client.ask(m.P("s", text) + m.DS("s") + m.S)
        owner.query("alter table described add z int")
        for message in (run("s") + m.S, m.Q("execute s"), run("s") + m.S):
            assert client.ask(message) == "E(0A000) Z(I)"


# --- DDL that is visible before its answer ---------------------------------------------------------------------------

COMMITS = {
    "a pipeline": lambda wait: [m.Q("begin"), m.Q("create table early.t as select 1 as v"),
                                m.P("", "commit") + m.B() + m.E() + m.P("", wait) + m.B() + m.E() + m.S],
    "a string": lambda wait: [m.Q("begin"), m.Q("create table early.t as select 1 as v"), m.Q("commit; " + wait)],
    "a block": lambda wait: [m.Q("do $$ begin create table early.t as select 1 as v; commit; " +
                                 wait.replace("select", "perform") + "; end $$")],
}


@pytest.fixture
def early(cluster):
    """A schema in front of another one, in which there is a table."""
    drop = "drop schema if exists early, late cascade"
    cluster.execute(drop + "; create schema early; create schema late; create table late.t as select 2 as v; "
                    "alter table late.t owner to app; grant all on schema early, late to app", "app")
    yield
    cluster.execute(drop, "app")


@pytest.mark.own
@pytest.mark.parametrize("how", COMMITS)
def test_what_is_parsed_while_ddl_is_being_committed_is_shared_with_nobody(start, cluster, early, how):
    endpoint = start(max_size=2, min_size=2)
    text = unique("select v from t")
    with (endpoint.wire() as owner, endpoint.wire() as client, endpoint.wire() as fresh,
          contextlib.closing(cluster.connect("app")) as direct):
        for wire in (owner, client, fresh):
            wire.query("set search_path = early, late")
        owner.query("begin")
        for wire in (owner, client):  # both server connections have the statement
            assert wire.ask(m.P("s", text) + run("s") + m.S).startswith("1 2 D(2)")
        owner.query("commit")
        with direct.cursor() as cursor:
            cursor.execute("select pg_advisory_lock(4711)")
            *first, last = COMMITS[how]("select pg_advisory_xact_lock(4711)")
            for message in first:
                owner.ask(message)
            owner.send(last)
            until(lambda: cluster.execute("select to_regclass('early.t') is not null", "app")[0][0], "the table")
            assert fresh.ask(m.P("s", text) + run("s") + m.S).startswith("1 2 D(1)")
            cursor.execute("select pg_advisory_unlock(4711)")
        owner.until_ready()
        # On the one server connection, and on the other.
        client.query("begin")
        assert fresh.ask(run("s") + m.S).startswith("2 D(1)")
        owner.query("begin")
        client.query("commit")
        assert fresh.ask(run("s") + m.S).startswith("2 D(1)")
        owner.query("commit")


LITERALS = {
    "a date": ("select '01/02/2024'::date::text", "datestyle", "'SQL, DMY'", "02/01/2024", "2024-01-02"),
    "a time": ("select extract(epoch from timestamptz '2020-01-01 00:00')::int", "timezone", "'Asia/Tokyo'", "1577836800",
               "1577836800"),
}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("kind", LITERALS)
def test_a_clients_literal_stays_what_it_was_at_its_parse(endpoint, kind, scope):
    text, name, value, meanwhile, home = LITERALS[kind]
    text = unique(text)
    with endpoint.wire() as client, endpoint.wire() as other:
        for wire in (client, other):
            assert wire.ask(m.P("s", text) + run("s") + m.S) == f"1 2 D({home}) C(SELECT 1) Z(I)"
        client.query("begin")
        client.query(SCOPES[scope] + f"{name} = {value}")
        for _ in range(2):
            assert client.ask(run("s") + m.S) == f"2 D({meanwhile}) C(SELECT 1) Z(T)"
        client.query("commit")
        if scope == "for good":
            client.query(f"reset {name}")
        for wire in (client, other, client):
            assert wire.ask(run("s") + m.S) == f"2 D({home}) C(SELECT 1) Z(I)"


def test_a_schema_that_may_not_be_used_any_more_is_noticed_at_once(endpoint, cluster, roles):
    cluster.execute("drop schema if exists left_out cascade; create schema left_out authorization app; "
                    "create table left_out.named (a int); grant select on left_out.named to public; "
                    "grant usage on schema left_out to plans_may", "app")
    with endpoint.wire() as user, endpoint.wire() as owner:
        user.query("set role plans_may")
        assert user.ask(m.P("s", unique("select * from left_out.named")) + m.S) == "1 Z(I)"
        text = unique("select * from left_out.named")
        assert user.ask(m.P("t", text) + run("t") + m.S).startswith("1 2 ")
        owner.query("revoke usage on schema left_out from plans_may")
        assert user.ask(m.P("u", text) + m.S) == "E(42501) Z(I)"
        assert user.ask(m.P("u", "select 1") + run("u") + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"
        user.query("reset role")
    cluster.execute("drop schema left_out cascade", "app")


HIDING = {
    "a function": "select plans.hide()",
    "a function that composes it": "select plans.hide('planned')",
    "a procedure": "call plans.hide_too()",
    "a DO that composes it": "do $$ begin execute format('create temp table %I on commit drop as select 99 as at', 'planned'); end $$",
    "a trigger": "insert into plans.fired values (1)",
}


@pytest.mark.parametrize("kind", HIDING)
def test_a_table_that_unread_code_hides_is_hidden(start, made, cluster, kind):
    """An earlier client has had temporary tables on the connection, so that PostgreSQL does not look names up again."""
    make = "create temp table planned on commit drop as select 99 as at;"
    cluster.execute(f"""
        create function plans.hide() returns void language plpgsql as $$ begin {make} end $$;
        create function plans.hide(name text) returns void language plpgsql as
            $$ begin execute format('create temp table %I on commit drop as select 99 as at', name); end $$;
        create procedure plans.hide_too() language plpgsql as $$ begin {make} end $$;
        create table plans.fired (a int); grant insert on plans.fired to public;
        create function plans.hide_by_trigger() returns trigger language plpgsql as $$ begin {make} return new; end $$;
        create trigger hides after insert on plans.fired for each row execute function plans.hide_by_trigger()""", "app")
    endpoint = start(max_size=1)
    with endpoint.wire() as earlier, endpoint.wire() as client:
        earlier.query("begin; create temp table passing (a int) on commit drop; commit")
        if kind == "a trigger":  # which is known from then on
            earlier.query("begin; insert into plans.fired values (0); rollback")
            earlier.query("select 1")
        assert client.ask(m.P("s", "select at::text from planned") + run("s") + m.S).startswith("1 2 D(2020-01-01")
        client.query("begin")
        client.query(HIDING[kind])
        assert client.ask(run("s") + m.S) == "2 D(99) C(SELECT 1) Z(T)"
        client.query("commit")
        assert client.ask(run("s") + m.S).startswith("2 D(2020-01-01")
