"""However much a client sends before it reads, pgweir's memory stays where it was: the bounds are stated here.

Peaks count (VmHWM), not only what is left. What the kernel's socket buffers hold is not pgweir's.
"""

import re
import time

import pytest

from harness import messages as m
from harness.waiting import FACTOR, seconds, until
from proof.bulk import Bulk
from proof.pump import Pump, ends_with

pytestmark = [pytest.mark.own, pytest.mark.skipif(FACTOR != 1, reason="a sanitizer keeps memory of its own")]

MIB = 1 << 20
FOR_ONE = 4 * MIB  # what one client, as greedy or slow as it likes, may add
FOR_TWENTY = 12 * MIB  # and twenty of them
FOR_TEXTS = 6 * MIB  # tens of thousands of statements that are each asked once

ROW = "r" * 250
ONE = m.P("", f"select '{ROW}'") + m.B() + m.E()
LARGE = m.Q("select repeat('x', 1000000)")
MARKED = m.Q("select 'over'")
OVER = m.message(b"D", b"\0\1\0\0\0\4over") + m.message(b"C", b"SELECT 1\0") + m.message(b"Z", b"I")


class Growth:
    """The most memory that pgweir has held, beyond what it held after a few ordinary clients."""

    def __init__(self, proxy, clients=3):
        self.proxy = proxy
        for _ in range(clients):
            with proxy.wire() as wire:
                Pump(wire, (ONE + m.S) * 300 + LARGE * 3 + MARKED).until(ends_with(OVER))
        self.before = self.kilobytes("VmRSS") * 1024

    def kilobytes(self, name):
        with open(f"/proc/{self.proxy.process.pid}/status") as status:
            return int(re.search(rf"{name}:\s+(\d+) kB", status.read())[1])

    def assert_below(self, bound):
        grown = self.kilobytes("VmHWM") * 1024 - self.before
        print(f"grown by {grown / MIB:.1f} MiB over {self.before / MIB:.1f} MiB, bound {bound / MIB:.0f} MiB")
        assert grown < bound


def backends(admin, condition):
    with admin.cursor() as cursor:
        cursor.execute("select count(*) from pg_stat_activity where usename = 'app' "
                       f"and backend_type = 'client backend' and {condition}")
        return cursor.fetchone()[0]


def nothing_moves(admin, seconds=1):
    """No backend has begun or ended a statement for a while: each waits for a reader, or for what pgweir does not
    ask of it yet."""
    return backends(admin, f"state_change > clock_timestamp() - interval '{seconds} s'") == 0


def finish(pump, done=ends_with(OVER)):
    """Reads to the end and returns the answer."""
    answer = pump.until(done)
    assert not pump.eof and pump.all_sent
    return answer


@pytest.fixture
def table(admin):
    with admin.cursor() as cursor:
        cursor.execute("drop table if exists pipe_memory; create table pipe_memory (id int, v text); "
                       "grant all on pipe_memory to public")
        yield "pipe_memory"
        cursor.execute("drop table pipe_memory")


@pytest.fixture
def locked(cluster, table):
    """A connection that keeps everybody from the table until its rollback."""
    holder = cluster.connect("app")
    holder.autocommit = False
    with holder.cursor() as cursor:
        cursor.execute(f"lock table {table}")
    yield holder
    holder.close()


@pytest.mark.parametrize("count, bound", [(1, FOR_ONE), (20, FOR_TWENTY)])
def test_large_results_that_nobody_reads(start, admin, count, bound):
    """Each client has asked for 2 GB: the servers wait until somebody reads."""
    proxy = start(max_size=count)
    growth = Growth(proxy)
    wires = [proxy.wire() for _ in range(count)]
    pumps = [Pump(wire, LARGE * 2000) for wire in wires]
    for pump in pumps:
        pump.write_until_blocked()
    until(lambda: nothing_moves(admin), "everything waits for the readers", timeout=30)
    growth.assert_below(bound)
    for pump in pumps:
        pump.until(lambda received: len(received) > 20 * MIB // count)
    growth.assert_below(bound)
    for wire in wires:
        wire.abort()


@pytest.mark.parametrize("group", [m.S, m.H], ids=["Sync", "Flush"])
def test_a_hundred_thousand_statements_before_the_first_read(start, group):
    proxy = start(max_size=1)
    growth = Growth(proxy)
    count = 100_000
    with proxy.wire() as wire:
        pump = Pump(wire, (ONE + group) * count + m.S + MARKED)
        pump.write_until_blocked()
        assert not pump.all_sent, "nothing holds this client back"
        growth.assert_below(FOR_ONE)
        answer = finish(pump)
        assert answer.count(ROW.encode()) == count
    growth.assert_below(FOR_ONE)


def insert(size):
    return m.P("", "insert into pipe_memory values (1, $1)") + m.B("", "", ("y" * size,)) + m.E() + m.S


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_large_parameters_for_a_server_that_is_busy(start, admin, locked, size):
    """It waits for a lock and reads nothing meanwhile."""
    proxy = start(max_size=1)
    growth = Growth(proxy)
    count = min(20_000, 100_000_000 // size)
    with proxy.wire() as wire:
        pump = Pump(wire, insert(size) * count + MARKED)
        pump.write_until_blocked()
        assert not pump.all_sent and backends(admin, "wait_event_type = 'Lock'") == 1
        growth.assert_below(FOR_ONE)
        locked.rollback()
        assert finish(pump).count(b"INSERT 0 1\0") == count
    growth.assert_below(FOR_ONE)


def test_what_a_client_sends_while_it_waits_for_a_backend(start, table):
    proxy = start(max_size=1)
    growth = Growth(proxy)
    with proxy.wire() as holder, proxy.wire() as wire:
        holder.query("begin")
        pump = Pump(wire, insert(1_000_000) * 60 + MARKED)
        pump.write_until_blocked()
        assert not pump.all_sent and proxy.waiters() == 1
        growth.assert_below(FOR_ONE)
        holder.query("commit")
        assert finish(pump).count(b"INSERT 0 1\0") == 60
    growth.assert_below(FOR_ONE)


def test_copy_in_into_a_server_that_is_busy(start, admin, locked):
    proxy = start(max_size=1)
    growth = Growth(proxy)
    rows = 2000
    data = m.Q("copy pipe_memory from stdin") + m.d("1\t" + "z" * 50_000 + "\n") * rows + m.c + MARKED
    with proxy.wire() as wire:
        pump = Pump(wire, data)
        pump.write_until_blocked()
        assert not pump.all_sent and backends(admin, "wait_event_type = 'Lock'") == 1
        growth.assert_below(FOR_ONE)
        locked.rollback()
        assert f"COPY {rows}\0".encode() in finish(pump)
    growth.assert_below(FOR_ONE)


def test_copy_out_that_nobody_reads(start, admin):
    proxy = start(max_size=1)
    growth = Growth(proxy)
    with proxy.wire() as wire:
        pump = Pump(wire, m.Q("copy (select repeat('x', 10000) from generate_series(1, 6000)) to stdout") + MARKED)
        pump.write_until_blocked()
        until(lambda: nothing_moves(admin), "the server waits for the reader")
        growth.assert_below(FOR_ONE)
        assert b"COPY 6000\0" in finish(pump)
    growth.assert_below(FOR_ONE)


@pytest.mark.parametrize("direction", ["out", "in"])
def test_a_gigabyte_of_copy(start, table, direction):
    """While it passes, another client of the same thread is served."""
    if direction == "out":
        data = m.Q("copy (select repeat('x', 1000) from generate_series(1, 20000000)) to stdout"), b""
    else:
        data = m.Q(f"copy {table} from stdin where false"), m.d("1\t" + "x" * 997 + "\n") * 1000
    proxy = start(max_size=2, changes={"workers": 1})
    growth = Growth(proxy)
    with proxy.wire() as other, Bulk(proxy.wire(), *data) as bulk:
        deadline = time.monotonic() + seconds(30)
        while bulk.done() < 1 << 30:
            assert other.value("select 1") == "1"
            assert bulk.ended is None and time.monotonic() < deadline
    growth.assert_below(FOR_ONE)


TEXTS = {
    "simple": lambda n: m.Q(f"select {n} as number_{n}"),
    "unnamed": lambda n: m.P("", f"select {n} as number_{n}") + m.B() + m.E() + m.S,
    "named and closed": lambda n: (m.P(f"s{n}", f"select {n} as number_{n}") + m.B("", f"s{n}") + m.E() +
                                   m.CS(f"s{n}") + m.S),
    "named and replaced": lambda n: m.CS("s") + m.P("s", f"select {n} as number_{n}") + m.B("", "s") + m.E() + m.S,
}


@pytest.mark.parametrize("kind", TEXTS)
def test_many_different_texts(start, kind):
    """What is remembered about a text does not add up."""
    proxy = start(max_size=1)
    growth = Growth(proxy)
    with proxy.wire() as wire:
        data = b"".join(TEXTS[kind](number) for number in range(40_000)) + MARKED
        assert finish(Pump(wire, data)).count(b"SELECT 1\0") == 40_001
    growth.assert_below(FOR_TEXTS)
