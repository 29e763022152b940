"""timeouts.client_write: a client that takes no byte of its answer does not keep its backend for ever."""

import hashlib
import json
import time

import pytest

from harness import frozen, messages as m
from harness.waiting import hold, seconds, until

pytestmark = pytest.mark.own

LIMIT = 0.5
LIMITED = {"timeouts": {"client_write": f"{int(LIMIT * 1000)}ms"}}
# More than the kernel's buffers take, as rows and as COPY data.
ROWS = "select repeat('x', 1000) from generate_series(1, 300000)"
NOTICES = """create table stall_notices (id int);
create function stall_notice() returns trigger language plpgsql as
$$ begin raise notice '%', repeat('n', 5000); return new; end $$;
create trigger stall_notice before insert on stall_notices for each row execute function stall_notice();
grant all on stall_notices to public"""

# What the client has asked for when it stops reading, and whether it goes on sending meanwhile.
STALLS = {
    "a result": m.Q(ROWS),
    "an extended result": m.P("", ROWS) + m.B() + m.E() + m.S,
    "a result in a transaction": m.Q("begin") + m.Q(f"set work_mem to '1MB'; select pg_advisory_lock(7); {ROWS}"),
    "COPY OUT": m.Q(f"copy ({ROWS}) to stdout"),
    "an extended COPY OUT": m.P("", f"copy ({ROWS}) to stdout") + m.B() + m.E() + m.S,
    "many results": m.Q("select repeat('x', 1000000)") * 1000,
    "notices during COPY IN": m.Q("copy stall_notices from stdin") + m.d("1\n" * 3000) * 10,
}


@pytest.fixture(scope="module", autouse=True)
def notices(cluster):
    cluster.execute(NOTICES, "app")
    yield
    cluster.execute("drop table stall_notices; drop function stall_notice()", "app")


def until_full(proxy, wire):
    """The client's socket holds something and pgweir sends no more: whatever is between them is full."""
    seen = [-1, time.monotonic()]

    def still():
        sent = proxy.metric("pgweir_client_bytes_sent_total")
        if sent != seen[0]:
            seen[:] = [sent, time.monotonic()]
        return sent > 10_000 and time.monotonic() - seen[1] > 0.1

    until(still, "everything is full", timeout=5)


def ended(proxy):
    return proxy.metric("pgweir_clients_ended_total", reason="client_write_timeout")


def served(proxy, timeout):
    """The next client gets a backend in time, and sees nothing of the last one."""
    with proxy.wire() as other:
        other.send(m.Q("select 'served', current_setting('work_mem'), "
                       "(select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory')"))
        answer = " ".join(str(x) for x in other.until_ready(timeout))
        assert answer == "T D(served,4MB,0) C(SELECT 1) Z(I)"
        assert other.ask(m.Q("begin; rollback")) == "C(BEGIN) C(ROLLBACK) Z(I)"


def rest_of(wire):
    """What the kernel still has for a client that was cut off; it must end in a reset, not as if it were complete."""
    received = bytearray()
    wire.sock.settimeout(seconds(5))
    with pytest.raises(ConnectionResetError):
        while data := wire.sock.recv(1 << 20):
            received += data
    return bytes(received)


def send_all(wire, data):
    """As far as it is taken."""
    wire.sock.settimeout(0.2)
    try:
        wire.sock.sendall(data)
    except TimeoutError:
        pass


@pytest.mark.parametrize("what", STALLS)
def test_the_next_client_is_served(start, watch, what):
    proxy = start(max_size=1, changes=LIMITED)
    with watch() as seen:
        wire = proxy.wire()
        begun = time.monotonic()
        send_all(wire, STALLS[what])
        until(lambda: ended(proxy) or seen.running(""), "it runs")
        served(proxy, seconds(LIMIT + 2))
        assert time.monotonic() - begun > LIMIT * 0.9, "the client was not given the time that it has"
        assert ended(proxy) == 1
        assert b"Z\0\0\0\5I" not in rest_of(wire)[-6:]
        until(lambda: all(row[2] == "idle" for row in seen.now()), "nothing runs on", timeout=2)
    assert seen.maximum == 1, seen.worst
    [closed] = [json.loads(line) for line in proxy.log_text().splitlines() if "client_write_timeout" in line]
    assert closed["event"] == "client_closed" and closed["level"] == "info" and closed["user"] == "app"
    wire.close()


@pytest.mark.parametrize("what", ["a result", "COPY OUT"])
def test_a_client_whose_machine_is_frozen(start, what):
    """It acknowledges nothing any more, neither data nor the end of its connection."""
    proxy = start(max_size=1, changes=LIMITED)
    wire = proxy.wire()
    wire.send(STALLS[what])
    assert wire.receive().kind in "TH"
    frozen.freeze(wire.sock)
    served(proxy, seconds(LIMIT + 2))
    assert ended(proxy) == 1
    frozen.thaw(wire.sock)
    wire.send(m.Q("select 1"))
    rest_of(wire)
    wire.close()


def test_progress_restarts_the_clock(start, direct):
    """One bite in each half of the limit is enough, for as long as it takes. What it gets is complete, and others who
    ask meanwhile get their own rows."""
    limit = seconds(LIMIT)  # a busy machine must not make this client late
    proxy = start(max_size=2, changes={"timeouts": {"client_write": f"{int(limit * 1000)}ms"}})
    rows = "select repeat(md5(g::text), 30) from generate_series(1, 3000) g"
    with direct.wire() as wire:
        wire.send(m.Q(rows))
        wire.until_ready()
        wanted = hashlib.md5(wire.raw[wire.raw.index(b"T\0\0\0"):]).digest()
    with proxy.wire(narrow=4096) as slow, proxy.wire() as other:
        logged_in = len(slow.raw)
        slow.send(m.Q(rows))
        until_full(proxy, slow)
        begun, bites, asked = time.monotonic(), 0, 0
        while time.monotonic() - begun < limit * 4:
            slow.raw += slow.sock.recv(4096)
            bites += 1
            pause = time.monotonic() + limit * 0.4
            while time.monotonic() < pause:
                assert other.query(f"select 'nonce {asked}'") == [[f"nonce {asked}"]]
                asked += 1
        assert bites >= 4 and asked > bites
        assert ended(proxy) == 0
        while not slow.raw.endswith(b"Z\0\0\0\5I"):
            slow.raw += slow.sock.recv(1 << 20)
        assert hashlib.md5(slow.raw[logged_in:]).digest() == wanted
        assert slow.value("select 1") == "1"


def test_without_a_limit_it_may_wait(start):
    proxy = start(max_size=1, changes={"timeouts": {"client_write": "0s"}})
    with proxy.wire() as wire:
        wire.send(STALLS["a result"])
        until_full(proxy, wire)
        hold(lambda: ended(proxy) == 0, "it is not closed", LIMIT * 3)
        # A reload sets one, also for those who wait already.
        proxy.reload(LIMITED)
        served(proxy, seconds(LIMIT + 2))
        assert ended(proxy) == 1


def test_who_holds_no_backend_or_waits_for_the_server_is_not_meant(start):
    """Neither a client whose answer is in the kernel's buffers, nor one whose query runs long."""
    proxy = start(max_size=2, changes=LIMITED)
    with proxy.wire() as lazy, proxy.wire() as patient:
        lazy.send(m.Q("select repeat('x', 100000)"))
        assert patient.value(f"select pg_sleep({LIMIT * 2})") == ""
        assert ended(proxy) == 0
        assert len(lazy.until_ready()[1].values()[0]) == 100000
        assert lazy.value("select 1") == "1"
