"""A client that has been told what a statement looks like reads its rows by that. When DDL has changed the statement it
gets PostgreSQL's own error, and gets it again until it parses anew, whichever server connection serves it; a client
that has been told nothing, or is told in the same batch, notices nothing."""

import asyncio
import itertools

import asyncpg
import psycopg
import psycopg.errors
import pytest

from harness import messages as m
from harness.cluster import USERS

serial = itertools.count()

# The table, what is done to it, and the row of `select *` afterwards.
CHANGES = {
    "int4 to float4": ("(a int)", "(1)", "alter table told alter a type float4", {"a": 1.0}),
    "int4 to text": ("(a int)", "(1)", "alter table told alter a type text", {"a": "1"}),
    "text to bytea": ("(a text)", "('A')", "alter table told alter a type bytea using a::bytea", {"a": b"A"}),
    "int4 to numeric": ("(a int)", "(1)", "alter table told alter a type numeric", {"a": 1}),
    "a length": ("(a varchar(10))", "('x')", "alter table told alter a type varchar(20)", {"a": "x"}),
    "columns swap names": ("(a int, b int)", "(1, 2)", "alter table told rename a to x; alter table told rename b to a;"
                           "alter table told rename x to b", {"b": 1, "a": 2}),
    "columns swap types": ("(a int, b text)", "(1, '2')", "alter table told rename a to x; alter table told rename b to a;"
                           "alter table told rename x to b", {"b": 1, "a": "2"}),
    "a column is dropped": ("(a int, b int, c int)", "(1, 2, 3)", "alter table told drop column b", {"a": 1, "c": 3}),
    "a column is added": ("(a int, b int)", "(1, 2)", "alter table told add column c int default 3", {"a": 1, "b": 2, "c": 3}),
    "all columns are dropped": ("(a int)", "(1)", "alter table told drop column a", {}),
    "made again": ("(a int)", "(1)", "drop table told; create table told (b text); insert into told values ('new');"
                   "grant all on told to public", {"b": "new"}),
    "a view in its place": ("(a int)", "(1)", "drop table told; create view told as select 'seen'::text as v;"
                            "grant all on told to public", {"v": "seen"}),
}

CLEANUP = """do $$ begin
  drop table if exists told cascade; exception when wrong_object_type then drop view told cascade;
end $$"""


@pytest.fixture
def text():
    """No other test has parsed it: DDL from elsewhere is seen only by those who parse later."""
    return f"select * from told /* {next(serial)} */"


@pytest.fixture(params=[1, 3])
def endpoint(request, shared):
    return shared(f"told{request.param}", max_size=request.param)


@pytest.fixture
def table(cluster):
    def make(columns, values):
        cluster.execute(f"{CLEANUP}; create table told {columns}; insert into told values {values};"
                        "grant all on told to public", "app")

    yield make
    cluster.execute(CLEANUP, "app")


def asyncpg_connection(endpoint, **options):
    return asyncpg.connect(host=endpoint.host, port=endpoint.port, user="app", password=USERS["app"], database="app", **options)


def run_asyncpg(endpoint, work):
    async def main():
        connection = await asyncpg_connection(endpoint)
        try:
            return await asyncio.wait_for(work(connection), 60)
        finally:
            await connection.close()

    return asyncio.run(main())


# --- asyncpg ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", CHANGES)
def test_asyncpg_reads_the_rows_by_what_they_are_now(endpoint, table, cluster, change, text):
    columns, values, ddl, row = CHANGES[change]
    table(columns, values)

    async def work(connection):
        await connection.fetch(text)
        cluster.execute(ddl, "app")
        return [[dict(x) for x in await connection.fetch(text)] for _ in range(3)]

    assert run_asyncpg(endpoint, work) == [[row]] * 3


@pytest.mark.parametrize("change", CHANGES)
def test_asyncpg_in_a_transaction_gets_the_error_once_and_then_the_rows(endpoint, table, cluster, change, text):
    """The driver describes anew what it was refused, but leaves it to the application to begin again."""
    columns, values, ddl, row = CHANGES[change]
    table(columns, values)
    is_refused = change != "a length"

    async def work(connection):
        await connection.fetch(text)
        cluster.execute(ddl, "app")
        heard = []
        for _ in range(3):
            try:
                async with connection.transaction():
                    heard.append([dict(x) for x in await connection.fetch(text)])
            except asyncpg.InvalidCachedStatementError as error:
                heard.append(error.sqlstate)
        return heard

    heard = run_asyncpg(endpoint, work)
    assert heard in (["0A000", [row], [row]], [[row]] * 3) if not is_refused or endpoint.kind == "pgweir" \
        else heard == ["0A000", [row], [row]]


def test_asyncpg_keeps_a_statement_of_its_own(endpoint, table, cluster, text):
    table("(a int)", "(1)")

    async def work(connection):
        statement = await connection.prepare(text)
        assert [dict(x) for x in await statement.fetch()] == [{"a": 1}]
        cluster.execute("alter table told alter a type text using 'new'", "app")
        for _ in range(3):
            with pytest.raises(asyncpg.FeatureNotSupportedError):
                await statement.fetch()
        again = await connection.prepare(text)
        return [dict(x) for x in await again.fetch()]

    assert run_asyncpg(endpoint, work) == [{"a": "new"}]


def test_asyncpg_while_others_come_and_columns_change(endpoint, table, cluster, text):
    """Many connections, several of them held in transactions, so that statements are provided elsewhere."""
    table("(a int)", "(1)")
    kinds = [("text", "1"), ("int", 1), ("numeric", 1), ("text", "1"), ("float4", 1.0), ("int", 1)]

    async def main():
        connections = [await asyncpg_connection(endpoint) for _ in range(6)]
        for turn, (kind, value) in enumerate(kinds):
            for number, connection in enumerate(connections):
                if (turn + number) % 3:
                    async with connections[(number + 1) % 6].transaction():
                        pass
                await connection.fetch(text)
            cluster.execute(f"alter table told alter a type {kind} using a::{kind}", "app")
            for connection in connections:
                [row] = await connection.fetch(text)
                assert row["a"] == value and type(row["a"]) is not bytes, (turn, kind, row["a"])
            await connections[turn].close()
            connections[turn] = await asyncpg_connection(endpoint)
            [row] = await connections[turn].fetch(text)
            assert row["a"] == value
        for connection in connections:
            await connection.close()

    asyncio.run(asyncio.wait_for(main(), 60))


# --- psycopg 3 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_psycopg_reads_the_rows_by_what_they_are_now(endpoint, table, cluster, change, binary, text):
    """It asks for a description in every batch; PostgreSQL refuses it all the same."""
    columns, values, ddl, row = CHANGES[change]
    table(columns, values)
    with psycopg.connect(**endpoint.address(), autocommit=True, prepare_threshold=0) as connection:
        connection.execute(text, binary=binary).fetchall()
        cluster.execute(ddl, "app")
        heard = []
        for _ in range(3):
            try:
                cursor = connection.execute(text, binary=binary)
                heard.append(dict(zip([c.name for c in cursor.description], cursor.fetchone())))
            except psycopg.errors.FeatureNotSupported:
                heard.append("0A000")
        cursor = connection.execute(text + " -- parsed anew", binary=binary)
        assert dict(zip([c.name for c in cursor.description], cursor.fetchone())) == row
    # Nothing but the two is right; what is right after an error differs only in who looks away.
    assert all(x in ("0A000", row) for x in heard), heard


# --- On the wire -----------------------------------------------------------------------------------------------


def told(wire, text, name="s"):
    """Parsed, described, and run once."""
    heard = wire.ask(m.P(name, text) + m.DS(name) + m.S)
    assert heard.startswith("1 t() T Z"), heard
    assert wire.ask(m.B("", name) + m.E() + m.S).startswith("2 D("), "a row"


def run(wire, name="s"):
    return wire.ask(m.B("", name) + m.E() + m.S)


REFUSED = [change for change in CHANGES if change not in ("a length", "a view in its place")]


@pytest.mark.parametrize("how", ["whole", "bytes"])
@pytest.mark.parametrize("change", REFUSED)
def test_the_error_comes_again_until_the_client_parses_anew(endpoint, table, cluster, change, how, text):
    columns, values, ddl, row = CHANGES[change]
    table(columns, values)
    with endpoint.wire() as wire:
        told(wire, text)
        cluster.execute(ddl, "app")
        for _ in range(3):
            wire.send(m.B("", "s") + m.E() + m.S, how)
            heard = wire.until_ready()
            assert " ".join(map(str, heard)) == "E(0A000) Z(I)"
            assert heard[0].text == "cached plan must not change result type"
            assert heard[0].fields()["R"] == "RevalidateCachedQuery", "which drivers look at"
        shown = ",".join(str(int(v) if isinstance(v, float) else v) if not isinstance(v, bytes) else "\\x41" for v in row.values())
        wire.send(m.CS("s") + m.P("s", text) + m.DS("s") + m.B("", "s") + m.E() + m.S, how)
        heard = wire.until_ready()
        assert " ".join(map(str, heard)) == f"3 1 t() T 2 D({shown}) C(SELECT 1) Z(I)"
        assert heard[3].column_names() == list(row)


def keep_busy(endpoint, pid, helpers):
    """The server connection `pid` is in a transaction of one of the helpers, and the others are free."""
    if endpoint.kind != "pgweir":
        return
    for helper in helpers:
        helper.query("begin")
    held = {helper.value("select pg_backend_pid()"): helper for helper in helpers}
    for found, helper in held.items():
        if found != pid:
            helper.query("commit")
    assert pid in held


@pytest.mark.parametrize("serving", ["the same connection", "another connection"])
def test_the_error_comes_wherever_the_statement_is_provided(shared, table, cluster, serving, text):
    """On another server connection the statement was never parsed: there nothing is stale, only different."""
    endpoint = shared("told2", max_size=2)
    table("(a int)", "(1)")
    with endpoint.wire() as wire, endpoint.wire() as one, endpoint.wire() as two:
        for helper in (one, two):
            helper.query("begin")
        for helper in (one, two):
            helper.query("commit")
        wire.query("begin")
        assert wire.ask(m.P("s", text) + m.DS("s") + m.S) == "1 t() T Z(T)"
        pid = wire.value("select pg_backend_pid()")
        wire.query("commit")
        if serving == "another connection":
            keep_busy(endpoint, pid, (one, two))
        cluster.execute("alter table told alter a type float4", "app")
        for _ in range(3):
            assert run(wire) == "E(0A000) Z(I)"
            assert wire.ask(m.B("", "s") + m.E() + m.B("", "s") + m.E() + m.S) == "E(0A000) Z(I)"
        with endpoint.wire() as late:
            assert late.ask(m.P("s", text) + m.B("", "s") + m.E() + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"
            assert run(wire) == "E(0A000) Z(I)"
            assert run(late) == "2 D(1) C(SELECT 1) Z(I)"
        assert wire.ask(m.CS("s") + m.P("s", text) + m.S) == "3 1 Z(I)"
        assert run(wire) == "2 D(1) C(SELECT 1) Z(I)"


def test_two_clients_that_were_told_different_things(endpoint, table, cluster, text):
    """Each keeps what it was told, and the change back makes the first one's right again."""
    table("(a int)", "(1)")
    with endpoint.wire() as first, endpoint.wire() as second:
        told(first, text)
        cluster.execute("alter table told alter a type text", "app")
        assert run(first) == "E(0A000) Z(I)"
        heard = second.ask(m.P("s", text) + m.DS("s") + m.B("", "s") + m.E() + m.S)
        assert heard == "1 t() T 2 D(1) C(SELECT 1) Z(I)"
        assert run(first) == "E(0A000) Z(I)"
        assert run(second) == "2 D(1) C(SELECT 1) Z(I)"
        cluster.execute("alter table told alter a type int using a::int", "app")
        assert run(first) == "2 D(1) C(SELECT 1) Z(I)"
        assert run(second) == "E(0A000) Z(I)"


def test_a_portals_description_counts_as_well(endpoint, table, cluster, text):
    table("(a int)", "(1)")
    with endpoint.wire() as wire:
        assert wire.ask(m.P("s", text) + m.B("", "s") + m.DP() + m.E() + m.S) == "1 2 T D(1) C(SELECT 1) Z(I)"
        cluster.execute("alter table told alter a type text", "app")
        for _ in range(2):
            assert run(wire) == "E(0A000) Z(I)"


@pytest.mark.parametrize("how", ["in one batch", "in a transaction"])
def test_each_portals_description_counts(endpoint, table, cluster, how, text):
    table("(a int)", "(1)")
    with endpoint.wire() as wire:
        bound = [m.P("s", text) + m.B("one", "s") + m.P("t", "select 7") + m.B("two", "t"), m.DP("one") + m.DP("two"),
                 m.E("one") + m.E("two")]
        if how == "in one batch":
            assert wire.ask(b"".join(bound) + m.S).endswith("T T D(1) C(SELECT 1) D(7) C(SELECT 1) Z(I)")
        else:
            wire.query("begin")
            for part in bound:
                wire.ask(part + m.S)
            wire.query("commit")
        cluster.execute("alter table told alter a type text", "app")
        for _ in range(2):
            assert run(wire) == "E(0A000) Z(I)"


@pytest.mark.parametrize("name", ["s", ""], ids=["named", "unnamed"])
def test_what_was_told_in_an_earlier_transaction(endpoint, table, cluster, name, text):
    table("(a int)", "(1)")
    with endpoint.wire() as wire:
        wire.query("begin")
        assert wire.ask(m.P(name, text) + m.DS(name) + m.S) == "1 t() T Z(T)"
        assert wire.ask(m.P("", "commit") + m.B() + m.E() + m.S if name else m.Q("select 1; commit")).endswith("C(COMMIT) Z(I)")
        cluster.execute("alter table told alter a type text", "app")
        # A simple query has dropped the unnamed one.
        assert run(wire, name) == ("E(0A000) Z(I)" if name else "E(26000) Z(I)")


def test_the_unnamed_statement_is_no_exception(endpoint, table, cluster, text):
    table("(a int)", "(1)")
    with endpoint.wire() as wire, endpoint.wire() as other:
        other.query("select 1")
        assert wire.ask(m.P("", text) + m.DS() + m.S) == "1 t() T Z(I)"
        assert other.ask(m.P("", "select 'other'") + m.B() + m.E() + m.S) == "1 2 D(other) C(SELECT 1) Z(I)"
        cluster.execute("alter table told alter a type text", "app")
        for _ in range(2):
            assert run(wire, "") == "E(0A000) Z(I)"
        assert wire.ask(m.P("", text) + m.B() + m.E() + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"


def test_a_batch_of_several_uses_is_refused_as_a_whole(endpoint, table, cluster, text):
    table("(a int)", "(1)")
    with endpoint.wire() as wire:
        told(wire, text)
        cluster.execute("alter table told alter a type text", "app")
        batch = m.P("", "select 'first'") + m.B() + m.E() + m.B("", "s") + m.E() + m.P("n", "select 'never'") + m.S
        assert wire.ask(batch) == "1 2 D(first) C(SELECT 1) E(0A000) Z(I)"
        assert wire.ask(m.B("", "n") + m.S) == "E(26000) Z(I)"


def test_parameters_stay_what_the_server_has_inferred(endpoint, table, cluster, text):
    """A statement's parameters keep their types, whatever becomes of the columns; only its rows are refused."""
    table("(a int, b text)", "(1, 'b')")
    with endpoint.wire() as wire:
        assert wire.ask(m.P("s", text.replace("* from told", "b from told where a = $1")) + m.DS("s") + m.S) == "1 t(23) T Z(I)"
        assert wire.ask(m.B("", "s", ("1",)) + m.E() + m.S) == "2 D(b) C(SELECT 1) Z(I)"
        cluster.execute("alter table told alter a type bigint; alter table told add c int", "app")
        for _ in range(2):
            assert wire.ask(m.B("", "s", ("1",)) + m.E() + m.S) == "2 D(b) C(SELECT 1) Z(I)"
            assert wire.ask(m.B("", "s", ("3000000000",)) + m.E() + m.S) == "E(22003) Z(I)"
            assert wire.ask(m.DS("s") + m.S) == "t(23) T Z(I)"


# --- A statement of SQL's PREPARE ------------------------------------------------------------------------------

DESCRIBED = {
    "by its name": (m.DS("q") + m.S, "t() T Z(I)"),
    "by its portal": (m.B("", "q") + m.DP() + m.E() + m.S, "2 T D(1) C(SELECT 1) Z(I)"),
    "by a portal of another name": (m.B("p", "q") + m.B() + m.DP("p") + m.S, "2 2 T Z(I)"),
}


@pytest.mark.parametrize("used", ["before", "not before"])
@pytest.mark.parametrize("how", DESCRIBED)
@pytest.mark.parametrize("serving", ["the same connection", "another connection"])
def test_the_error_comes_wherever_a_statement_of_sql_is_provided(shared, table, cluster, serving, how, used, text):
    """On another server connection it is prepared anew: there it has the new rows, which the client would misread."""
    endpoint = shared("told2", max_size=2)
    describe, described = DESCRIBED[how]
    table("(a int)", "(1)")
    with endpoint.wire() as wire, endpoint.wire() as one, endpoint.wire() as two:
        for helper in (one, two):
            helper.query("begin")
        for helper in (one, two):
            helper.query("commit")
        wire.query(f"prepare q as {text}")
        assert wire.ask(m.P("", "select 1") + describe) == f"1 {described}"
        pid = wire.value("select pg_backend_pid()")
        if serving == "another connection":
            keep_busy(endpoint, pid, (one, two))
            if used == "before":
                assert run(wire, "q") == "2 D(1) C(SELECT 1) Z(I)"
        cluster.execute("alter table told alter a type text using 'text'", "app")
        for _ in range(2):
            assert run(wire, "q") == "E(0A000) Z(I)"
            assert wire.ask(m.B("", "q", (), (1,)) + m.E() + m.S) == "E(0A000) Z(I)"
            wire.query("begin")
            assert run(wire, "q") == "E(0A000) Z(E)"
            assert run(wire, "q") == "E(25P02) Z(E)"
            wire.query("rollback")
        cluster.execute("alter table told alter a type int using 2", "app")
        assert run(wire, "q") == "2 D(2) C(SELECT 1) Z(I)"
        wire.query("deallocate q")
        wire.query(f"prepare q as {text}")
        cluster.execute("alter table told add b int default 3", "app")
        wire.query("deallocate q")
        wire.query(f"prepare q as {text}")
        assert wire.ask(m.DS("q") + m.B("", "q") + m.E() + m.S) == "t() T 2 D(2,3) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_a_statement_of_sql_that_was_not_described_has_the_new_rows(endpoint, table, cluster, text):
    table("(a int)", "(1)")
    with endpoint.wire() as wire:
        wire.query(f"prepare q as {text}")
        assert run(wire, "q") == "2 D(1) C(SELECT 1) Z(I)"
        cluster.execute("alter table told alter a type text using 'text'", "app")
        for _ in range(2):
            assert run(wire, "q") == "2 D(text) C(SELECT 1) Z(I)"
