"""What drivers send of their own accord: it is answered as PostgreSQL answers it, keeps no backend, and costs nothing
where it changes nothing."""

import asyncio
import pathlib
import subprocess

import asyncpg
import psycopg
import psycopg2.pool
import pytest

from harness import messages as m
from harness.waiting import seconds, until
from noise import compiled, python, scripting

BATCHES = python.BATCHES + scripting.BATCHES + compiled.BATCHES
QUIET = [batch for batch in BATCHES if any(step.quiet for step in batch.steps)]
HERE = pathlib.Path(__file__).parent

# What a client that has set nothing must see. PostgreSQL remembers for ever that transaction_isolation was set once.
SETTINGS_LEFT = """
select name || '=' || setting from pg_settings where source = 'session' and name not like 'transaction%'
union all select 'user=' || current_user where current_user <> 'app'
"""


@pytest.fixture
def endpoint(shared):
    return shared("one", max_size=1)


def play(wire, step):
    """The answer to one step: all messages, whole."""
    wire.send(step.send)
    heard = []
    for _ in range(step.answers()):
        heard += wire.until_ready()
    return [(message.kind, message.body) for message in heard]


def same_reports(answer):
    """ParameterStatus comes in no documented order, just before ReadyForQuery."""
    reports = sorted(message for message in answer if message[0] == "S")
    return [message for message in answer if message[0] != "S"], reports


def ids(batches):
    return [str(batch) for batch in batches]


def test_every_named_driver_is_here():
    named = {batch.driver for batch in BATCHES}
    assert named >= {"asyncpg", "psycopg2", "psycopg 3", "SQLAlchemy", "Django", "Rails", "Prisma", "JDBC", "HikariCP",
                     "Npgsql", "pgx", "node-postgres", "lib/pq", "PHP PDO"}
    assert len(set(ids(BATCHES))) == len(BATCHES)


@pytest.mark.parametrize("batch", BATCHES, ids=ids(BATCHES))
def test_the_answers_are_those_of_a_direct_connection(endpoint, direct, batch):
    with direct.wire(params=batch.params) as there, endpoint.wire(params=batch.params) as here:
        assert here.parameters == there.parameters
        for number, step in enumerate(batch.steps, 1):
            expected = play(there, step)
            assert "E" not in [kind for kind, _ in expected], f"step {number} fails directly"
            assert same_reports(play(here, step)) == same_reports(expected), f"step {number}"
        assert here.parameters == there.parameters


@pytest.mark.pooled
@pytest.mark.parametrize("batch", BATCHES, ids=ids(BATCHES))
def test_it_holds_no_backend_and_leaves_nothing_behind(endpoint, batch):
    """There is one backend: the other client is served after each step only if the first does not keep it."""
    with endpoint.wire(params=batch.params) as mine, endpoint.wire() as other:
        for number, step in enumerate(batch.steps, 1):
            status = play(mine, step)[-1][1]
            if status == b"I":
                assert other.query(SETTINGS_LEFT) == [], f"after step {number}"


@pytest.mark.own
def test_no_pin_is_counted(endpoint):
    before = endpoint.metric("pgweir_pins_total")
    with endpoint.wire() as keeper:
        keeper.query("select pg_advisory_lock(77)")
        until(lambda: endpoint.metric("pgweir_pins_total") == before + 1, "a pin would be counted")
        keeper.query("select pg_advisory_unlock(77)")
    before = endpoint.metric("pgweir_pins_total")
    for batch in BATCHES:
        with endpoint.wire(params=batch.params) as wire:
            for step in batch.steps:
                play(wire, step)
        assert endpoint.metric("pgweir_pins_total") == before, batch
    assert endpoint.metric("pgweir_pinned_sessions") == 0


# --- What reaches the server ----------------------------------------------------------------------------------


class StatementLog:
    """The statements of user app, as the server logs them before it runs them."""

    def __init__(self, cluster):
        self.path = cluster.log_path
        self.forget()

    def forget(self):
        self.start = self.path.stat().st_size

    def seen(self):
        with open(self.path, errors="replace") as log:
            log.seek(self.start)
            return [line for line in log if "app@app LOG:" in line]


@pytest.fixture(scope="module")
def logged(cluster):
    """A server that logs every statement of a new session."""
    cluster.execute("alter database app set log_statement = 'all'")
    yield StatementLog(cluster)
    cluster.execute("alter database app reset log_statement")


def at_rest(endpoint):
    return endpoint.metric("pgweir_backends", state="idle") == endpoint.metric("pgweir_backends")


@pytest.mark.own
@pytest.mark.parametrize("batch", QUIET, ids=ids(QUIET))
def test_what_changes_nothing_does_not_reach_the_server(shared, logged, batch):
    endpoint = shared("logged", max_size=1, role_check_interval="0s")
    with endpoint.wire(params=batch.params) as wire:
        wire.query("select 1 /* the log works */")
        assert [line for line in logged.seen() if "the log works" in line]
        for number, step in enumerate(batch.steps, 1):
            if step.quiet:
                until(lambda: at_rest(endpoint), "no backend is at work")
            logged.forget()
            borrows = endpoint.metric("pgweir_borrows_total")
            play(wire, step)
            if step.quiet:
                assert logged.seen() == [], f"step {number}"
                assert endpoint.metric("pgweir_borrows_total") == borrows, f"step {number}"


@pytest.mark.own
@pytest.mark.parametrize("text", ["SELECT 1", "", ";", "-- ping", "SHOW transaction_read_only"])
def test_a_client_that_asks_for_a_sign_of_life_gets_the_servers(own_cluster, start, text):
    endpoint = start(cluster=own_cluster, max_size=1, borrow_timeout="500ms")
    with endpoint.wire() as wire:
        wire.query("select 1")
        own_cluster.stop("immediate")
        until(lambda: endpoint.metric("pgweir_backends", state="idle") == 0, "the end of the server is noticed")
        assert wire.ask(m.Q(text)).startswith("E(")


# --- Real drivers ---------------------------------------------------------------------------------------------


@pytest.fixture
def pins(request, endpoint):
    """Fails when anything was pinned by the end of the test."""
    if endpoint.kind != "pgweir":
        yield
        return
    before = endpoint.metric("pgweir_pins_total")
    yield
    assert endpoint.metric("pgweir_pins_total") == before
    assert endpoint.metric("pgweir_pinned_sessions") == 0


def test_psycopg2_pool(endpoint, pins):
    pool = psycopg2.pool.ThreadedConnectionPool(3, 3, **endpoint.address())
    for turn in range(4):
        connections = [pool.getconn() for _ in range(3)]
        for number, connection in enumerate(connections):
            with connection.cursor() as cursor:
                cursor.execute("select %s", (number,))
                assert cursor.fetchone() == (number,)
            # The transaction is still open: the pool rolls it back, others do so themselves, or reset.
            [pool.putconn, lambda c: (c.rollback(), pool.putconn(c)), lambda c: (c.reset(), pool.putconn(c))][
                (turn + number) % 3](connection)
    connection = pool.getconn()
    connection.set_session(isolation_level="SERIALIZABLE", readonly=True, autocommit=True)
    connection.reset()
    with connection.cursor() as cursor:
        cursor.execute("show default_transaction_isolation")
        assert cursor.fetchone() == ("read committed",)
    pool.closeall()


def test_psycopg3_as_its_pool_treats_connections(endpoint, pins):
    conninfo = psycopg.conninfo.make_conninfo(sslmode="disable", **endpoint.address())
    connections = [psycopg.connect(conninfo, prepare_threshold=0) for _ in range(3)]
    for turn in range(4):
        for connection in connections:
            connection.autocommit = True
            connection.execute("")
            connection.autocommit = False
            assert connection.execute("select %s::int4", (turn,)).fetchone() == (turn,)
            connection.rollback()
    for connection in connections:
        connection.close()


async def asyncpg_turns(endpoint):
    address = endpoint.address()
    address["database"] = address.pop("dbname")

    async def turn(pool, number):
        async with pool.acquire() as connection:
            if number % 4 == 0:
                await connection.execute("set statement_timeout = '7s'")
            return await connection.fetchval("select $1::int", number)

    async def turns(pool):
        assert await asyncio.gather(*(turn(pool, n) for n in range(60))) == list(range(60))
        async with pool.acquire() as connection:
            assert await connection.fetchval("show statement_timeout") == "0"
        await pool.close()

    pool = await asyncpg.create_pool(min_size=3, max_size=3, ssl=False, timeout=20, **address)
    try:
        # A pool waits for ever for connections that it lost in the middle.
        await asyncio.wait_for(turns(pool), seconds(30))
    finally:
        pool.terminate()


def test_asyncpg_pool(endpoint, pins):
    asyncio.run(asyncpg_turns(endpoint))


@pytest.mark.own
def test_asyncpg_returns_connections_without_the_server(shared, logged):
    endpoint = shared("logged", max_size=1, role_check_interval="0s")
    logged.forget()
    asyncio.run(asyncpg_turns(endpoint))
    seen = logged.seen()
    assert [line for line in seen if "select $1::int" in line], "the log works"
    assert [line for line in seen if "pg_advisory_unlock_all" in line] == []


def test_node_postgres_pool(endpoint, pins):
    done = subprocess.run([HERE / "drivers" / "install.sh", "node"], capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(["node", HERE / "noise" / "pool.js"], capture_output=True, text=True, timeout=seconds(60),
                          env={**endpoint.environment(), "NODE_PATH": done.stdout.strip()}, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "pool.js: all done"
