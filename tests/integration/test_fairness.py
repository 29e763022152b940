"""H6: one busy client, with a huge result or a pipeline without end, does not keep the others waiting.

What a probe has to wait for is counted in bytes that the busy client gets meanwhile, which a slow machine does not change.
"""

import time

import pytest

from harness import messages as m
from harness.crowd import together
from harness.waiting import repetitions, seconds, until
from proof.bulk import Bulk

pytestmark = pytest.mark.own

MIB = 1 << 20
ROWS = "select repeat('x', 1000) from generate_series(1, 20000000)"
ROW = m.d("x" * 999 + "\n")

# What the busy client sends once, and then again and again.
KINDS = {
    "a huge result": (m.Q(ROWS), b""),
    "COPY OUT": (m.Q(f"copy ({ROWS}) to stdout"), b""),
    "COPY IN": (m.Q("copy bulk from stdin where false"), ROW * 1000),
    "large results in a pipeline": (b"", m.Q("select repeat('x', 10000000)")),
    "a flood of queries": (b"", m.Q("select 1") * 20_000),
    "a flood of extended queries": (b"", (m.P("", "select 1") + m.B() + m.E() + m.S) * 10_000),
    "a flood of Syncs": (b"", m.S * 50_000),
    "a flood of what needs no server": (b"", m.Q("set work_mem to '1MB'") * 20_000),
}


@pytest.fixture(scope="module", autouse=True)
def table(cluster):
    cluster.execute("create table bulk (v text); grant all on bulk to public", "app")
    yield
    cluster.execute("drop table bulk", "app")


@pytest.fixture
def busy(start):
    """Factory of a proxy with one thread that is busy with one client."""
    running = []

    def make(kind, **pool):
        proxy = start(changes={"workers": 1}, **pool)
        bulk = Bulk(proxy.wire(), *KINDS[kind])
        running.append(bulk)
        until(lambda: bulk.done() > 1000, "it gets something done")
        return proxy, bulk

    yield make
    for bulk in running:
        bulk.stop()


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


@pytest.mark.parametrize("kind", KINDS)
def test_others_of_the_same_thread_are_served(busy, kind):
    proxy, bulk = busy(kind, max_size=2)
    waited, took = [], []
    with proxy.wire() as other:
        other.value("select 1")
        # On a busy machine many turns may pass before the busy client has its own.
        deadline = time.monotonic() + seconds(20)
        while len(took) < repetitions(150, least=30) or not sum(waited) and time.monotonic() < deadline:
            number = len(took)
            before, begun = bulk.done(), time.monotonic()
            assert other.value(f"select {number}") == str(number)
            waited.append(bulk.done() - before)
            took.append(time.monotonic() - begun)
    print(f"{kind}: {percentile(waited, 0.5)} bytes at the median, {percentile(waited, 0.95)} at 95 %; "
          f"{percentile(took, 0.5) * 1e3:.2f} and {percentile(took, 0.95) * 1e3:.2f} ms")
    assert bulk.ended is None and sum(waited) > 0, "it was not busy"
    assert percentile(waited, 0.5) < 8 * MIB and percentile(waited, 0.95) < 64 * MIB
    assert percentile(took, 0.95) < seconds(0.2)


PIPELINES = [kind for kind in KINDS if not KINDS[kind][0] and "no server" not in kind]


@pytest.mark.parametrize("kind", PIPELINES)
def test_a_pipeline_without_end_shares_the_only_backend(busy, kind):
    """Its backend always owes it something. Between two of its batches the others get their turn, and then it again."""
    proxy, bulk = busy(kind, max_size=1)

    def work(number):
        with proxy.wire() as other:
            for turn in range(3):
                begun = time.monotonic()
                assert other.value(f"select {turn}", timeout=seconds(10)) == str(turn)
                assert time.monotonic() - begun < seconds(2)

    together(work, range(4), threads=4)
    before = bulk.received
    until(lambda: bulk.received > before and bulk.ended is None, "it goes on itself")


def test_a_pipeline_is_not_interrupted_in_a_transaction(start):
    """The others wait for its end, whatever else it sends."""
    proxy = start(max_size=1)
    with proxy.wire() as wire, proxy.wire() as other:
        wire.query("begin")
        wire.send(m.Q("select pg_sleep(0.1)") + m.Q("select txid_current()") * 500)
        other.send(m.Q("select 'other'"))
        until(lambda: proxy.waiters() == 1, "the other one waits")
        wire.send(m.Q("select txid_current()") * 500 + m.Q("commit") + m.Q("select 'last'"))
        numbers = set()
        while (message := wire.receive()) and str(message) != "D(last)":
            assert message.kind not in ("E", "EOF")
            if message.kind == "D" and message.values()[0]:
                numbers.add(message.values()[0])
        assert len(numbers) == 1, "more than one transaction"
        assert " ".join(str(x) for x in other.until_ready()) == "T D(other) C(SELECT 1) Z(I)"
