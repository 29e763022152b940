"""A server that says nothing for long: one that is busy is waited for, one that is not there any more is given up."""

import time

import pytest

from harness import messages as m
from harness.crowd import in_background
from harness.link import Link
from harness.waiting import seconds, until
from harness.wire import EOF
from proof.pump import Pump, ends_with

pytestmark = pytest.mark.own

BUSY_FOR = 12.0  # longer than Transport::silence_max
DATA = m.d("1\t" + "z" * 50_000 + "\n") * 600  # more than the kernel's buffers take
ROWS = m.P("", "insert into silent_rows values (1, $1)") + m.B("", "", ("z" * 1_000_000,)) + m.E() + m.S
OVER = m.message(b"D", b"\0\1\0\0\0\4over") + m.message(b"C", b"SELECT 1\0") + m.message(b"Z", b"I")


def runs(cluster, text):
    return cluster.execute("select count(*) from pg_stat_activity where usename = 'app' and state = 'active' "
                           "and query like %s", args=(f"%{text}%",))[0][0]


def sends_much(cluster, proxy, table, data, count):
    """Its server waits for a lock meanwhile and reads nothing."""
    holder = cluster.connect("app")
    holder.autocommit = False
    holder.cursor().execute(f"lock table {table}")
    with proxy.wire() as wire:
        pump = Pump(wire, data + m.Q("select 'over'"), patience=60)
        pump.write_until_blocked()
        assert not pump.all_sent
        begun = time.monotonic()
        while time.monotonic() - begun < BUSY_FOR:
            pump.step(0.5)
        holder.rollback()
        answer = pump.until(ends_with(OVER))
        assert not pump.eof
    holder.close()
    return answer.count(count)


def loses_its_server(cluster, proxy, link, asks):
    """From one moment to the next nothing gets through, in either direction. Returns what the client hears, after how long,
    and what the next client gets when the network works again."""
    with proxy.wire() as wire:
        wire.query("begin")
        if asks == "before":
            wire.send(m.Q("select pg_sleep(60) /* silent */"))
            until(lambda: runs(cluster, "/* silent */"), "it runs")
        for connection in link.connections:
            connection.freeze()
        begun = time.monotonic()
        if asks == "then":
            wire.send(m.Q("select 1"))
        answer = wire.until_eof(seconds(25))
        took = time.monotonic() - begun
    with proxy.wire() as other:
        other.send(m.Q("select 'next'"))
        return answer, took, " ".join(str(x) for x in other.until_ready(seconds(15)))


@pytest.fixture(scope="module")
def results(request, cluster):
    """All at the same time: each takes a while."""
    shared, links = request.getfixturevalue("shared"), {}
    for table in ("silent_copy", "silent_rows"):
        cluster.execute(f"create table {table} (id int, v text); grant all on {table} to public", "app")
    running = {
        "COPY": in_background(sends_much, cluster, shared("copy", max_size=1), "silent_copy",
                              m.Q("copy silent_copy from stdin") + DATA + m.c, b"COPY 600\0"),
        "pipeline": in_background(sends_much, cluster, shared("pipeline", max_size=1), "silent_rows", ROWS * 40,
                                  b"INSERT 0 1\0"),
    }
    for asks in ("before", "then"):
        links[asks] = Link(cluster.host, cluster.port)
        proxy = shared(asks, max_size=1, role_check_interval="0s",
                       changes={"databases": {"app": {"port": links[asks].port}}})
        running[asks] = in_background(loses_its_server, cluster, proxy, links[asks], asks)
    yield lambda name: running[name].result(seconds(60))
    for link in links.values():
        link.close()
    cluster.execute("drop table silent_copy, silent_rows", "app")


@pytest.mark.parametrize("what, count", [("COPY", 1), ("pipeline", 40)])
def test_a_server_that_is_busy_is_waited_for(results, what, count):
    assert results(what) == count


@pytest.mark.parametrize("asks", ["before", "then"])
def test_a_server_that_is_gone_is_given_up(results, asks):
    answer, took, following = results(asks)
    assert [str(x) for x in answer[:1]] == ["E(FATAL 08006)"] and answer[-1] is EOF
    assert 5 < took < seconds(20)
    assert following == "T D(next) C(SELECT 1) Z(I)"
