"""A client that leaves in the middle of a transaction costs a rollback, not a server connection, also where pgweir has
just been started and has read none of the database's code."""

import psycopg
import pytest

from harness import messages as m
from harness.waiting import until

pytestmark = pytest.mark.own

CLIENTS = 12

SETUP = """drop table if exists left_rows; create table left_rows (a int); grant all on left_rows to public;
create or replace function count_rows() returns bigint language plpgsql as $$ begin return (select count(*) from left_rows); end $$;
create or replace function add_row(n int) returns int language sql as $$ insert into left_rows values (n) returning a $$;
create or replace function on_row() returns trigger language plpgsql as $$ begin new.a := new.a + 0; return new; end $$;
create trigger t before insert on left_rows for each row execute function on_row();
create or replace view left_view as select a from left_rows; grant all on left_view to public"""
CLEANUP = "drop table left_rows cascade; drop function count_rows(), add_row(int), on_row()"

BEGIN = m.Q("begin")


def batch(*texts):
    return b"".join(m.P("", text) + m.B() + m.E() for text in texts)


# What is sent, and whether the answer is awaited up to a ReadyForQuery.
WORK = {
    "a query": BEGIN + m.Q("select 1"),
    "an insert": BEGIN + m.Q("insert into left_rows values (1)"),
    "a function": BEGIN + m.Q("select count_rows()"),
    "a function that writes": BEGIN + m.Q("select add_row(1)"),
    "a view": BEGIN + m.Q("select * from left_view"),
    "several statements in one string": m.Q("begin; insert into left_rows values (1); select count_rows()"),
    "extended": batch("begin") + m.S + batch("select count_rows()") + m.S,
    "extended, named": m.P("s", "select count_rows()") + m.S + batch("begin") + m.B("", "s") + m.E() + m.S,
    "a setting": BEGIN + m.Q("set local work_mem = '3MB'") + m.Q("select count_rows()"),
    "a setting for good": BEGIN + m.Q("set work_mem = '3MB'") + m.Q("insert into left_rows values (1)"),
    "set_config": BEGIN + m.Q("select set_config('app.tenant', '7', true)") + m.Q("select count_rows()"),
    "set_config for good": BEGIN + m.Q("select set_config('app.tenant', '7', false)"),
    "a savepoint": BEGIN + m.Q("savepoint a") + m.Q("insert into left_rows values (1)"),
    "a failed transaction": BEGIN + m.Q("select 1/0"),
    "DO": BEGIN + m.Q("do $$ begin perform count_rows(); end $$"),
    "a cursor": BEGIN + m.Q("declare c cursor for select * from left_rows"),
    "a transaction's lock": BEGIN + m.Q("select pg_advisory_xact_lock(4711)"),
    "no transaction, a query": m.Q("select 1"),
    "no transaction, an insert": m.Q("insert into left_rows values (1)"),
    "no transaction, a function": m.Q("select count_rows()"),
    "no transaction, a batch": batch("insert into left_rows values (1)", "select count_rows()") + m.S,
    "a batch without its Sync": batch("insert into left_rows values (1)", "select count_rows()") + m.H,
}


@pytest.fixture
def database(cluster):
    cluster.execute(SETUP, "app")
    yield
    cluster.execute(CLEANUP, "app")



@pytest.mark.parametrize("max_size", [1, 3])
@pytest.mark.parametrize("leave", ["terminate", "close", "abort"])
@pytest.mark.parametrize("work", WORK)
def test_clients_that_leave_share_one_server_connection(start, database, work, leave, max_size):
    endpoint = start(max_size=max_size, audit_every=0)
    for _ in range(CLIENTS):
        wire = endpoint.wire()
        sent = WORK[work]
        wire.send(sent)
        awaited = 1 if sent.endswith(m.H) else sum(1 for part in split(sent) if part[:1] in (b"Q", b"S"))
        while awaited:
            kind = wire.receive().kind
            awaited -= kind == ("C" if sent.endswith(m.H) else "Z")
        getattr(wire, leave)()
    with endpoint.wire() as last:
        assert last.value("show work_mem") == "4MB"
        assert not last.value("select current_setting('app.tenant', true)")
        # The one before may still be rolled back, on another server connection.
        until(lambda: int(last.value("select count(*) from pg_locks where locktype = 'advisory'")) == 0, "no lock is left")
    logins = endpoint.metric("pgweir_backend_logins_total", database="app", user="app", result="ok")
    closes = endpoint.metric("pgweir_backend_closes_total", database="app", user="app")
    assert 1 <= logins <= max_size
    assert closes == 0, f"{closes} server connections closed, {logins} opened"


def split(data):
    at = 0
    while at < len(data):
        size = 1 + int.from_bytes(data[at + 1:at + 5], "big")
        yield data[at:at + size]
        at += size


@pytest.mark.parametrize("max_size", [1, 3])
def test_psycopg_connections_that_are_never_committed(start, database, max_size):
    """As psycopg does by default: the first statement begins a transaction, and close() says nothing of it."""
    endpoint = start(max_size=max_size, audit_every=0)
    seen = set()
    for number in range(40):
        connection = psycopg.connect(**endpoint.address())
        sql = ("select pg_backend_pid()", "insert into left_rows values (1) returning pg_backend_pid()",
               "select pg_backend_pid() from count_rows()")[number % 3]
        seen.add(connection.execute(sql).fetchone()[0])
        connection.close()
    assert len(seen) <= max_size, f"{len(seen)} server processes for 40 clients"
    assert endpoint.metric("pgweir_backend_closes_total", database="app", user="app") == 0


@pytest.mark.parametrize("max_size", [1, 3])
def test_nothing_of_what_the_leaving_wrote_is_there(start, database, max_size):
    endpoint = start(max_size=max_size, audit_every=0)
    for work in ("an insert", "a function that writes", "a setting for good", "a savepoint", "a batch without its Sync"):
        wire = endpoint.wire()
        wire.send(WORK[work])
        wire.receive()
        wire.abort()
    with endpoint.wire() as last:
        until(lambda: last.value("select count(*) from left_rows") == "0", "all is rolled back")
