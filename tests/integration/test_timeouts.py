"""Deadlines: transactions left open, queries that never end, clients that never speak, backends that died."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from harness import messages as m
from harness.relay import HeldCancels
from harness.waiting import hold, repetitions, seconds, until
from harness.wire import EOF

pytestmark = pytest.mark.pooled
IDLE = {"timeouts": {"idle_transaction": "500ms"}}


@pytest.mark.own
def test_a_transaction_left_open_is_rolled_back_and_its_client_told(start, admin):
    proxy = start(max_size=1, changes=IDLE)
    with admin.cursor() as cursor:
        cursor.execute("create table left_open (id int); grant all on left_open to public")
    try:
        with proxy.wire() as sleepy, proxy.wire() as other:
            sleepy.query("begin; insert into left_open values (1)")
            other.send(m.Q("select count(*) from left_open"))
            assert "D(0)" in " ".join(str(x) for x in other.until_ready(seconds(3)))
            answer = sleepy.receive()
            assert answer.kind == "E" and answer.sqlstate == "25P03", answer
            assert sleepy.until_eof()[-1] is EOF
    finally:
        with admin.cursor() as cursor:
            cursor.execute("drop table left_open")


HOLDING = {
    "failed": m.Q("begin; select 1/0"),
    "flushed": m.P() + m.B() + m.E() + m.H,
    "copy in": m.Q("begin; create temp table c (id int) on commit drop; copy c from stdin"),
    "half a message": m.Q("begin") + m.Q("select 1")[:7],
}


@pytest.mark.own
@pytest.mark.parametrize("state", HOLDING)
def test_every_kind_of_waiting_for_a_client_that_holds_a_backend_ends(start, state):
    proxy = start(max_size=1, changes=IDLE)
    with proxy.wire() as sleepy, proxy.wire() as other:
        sleepy.send(HOLDING[state])
        sleepy.receive()
        other.send(m.Q("select 'served'"))
        assert "D(served)" in " ".join(str(x) for x in other.until_ready(seconds(4)))


UNASKED = {
    "parsed": m.P(),
    "executed": m.P() + m.B() + m.E(),
    "in a transaction": m.Q("begin") + m.P() + m.B() + m.E(),
    "behind a flush": m.P() + m.B() + m.E() + m.H + m.P() + m.B() + m.E(),
}


@pytest.mark.own
@pytest.mark.parametrize("state", UNASKED)
def test_a_client_that_never_asks_for_its_answers_does_not_hold_a_backend(start, state):
    """The server keeps the answers until a Flush or Sync, which a frozen pipeline does not send."""
    proxy = start(max_size=1, changes=IDLE)
    with proxy.wire() as sleepy, proxy.wire() as other:
        sleepy.send(UNASKED[state])
        until(lambda: proxy.metric("pgweir_borrows_total") == 1, "it has had the backend")
        other.send(m.Q("select 'served'"))
        assert "D(served)" in " ".join(str(x) for x in other.until_ready(seconds(4)))
        told = sleepy.until_eof()
        assert told[-1] is EOF and told[-2].sqlstate == "25P03", told


@pytest.mark.own
def test_the_pause_before_a_client_asks_for_its_answers_is_not_the_querys(start, admin):
    limit = 1.0
    proxy = start(max_size=1, changes={"timeouts": {"query": f"{int(limit * 1000)}ms"}})
    with proxy.wire() as wire:
        wire.send(m.P(sql="create temp table kept (id int)") + m.B() + m.E())
        time.sleep(limit * 2.5)  # what is to be tolerated
        wire.send(m.S)
        assert " ".join(str(x) for x in wire.until_ready()) == "1 2 C(CREATE TABLE) Z(I)"
        assert proxy.metric("pgweir_clients_ended_total", reason="query_timeout") == 0


@pytest.mark.own
def test_the_time_in_which_a_client_sends_the_data_of_a_copy_is_not_the_querys(start, admin):
    limit = 1.0
    proxy = start(max_size=1, changes={"timeouts": {"query": f"{int(limit * 1000)}ms"}})
    with proxy.wire() as wire:
        wire.query("create temp table kept (id int)")
        wire.send(m.Q("copy kept from stdin"))
        assert str(wire.receive()).startswith("G")
        for _ in range(2):
            time.sleep(limit * 0.8)  # what is to be tolerated
            wire.send(m.message(b"d", b"1\n"))
        wire.send(m.message(b"c"))
        assert " ".join(str(x) for x in wire.until_ready()) == "C(COPY 2) Z(I)"


@pytest.mark.own
def test_the_wait_for_a_server_connection_is_not_idle_time(start, admin):
    proxy = start(max_size=1, changes=IDLE)
    with proxy.wire() as holder, proxy.wire() as waiter:
        holder.send(m.Q("select pg_sleep(1.5)"))  # three times the deadline
        until(lambda: proxy.metric("pgweir_borrows_total") == 1, "it has the backend")
        waiter.send(m.P() + m.B() + m.E())
        holder.until_ready()
        until(lambda: proxy.metric("pgweir_borrows_total") == 2, "the other one has it")
        waiter.send(m.S)
        assert " ".join(str(x) for x in waiter.until_ready()).endswith("Z(I)")


@pytest.mark.own
def test_the_deadline_counts_idle_time_only(start):
    """A transaction that keeps working, or a query that runs long, is not idle."""
    deadline = 1.5  # leaves a client on a busy machine time to send what comes next
    proxy = start(max_size=1, changes={"timeouts": {"idle_transaction": f"{int(deadline * 1000)}ms"}})
    with proxy.wire() as wire:
        wire.query("begin")
        for _ in range(4):
            wire.query(f"select pg_sleep({deadline * 0.4})")
        wire.query(f"select pg_sleep({deadline * 1.5})")
        wire.query("commit")
        hold(lambda: wire.value("select 1") == "1", "an idle client outside a transaction", 0.2)
        time.sleep(deadline * 1.5)  # idle outside a transaction, for longer than the deadline: allowed
        assert wire.value("select 1") == "1"


HANDLER = '''
import sys, psycopg2
connection = psycopg2.connect(sys.argv[1])
def handler(event):
    with connection.cursor() as cursor:
        cursor.execute("select %s::int + 1", (event,))
        return cursor.fetchone()[0]
print(handler(41), flush=True)
sys.stdin.readline()
print(handler(1), flush=True)
'''


@pytest.mark.own
def test_a_frozen_function_that_never_commits_does_not_hold_a_backend(start, tmp_path):
    """The usual handler: one psycopg2 connection outside the function, a SELECT (which opens a transaction), no
    commit; then the sandbox is frozen."""
    proxy = start(max_size=1, changes=IDLE)
    script = tmp_path / "handler.py"
    script.write_text(HANDLER)
    address = " ".join(f"{key}={value}" for key, value in proxy.address().items())
    process = subprocess.Popen([sys.executable, str(script), address], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "42\n"
        process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        with proxy.wire() as other:
            other.send(m.Q("select 'served'"))
            assert "D(served)" in " ".join(str(x) for x in other.until_ready(seconds(3)))
            assert time.monotonic() - begun < seconds(1.5)
            for _ in range(repetitions(50, least=10)):
                assert other.value("select 1") == "1"
        process.send_signal(signal.SIGCONT)
        output, errors = process.communicate("go\n", timeout=seconds(20))
        assert output == "" and process.returncode != 0
        assert "idle-in-transaction" in errors or "idle in transaction" in errors or "closed" in errors, errors
    finally:
        process.kill()
        process.wait()


@pytest.mark.own
def test_many_frozen_functions(start, tmp_path):
    proxy = start(max_size=2, changes=IDLE)
    frozen = [proxy.wire() for _ in range(20)]
    for wire in frozen:
        wire.send(m.Q("begin; select 1"))
    with proxy.wire() as other:
        other.send(m.Q("select 'served'"))
        assert "D(served)" in " ".join(str(x) for x in other.until_ready(seconds(15)))
    for wire in frozen:
        wire.close()


@pytest.mark.own
def test_query_timeout_is_57014_and_the_backend_is_free(start, watch):
    proxy = start(max_size=1, changes={"timeouts": {"query": "1500ms"}})
    with watch() as seen, proxy.wire() as slow, proxy.wire() as other:
        slow.send(m.Q("select pg_sleep(60), 'over time'"))
        answer = slow.receive()
        if answer.kind == "T":
            answer = slow.receive()
        assert answer.kind == "E" and answer.sqlstate == "57014", answer
        assert other.value("select 1") == "1"
        until(lambda: not seen.running("over time"), "the query is gone", timeout=2)
        hold(lambda: other.value("select 1") == "1", "short queries are not touched", 2.0)
    assert seen.maximum == 1


@pytest.mark.own
@pytest.mark.parametrize("state", ["alone", "transaction"])
def test_the_cancel_of_a_query_timeout_spares_the_query_after_it(start, cluster, admin, watch, state):
    """The query may end by itself, or by the first of the two signals that PostgreSQL sends, while its cancel is on its
    way; the client knows nothing of that and sends its next query."""
    with HeldCancels(cluster.host, cluster.port) as relay:
        proxy = start(max_size=1, changes={"databases": {"app": {"port": relay.port}},
                                           "timeouts": {"query": "1s"}})
        with proxy.wire() as slow, watch() as seen:
            if state == "transaction":
                slow.query("begin; savepoint s")
            slow.send(m.Q("select pg_sleep(60) as over_time"))
            until(lambda: relay.held, "pgweir cancels the query")
            with admin.cursor() as cursor:
                cursor.execute("select pg_cancel_backend(pid) from pg_stat_activity where query ~ '[o]ver_time'")
            assert [answer.kind for answer in slow.until_ready()] == ["T", "E", "Z"]
            slow.send(m.Q("rollback to s; select pg_sleep(0.5)" if state == "transaction" else "select pg_sleep(0.5)"))
            deadline = time.monotonic() + 0.3
            while time.monotonic() < deadline and not seen.running("pg_sleep(0.5)"):
                pass  # it must not start; if it does, the cancel hits it
            relay.let_go()
            answers = slow.until_ready()
            assert "C(SELECT 1)" in " ".join(str(answer) for answer in answers), answers
            assert proxy.metric("pgweir_clients_ended_total", reason="query_timeout") == 1


@pytest.mark.own
def test_client_idle_closes_with_57P05_or_57P01(start):
    proxy = start(max_size=1, changes={"timeouts": {"client_idle": "1500ms"}})
    with proxy.wire() as wire:
        for _ in range(5):
            assert wire.value("select pg_sleep(0.4)") == ""
        answer = wire.receive()
        assert answer is EOF or (answer.kind == "E" and answer.sqlstate in ("57P05", "57P01")), answer
        assert wire.until_eof()[-1] is EOF if answer is not EOF else True


@pytest.mark.own
def test_a_client_that_listens_is_not_idle(start):
    proxy = start(max_size=1, changes={"timeouts": {"client_idle": "500ms"}})
    with proxy.wire() as listener, proxy.wire() as by_function:
        listener.query("listen rare")
        by_function.query("do $$ begin listen rare; end $$")
        time.sleep(2.5)
        with proxy.wire(user="app2") as speaker:
            speaker.query("notify rare")
        for wire in (listener, by_function):
            heard = wire.receive(seconds(5))
            assert heard.kind == "A", heard
        listener.query("unlisten rare")
        answer = listener.receive(seconds(5))
        assert answer.kind == "E" and answer.sqlstate == "57P05", answer


# How a client may come by an idle_session_timeout: its startup message, what it sends.
OWN_TIMEOUTS = {
    "SET": ([], m.Q("set idle_session_timeout = 800")),
    "SET with a unit": ([], m.Q("set idle_session_timeout to '0.8 s'")),
    "extended": ([], m.P("", "set idle_session_timeout = 800") + m.B() + m.E() + m.S),
    "set_config": ([], m.Q("select set_config('idle_session_timeout', '800ms', false)")),
    "a DO block": ([], m.Q("do $$ begin perform set_config('idle_session_timeout', '800', false); end $$")),
    "options": ([("options", "-c idle_session_timeout=800")], None),
    "a startup parameter": ([("idle_session_timeout", "800ms")], None),
    "RESET to it": ([("idle_session_timeout", "800ms")], m.Q("set idle_session_timeout = 0; reset idle_session_timeout")),
    "beside a lock": ([], m.Q("select pg_advisory_lock(7); set idle_session_timeout = 800")),
    "while it listens": ([], m.Q("listen idle; set idle_session_timeout = 800")),
}


@pytest.mark.parametrize("way", OWN_TIMEOUTS)
def test_a_clients_own_idle_session_timeout_ends_it(start, way):
    proxy = start(max_size=2, audit_every=0)
    params, message = OWN_TIMEOUTS[way]
    with proxy.wire(params=params) as wire:
        if message:
            assert "E(" not in wire.ask(message)
        assert wire.value("show idle_session_timeout") == "800ms"
        for _ in range(4):
            time.sleep(0.4)
            assert wire.value("select 1") == "1", "each message begins the time anew"
        wire.query("begin")
        time.sleep(1.5)
        wire.query("commit")
        answer = wire.until_eof(seconds(5))
        assert answer[0].kind == "E" and answer[0].sqlstate == "57P05", answer
        assert answer[0].fields()["M"] == "terminating connection due to idle-session timeout"
        assert answer[0].fields()["S"] == "FATAL"


def test_an_idle_session_timeout_is_no_other_clients(start):
    """Nor does the server end a connection for it that waits for its next client."""
    proxy = start(max_size=1, audit_every=0)
    with proxy.wire() as other, proxy.wire() as brief, proxy.wire(params=[("idle_session_timeout", "600ms")]) as first:
        before = other.value("select pg_backend_pid()")
        brief.query("set idle_session_timeout = '300ms'")
        brief.query("begin; select 1")
        brief.terminate()
        time.sleep(1.5)
        assert other.value("select pg_backend_pid()") == before
        assert other.value("show idle_session_timeout") == "0"
        assert first.until_eof(seconds(5))[0].sqlstate == "57P05"
    with proxy.wire() as never:
        never.query("set idle_session_timeout = '300ms'")
        never.query("set idle_session_timeout = 0")
        time.sleep(1.2)
        assert never.value("select 1") == "1"


def terminate_backends(admin):
    with admin.cursor() as cursor:
        cursor.execute("select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity "
                       "where usename = 'app' and datname = 'app' and backend_type = 'client backend'")
        return cursor.fetchone()[0]


def test_dead_idle_backends_are_replaced_unseen(start, admin):
    """J4: the client's next statement goes to a living backend, whether or not the pool has noticed the death."""
    proxy = start(max_size=3)
    clients = [proxy.wire() for _ in range(3)]
    for turn in range(repetitions(10, least=4)):
        for wire in clients:
            assert wire.value("select 1") == "1"
        assert terminate_backends(admin) >= 1
        for wire in clients:
            assert wire.ask(m.Q("select 2")) == "T D(2) C(SELECT 1) Z(I)"
    for wire in clients:
        wire.terminate()


def test_a_backend_that_dies_in_a_transaction_tells_its_client_the_reason(start, admin):
    proxy = start(max_size=1)
    with proxy.wire() as wire, proxy.wire() as other:
        wire.query("begin")
        assert terminate_backends(admin) == 1
        answer = wire.until_eof()
        assert answer[0].kind == "E" and answer[0].sqlstate == "57P01"
        assert len(answer) == 2, "one message and the end"
        assert other.value("select 1") == "1"


def test_a_backend_that_is_killed_in_a_query(start, admin):
    """J5: what has reached a server is never run again."""
    proxy = start(max_size=1)
    with admin.cursor() as cursor:
        cursor.execute("create table once (id int); grant all on once to public")
    try:
        with proxy.wire() as wire, proxy.wire() as other:
            wire.send(m.Q("insert into once select 1 from pg_sleep(30)"))
            until(lambda: running(admin, "insert into once"), "the query runs")
            terminate_backends(admin)
            answer = wire.until_eof()
            assert answer[0].kind == "E" and answer[0].sqlstate == "57P01"
            assert other.value("select count(*) from once") == "0"
    finally:
        with admin.cursor() as cursor:
            cursor.execute("drop table once")


def running(admin, text):
    with admin.cursor() as cursor:
        cursor.execute("select count(*) from pg_stat_activity where usename = 'app' and state = 'active' "
                       "and query like %s", (f"{text}%",))
        return cursor.fetchone()[0]


@pytest.mark.own
def test_a_frozen_backend_is_not_waited_for_for_ever(start, admin, cluster):
    """J9: the kernel still acknowledges for a stopped process; only the query's deadline sees it."""
    proxy = start(max_size=2, changes={"timeouts": {"query": "1500ms"}})
    with proxy.wire() as wire, proxy.wire() as other:
        pid = int(wire.value("select pg_backend_pid()"))
        wire.query("begin")
        os.kill(pid, signal.SIGSTOP)
        try:
            wire.send(m.Q("select 1"))
            answer = wire.receive(seconds(8))
            assert answer is EOF or answer.kind == "E"
            assert other.value("select 1") == "1"
        finally:
            os.kill(pid, signal.SIGCONT)
    assert pathlib.Path(f"/proc/{proxy.process.pid}").exists()


TIMEOUT_SET = {
    "by SET": ("set statement_timeout to '400ms'", "do $$ begin execute 'select ' || 1; end $$"),
    # Put together, so that nobody knows which settings to ask for.
    "unseen": ("select 1", "do $$ begin execute format('set statement_timeout to %L', '400ms'); end $$"),
}
QUESTION_TAKES = """
select 1 from pg_stat_activity where usename = 'app' and state = 'active' and wait_event_type = 'Lock'
and query like '%%current_setting(''statement_timeout'')%%' and clock_timestamp() - query_start > '900ms'
"""


@pytest.mark.own
@pytest.mark.parametrize("way", TIMEOUT_SET)
def test_a_clients_statement_timeout_does_not_end_a_question_of_pgweirs_own(start, cluster, way):
    """What is asked about the session waits for a lock until long after the client's timeout."""
    proxy = start(max_size=1)
    locker = cluster.connect("app")
    try:
        with proxy.wire() as wire, proxy.wire() as other, locker.cursor() as lock:
            assert wire.ask(m.Q(TIMEOUT_SET[way][1])) == "C(DO) Z(I)"  # what the database's definitions call is known then
            assert other.value("select 1") == "1"
            assert not wire.ask(m.Q(TIMEOUT_SET[way][0])).startswith("E")
            lock.execute("begin; lock table pg_catalog.pg_depend in access exclusive mode")
            assert wire.ask(m.Q(TIMEOUT_SET[way][1])) == "C(DO) Z(I)"
            until(lambda: cluster.execute(QUESTION_TAKES), "the question outlasts the timeout")
            lock.execute("rollback")
            assert wire.value("show statement_timeout") == "400ms"
            assert other.value("show statement_timeout") == "0"
            assert wire.value("show statement_timeout") == "400ms"
    finally:
        locker.close()
