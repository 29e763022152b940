"""Every sequence of the tables: directly (that proves the expectation) and through a pool of one backend.

Through the proxy each runs whole on a fresh connection, byte by byte after a neighbour has left its traces in the
pool, and with another client using the same backend wherever the sequence is between transactions.
"""

import struct

import pytest

from harness import messages as m
from harness.proxy import DIRECT, PGBOUNCER
from harness.sequence import probe, run_steps
from harness.waiting import until
from sequences import effects, extended

SEQUENCES = extended.SEQUENCES + effects.SEQUENCES
WAYS = ["direct", "direct-bytes"] + ([] if DIRECT else ["whole", "halves", "bytes", "interleaved"])


class Context:
    """What the steps of a sequence may do beside sending."""

    def __init__(self, cluster, endpoint, admin):
        self.cluster, self.endpoint, self.connection, self.wire = cluster, endpoint, admin, None

    def admin(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None

    def backend(self, condition):
        rows = until(lambda: self.admin("select pid from pg_stat_activity where usename = 'app' "
                                        f"and backend_type = 'client backend' and {condition}"), condition)
        assert len(rows) == 1, rows
        return rows[0][0]

    def kill_backend(self):
        self.admin(f"select pg_terminate_backend({self.backend('xact_start is not null')})")

    def cancel_after(self, query):
        self.wire.send(query)
        self.backend("state = 'active'")
        self.endpoint.cancel(self.wire)


class Neighbour:
    """Another client of the same pool, with statements, settings and a portal of its own."""

    def __init__(self, endpoint):
        self.wire = endpoint.wire(params=[("application_name", "neighbour")])
        answer = self.wire.ask(m.P("s", "select 'mine'") + m.P("q", "select 'also mine'") + m.S)
        assert answer == "1 1 Z(I)", answer
        self.use()

    def use(self, _step=None):
        mine = "2 D(mine) C(SELECT 1) Z(I)"
        assert self.wire.ask(m.B("", "s") + m.E() + m.S) == mine
        assert self.wire.ask(m.P("", "select 'unnamed'") + m.B() + m.E() + m.S) == "1 2 D(unnamed) C(SELECT 1) Z(I)"

    def leave_traces(self):
        self.wire.query("set timezone to 'Asia/Tokyo'")
        self.wire.query("set work_mem to '7MB'")
        self.wire.ask(m.Q("begin") + m.Q("select 1/0"))
        self.wire.until_ready()
        self.wire.abort()


def comparable(message):
    """The whole message, without what may differ between two runs: the OID of a table made anew."""
    body = bytearray(message.body)
    if message.kind == "T":
        at = 2
        for _ in range(struct.unpack_from("!H", body)[0]):
            at = body.index(b"\0", at) + 1
            body[at:at + 4] = bytes(4)
            at += 18
    if message.kind == "A":
        body[:4] = bytes(4)
    return message.kind, bytes(body)


def play(sequence, context, endpoint, way, neighbour=None):
    for sql in (sequence.cleanup, sequence.setup):
        if sql:
            context.admin(sql)
    through_proxy = endpoint.kind != "direct"
    steps = sequence.proxied if through_proxy and sequence.proxied is not None else sequence.steps
    how = way if way in ("halves", "bytes") else "bytes" if way == "direct-bytes" else "whole"
    wire = context.wire = endpoint.wire()
    try:
        heard = run_steps(wire, steps, how, context, neighbour)
        if sequence.ends:
            last = wire.until_eof()
            assert all(message.kind in ("E", "EOF") for message in last), last
        else:
            probe(wire)
        if through_proxy and not sequence.ends and not sequence.holds:
            Neighbour(endpoint).wire.terminate()  # given back, although its client is still here
        return heard
    finally:
        wire.terminate()
        if sequence.cleanup:
            context.admin(sequence.cleanup)


@pytest.fixture(scope="module")
def direct_streams():
    return {}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sequence", SEQUENCES, ids=str)
def test_sequence(sequence, way, cluster, direct, shared, admin, direct_streams):
    if cluster.version() > sequence.max_version:
        pytest.skip("a later server answers otherwise")
    if way.startswith("direct"):
        direct_streams[sequence.name] = play(sequence, Context(cluster, direct, admin), direct, way)
        return
    proxy = shared(f"{sequence.name}-{way}" if sequence.fresh else "one", max_size=1)
    neighbour = None
    if way == "bytes":
        Neighbour(proxy).leave_traces()
    if way == "interleaved":
        if sequence.holds:
            pytest.skip("holds its backend on purpose")
        neighbour = Neighbour(proxy)
    try:
        heard = play(sequence, Context(cluster, proxy, admin), proxy, way, neighbour and neighbour.use)
    finally:
        if neighbour:
            neighbour.wire.terminate()
    if sequence.transparent and sequence.name in direct_streams and not PGBOUNCER:
        theirs = [comparable(message) for message in direct_streams[sequence.name]]
        assert [comparable(message) for message in heard] == theirs, "differs from PostgreSQL's own bytes"


@pytest.mark.pooled
def test_X04_does_not_break_the_backend_for_others(cluster, shared):
    """PostgreSQL 18 keeps the pipeline's implicit transaction open over a simple Query (ReadyForQuery says T), and
    after the Sync (which says I) the next statement of that backend fails with XX000. Nobody else may get that."""
    proxy = shared("one", max_size=1)
    with proxy.wire() as wire:
        wire.send(m.P() + m.B() + m.E() + m.H + m.Q("select 2"))
        wire.until_ready()
        wire.send(m.S)
        wire.until_ready()
    with proxy.wire() as other:
        assert other.value("select 3") == "3"


@pytest.mark.pooled
@pytest.mark.parametrize("sequence", [s for s in extended.MALFORMED + extended.COPIES if s.name != "X30"], ids=str)
def test_the_pooled_backend_survives(sequence, cluster, shared, admin):
    """A client must not be able to make PostgreSQL drop a pooled connection."""
    proxy = shared("one", max_size=1)
    with proxy.wire() as before:
        pid = before.value("select pg_backend_pid()")
    play(sequence, Context(cluster, proxy, admin), proxy, "whole")
    with proxy.wire() as after:
        assert after.value("select pg_backend_pid()") == pid
