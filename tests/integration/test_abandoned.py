"""Clients that vanish. Their backend is never handed on dirty, never lost, and never makes the pool grow."""

import pytest

from harness import messages as m
from harness.crowd import together
from harness.link import Link
from harness.waiting import repetitions, seconds, until

pytestmark = pytest.mark.pooled

TABLE = "create table abandoned (id int, v text); grant all on abandoned to public"
QUERY = m.Q("insert into abandoned values (99, 'partial')")
EXTENDED = (m.P("st", "insert into abandoned values ($1, 'partial')") + m.B("", "st", (98,)) + m.E() + m.S)
CUT = {"query": QUERY, "extended": EXTENDED, "copy": m.Q("copy abandoned from stdin") + m.d("1\tpartial\n")}


@pytest.fixture
def table(admin):
    with admin.cursor() as cursor:
        cursor.execute(TABLE)
        yield lambda: (cursor.execute("select count(*) from abandoned"), cursor.fetchone()[0])[1]
        cursor.execute("drop table abandoned")


def clean(proxy):
    """The next client finds a backend that shows nothing of the last one, and quickly."""
    with proxy.wire() as wire:
        assert wire.ask(m.Q("select 'next'"), timeout=seconds(3)) == "T D(next) C(SELECT 1) Z(I)"
        assert wire.value("select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'") == "0"
        assert wire.value("select count(*) from pg_cursors") == "0"
        assert wire.value("select current_setting('work_mem')") == "4MB"
        assert wire.value("select current_user") == "app"
        assert wire.value("select count(*) from public.kept_statements where not starts_with(name, '__pgweir_')") == "0"
        assert wire.ask(m.Q("begin; rollback")) == "C(BEGIN) C(ROLLBACK) Z(I)"


@pytest.mark.parametrize("size", [1, 3])
def test_killed_in_the_middle_of_pg_sleep(start, watch, size):
    """No orphan outlives its client by two seconds, and there are never more backends than max_size."""
    proxy = start(max_size=size)
    with watch() as seen:
        for _ in range(repetitions(4, least=2)):
            clients = [proxy.wire() for _ in range(size)]
            for wire in clients:
                wire.send(m.Q("select pg_sleep(60)"))
            until(lambda: len(seen.running("pg_sleep(60)")) == size, "all sleep")
            for wire in clients:
                wire.abort()
            until(lambda: not seen.running("pg_sleep(60)"), "no orphan sleeps", timeout=2)
            clean(proxy)
    assert seen.maximum <= size, seen.worst


LEFT = {"an open transaction": [m.Q("begin")], "a statement": [m.Q("select pg_sleep(60)")],
        "a statement that is about to end": [m.Q("select pg_sleep(0.002)")],
        "a statement in a transaction": [m.Q("begin"), m.Q("select pg_sleep(0.002)")],
        "a batch without its Sync": [m.Q("begin"), m.P("", "select pg_sleep(0.002)") + m.B() + m.E() + m.H]}


@pytest.mark.own
@pytest.mark.parametrize("left", LEFT)
def test_no_backend_is_lost_by_what_is_left_behind(start, left):
    """Its cancel must not hit the rollback or the reset: such a backend would be closed, and all its warmth with it."""
    proxy = start(max_size=1)
    with proxy.wire() as wire:
        pid = wire.value("select pg_backend_pid()")
    for _ in range(repetitions(30, least=10)):
        borrows = proxy.metric("pgweir_borrows_total")
        wire = proxy.wire()
        for message in LEFT[left][:-1]:
            wire.ask(message)
        wire.send(LEFT[left][-1])
        until(lambda: proxy.metric("pgweir_borrows_total") > borrows, "it has a backend")
        wire.abort()
        with proxy.wire() as wire:
            assert wire.value("select pg_backend_pid()") == pid


CANCEL_REQUEST = (80877102).to_bytes(4, "big")


@pytest.mark.own
def test_a_cancel_that_the_server_ignores_is_sent_again(start, cluster, watch):
    """As a server does that has the statement but has not begun it: the first cancels have no effect."""
    ignored = []

    def to_server(connection, data):
        if data[4:8] == CANCEL_REQUEST and len(ignored) < 2:
            ignored.append(data)
            connection.cut()
            return b""
        return data

    with Link(cluster.host, cluster.port) as link, watch() as seen:
        link.to_server = to_server
        proxy = start(max_size=1, role_check_interval="0s",
                      changes={"databases": {"app": {"port": link.port, "users": ["app"]}}})
        wire = proxy.wire()
        pid = wire.value("select pg_backend_pid() from pg_sleep(0)")  # and the pool knows both functions
        wire.send(m.Q("select pg_sleep(60)"))
        until(lambda: seen.running("pg_sleep(60)"), "the query runs")
        wire.abort()
        with proxy.wire() as other:
            assert other.value("select pg_backend_pid()", timeout=seconds(5)) == pid
        assert len(ignored) == 2 and seen.maximum == 1, seen.worst


def test_killed_while_others_wait(start, watch):
    """A waiter gets the backend of the killed client soon, not after the sleep, and not beside it."""
    proxy = start(max_size=1)
    with watch() as seen, proxy.wire() as patient:
        doomed = proxy.wire()
        doomed.send(m.Q("select pg_sleep(60)"))
        until(lambda: seen.running("pg_sleep(60)"), "the query runs")
        patient.send(m.Q("select 'served'"))
        doomed.abort()
        assert "D(served)" in " ".join(str(x) for x in patient.until_ready(seconds(3)))
    assert seen.maximum == 1, seen.worst


LEAVING = {"as close() of a driver": m.X, "without a word": b"", "with a LISTEN that has to wait": m.Q("listen a")}


@pytest.mark.parametrize("last", LEAVING)
def test_a_client_that_leaves_in_the_middle_of_a_query_with_its_last_message(start, watch, last):
    """The message and the end come at once, and nothing comes after them: the query must not go on to its end."""
    proxy = start(max_size=1)
    with watch() as seen:
        for _ in range(repetitions(4, least=2)):
            wire = proxy.wire()
            wire.send(m.Q("select pg_sleep(60)"))
            until(lambda: seen.running("pg_sleep(60)"), "the query runs")
            if LEAVING[last]:
                wire.send(LEAVING[last])
            wire.close()
            until(lambda: not seen.running("pg_sleep(60)"), "no orphan sleeps", timeout=2)
            clean(proxy)


@pytest.mark.parametrize("leave", ["abort", "close", "terminate"])
def test_a_client_that_leaves_with_its_statement_does_not_stay_in_the_queue(start, table, leave):
    """Nobody waits behind the dead, the metric does not count them, and what they asked for is not done."""
    proxy = start(max_size=1)
    with proxy.wire() as holder:
        holder.query("begin")
        for _ in range(repetitions(8, least=4)):
            wire = proxy.wire()
            wire.send(m.Q("insert into abandoned values (1, 'dead')"))
            getattr(wire, leave)()
        until(lambda: proxy.metric("pgweir_pool_clients", state="waiting") == 0, "nobody waits")
        until(lambda: proxy.metric("pgweir_clients") == 1, "they have left")
        holder.query("commit")
    clean(proxy)
    assert table() == 0


LONG = "select repeat('x', 1000) from generate_series(1, 3000000)"

# What the client has sent when it vanishes, and the first message that it heard before ("" if nothing comes).
STATES = {
    "in a transaction": (m.Q("begin; set work_mem to '1MB'; insert into abandoned values (1, 'x')"), "C"),
    "in a failed transaction": (m.Q("begin; insert into abandoned values (1, 'x'); select 1/0"), "C"),
    "with an advisory lock in a transaction": (m.Q("begin; select pg_advisory_lock(4711)"), "C"),
    "with a cursor": (m.Q("begin; declare cu cursor with hold for select 1"), "C"),
    "with a SQL statement in a transaction": (m.Q("begin; prepare sq as select 1"), "C"),
    "in half a pipeline": (m.P("", "insert into abandoned values (1, 'x')") + m.B() + m.E(), ""),
    "after a Flush": (m.P("", "insert into abandoned values (1, 'x')") + m.B() + m.E() + m.H, "1"),
    "in a failed pipeline": (m.P("", "select 1/0") + m.B() + m.E() + m.P() + m.B(), "1"),
    "with an open portal": (m.Q("begin") + m.P("", "select generate_series(1, 1000000)") + m.B("po") +
                            m.E("po", 1) + m.H, "C"),
    "in COPY IN": (m.Q("copy abandoned from stdin") + m.d("1\ta\n") + m.d("2\tb"), "G"),
    "in an extended COPY IN": (m.P("", "copy abandoned from stdin") + m.B() + m.E() + m.S + m.d("1\ta\n"), "1"),
    "in COPY IN in a transaction": (m.Q("begin; copy abandoned from stdin") + m.d("1\ta\n"), "C"),
    "in COPY OUT": (m.Q(f"copy ({LONG}) to stdout"), "H"),
    "in a long result": (m.Q(LONG), "T"),
    "in a long extended result": (m.P("", LONG) + m.B() + m.E() + m.S, "1"),
    "with many queries under way": (m.Q("select pg_sleep(0.01)") * 500, "T"),
}


@pytest.mark.parametrize("leave", ["abort", "close", "terminate"])
@pytest.mark.parametrize("state", STATES)
def test_killed(shared, table, watch, state, leave):
    proxy = shared("one", max_size=1)
    messages, first = STATES[state]
    with watch(["app"]) as seen:
        wire = proxy.wire()
        wire.send(messages)
        if first:
            assert wire.receive().kind == first
        getattr(wire, leave)()
        clean(proxy)
        until(lambda: not [row for row in seen.now() if row[2] != "idle"], "no backend is busy", timeout=3)
    assert table() == 0
    assert seen.maximum <= 1, seen.worst


@pytest.mark.parametrize("leave", ["abort", "close"])
@pytest.mark.parametrize("kind", CUT)
def test_killed_at_every_byte(shared, table, cluster, watch, kind, leave):
    """A message cut short never reaches the server as a message, and what follows is not taken for its rest."""
    proxy, data = shared("one", max_size=1), CUT[kind]
    logged = cluster.log_path.stat().st_size
    step = 1 if repetitions(4) > 1 else 3
    with watch(["app"]) as seen:
        for length in range(1, len(data), step):
            wire = proxy.wire()
            wire.send(data[:length])
            getattr(wire, leave)()
            with proxy.wire() as after:
                assert after.ask(m.Q("select 'next'")) == "T D(next) C(SELECT 1) Z(I)", length
    assert seen.maximum <= 1, seen.worst
    # No cut leaves a whole statement: a Query lacks its end, an Execute its Sync, a COPY its CopyDone.
    assert table() == 0
    log = cluster.log_path.read_bytes()[logged:].decode(errors="replace")
    assert "invalid message" not in log
    if kind != "copy":  # the data of a COPY is passed on as it comes
        assert "incomplete message" not in log


def test_killed_inside_a_large_message(shared, watch, table):
    """Too large to be held back until whole: the backend that got a part of it must not be used again."""
    proxy = shared("one", max_size=1)
    big = m.Q("insert into abandoned values (1, '" + "x" * 3_000_000 + "')")
    with watch(["app"]) as seen:
        for length in (10, 70_000, 1_000_000, len(big) - 1):
            wire = proxy.wire()
            wire.send(big[:length])
            wire.abort()
            clean(proxy)
    assert table() == 0
    assert seen.maximum <= 1, seen.worst


def test_a_half_closed_client_still_gets_its_answer(start):
    proxy = start(max_size=1)
    wire = proxy.wire()
    wire.query("select 1")
    # A client that waits for a server connection and closes its direction counts as gone.
    until(lambda: proxy.metric("pgweir_backends", state="idle") == proxy.metric("pgweir_backends"), "all are free")
    wire.send(m.Q("select pg_sleep(0.2), 'answer'"))
    wire.half_close()
    assert "D(,answer)" in " ".join(str(x) for x in wire.until_eof())
    wire.close()
    clean(proxy)


def test_a_storm_of_vanishing_clients_keeps_rows_apart(start, admin, cluster):
    """Half of the clients die in the middle of something; whoever lives gets its own rows, every time. The server
    itself refuses a fifth backend: a sample of pg_stat_activity is not of one moment, and may show one that has just
    left beside the one that took its place."""
    with admin.cursor() as cursor:
        cursor.execute("create database storm owner app connection limit 4")
    server = {"host": cluster.host, "port": cluster.port}
    proxy = start(max_size=4, changes={"databases": {"storm": {**server, "users": ["app"]}}})
    rubbish = [m.Q("select pg_sleep(0.05), 'dead'"), m.Q("begin; select 'dead'"), m.P("", "select 'dead'") + m.B() + m.E(),
               m.Q("select 'dead'")[:9], m.Q("select repeat('dead', 100000)"), m.P("", "select 1/0") + m.B() + m.E() + m.S]

    def work(number):
        for turn in range(repetitions(12, least=4)):
            if number % 2:
                wire = proxy.wire(database="storm")
                wire.send(rubbish[(number + turn) % len(rubbish)])
                wire.abort()
                continue
            with proxy.wire(database="storm") as wire:
                for part in range(3):
                    nonce = f"{number}.{turn}.{part}"
                    assert wire.query(f"select '{nonce}'") == [[nonce]]
                    reply = wire.ask(m.P("s" + str(part), "select $1::text") + m.B("", "s" + str(part), (nonce,)) +
                                     m.E() + m.S)
                    assert reply == f"1 2 D({nonce}) C(SELECT 1) Z(I)"

    try:
        together(work, range(32), threads=32)
        with proxy.wire(database="storm") as wire:
            assert wire.value("select 'next'") == "next"
        assert "server_login_failed" not in proxy.log_text()
    finally:
        with admin.cursor() as cursor:
            cursor.execute("drop database storm with (force)")


@pytest.mark.own
def test_killed_logins_leave_nothing_behind(start):
    proxy = start(max_size=1)
    with proxy.wire() as wire:
        wire.query("select 1")
        before = proxy.descriptors()
        packet = m.startup([("user", "app"), ("database", "app")])

        def work(number):
            victim = proxy.socket()
            victim.send(packet[:number % (len(packet) + 1)])
            victim.abort()

        together(work, range(repetitions(300, least=50)))
        until(lambda: proxy.descriptors() <= before, "all descriptors are back")
        assert wire.value("select 1") == "1"
