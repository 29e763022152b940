"""Pipelines of thousands of statements, however they are sent and read: no deadlock, and PostgreSQL's own bytes."""

import random

import pytest

from harness import messages as m
from harness.crowd import together
from harness.waiting import repetitions
from proof.pipeline_play import assert_same, play, rows_of
from proof.pipeline_script import END, Script, setup
from proof.pump import Pump
from proof.seeds import new_seed

ITEMS = repetitions(1500, least=300)
READERS = {
    "eager": {},
    "in small pieces": {"piece": lambda: random.randint(1, 2000), "bite": 3000},
    "reluctant": {"reluctant": True, "bite": 10_000},
}


def without_source(message):
    """An error without the place in PostgreSQL's own source: in a failed transaction a Bind of a statement that this
    backend has not got is refused one step earlier, with the same words."""
    return (message.kind, message.fields() | dict.fromkeys("FLR")) if message.kind == "E" else message


@pytest.mark.parametrize("wild", [False, True], ids=["", "with Sync inside COPY"])
@pytest.mark.parametrize("reader", READERS)
def test_random_pipelines_are_answered_as_postgresql_does(shared, direct, admin, pipe_rows, reader, wild):
    """The same bytes, directly and through a pool of one: errors, Sync, Flush, portals, transactions, COPY."""
    for _ in range(repetitions(2, least=1)):
        script = Script(new_seed(), ITEMS, pipe_rows, wild)
        theirs = play(direct, script.data)
        rows = rows_of(admin, pipe_rows)
        ours = play(shared("one", max_size=1), script.data, **READERS[reader])
        assert_same(ours, theirs)
        assert rows_of(admin, pipe_rows) == rows


def test_several_pipelines_share_two_backends(shared, direct, admin):
    """Eight at once, each with names and a table of its own."""
    seed, tables = new_seed(), [f"pipe_rows_{number}" for number in range(8)]
    with admin.cursor() as cursor:
        cursor.execute("; ".join(map(setup, tables)))
    scripts = [Script(seed + number, ITEMS, table) for number, table in enumerate(tables)]
    theirs = [play(direct, script.data) for script in scripts]
    rows = [rows_of(admin, table) for table in tables]
    proxy = shared("two", max_size=2)
    options = list(READERS.values())
    ours = together(lambda n: play(proxy, scripts[n].data, patience=60, **options[n % 3]), range(8), threads=8)
    for number, answer in enumerate(ours):
        assert_same(answer, theirs[number], comparable=without_source)
        assert rows_of(admin, tables[number]) == rows[number]
    with admin.cursor() as cursor:
        cursor.execute("drop table " + ", ".join(tables))


KNOWN = m.CS("known") + m.P("known", "select 421, $1::int") + m.DS("known") + m.B("", "known", (5,)) + m.E() + m.S
FAILED_COPY = m.Q("copy pipe_rows from stdin") + m.d("1\ta\n") + m.d("no number\tb\n") + m.d("2\tc\n") + m.c

# Around a statement that the backend has already: its Parse need not go to the server, but must be answered as if.
AROUND = {
    "in a failed transaction": m.Q("begin") + m.Q("select 1/0") + KNOWN,
    "in a transaction that failed in COPY": m.Q("begin") + FAILED_COPY + KNOWN,
    "in a transaction that failed in this group": m.Q("begin") + m.P("", "select 1/0") + m.B() + m.E() + m.S + KNOWN,
    "behind the end of a failed transaction": m.Q("begin") + FAILED_COPY + m.P("", "commit") + m.B() + m.E() + KNOWN,
    "behind the end of a failed transaction, a Query": m.Q("begin") + FAILED_COPY + m.Q("rollback") + KNOWN,
    "behind a rollback to a savepoint": (m.Q("begin; savepoint s") + FAILED_COPY + m.P("", "rollback to s") + m.B() +
                                         m.E() + KNOWN),
    "behind an error in its group": m.P("", "select 1/0") + m.B() + m.E() + KNOWN + KNOWN,
}


@pytest.mark.parametrize("known", [False, True], ids=["new to the backend", "known to the backend"])
@pytest.mark.parametrize("where", AROUND)
def test_a_parse_that_the_server_would_refuse(start, direct, pipe_rows, where, known):
    proxy = start(max_size=1)
    if known:
        play(proxy, KNOWN + END)
    assert_same(play(proxy, AROUND[where] + END), play(direct, AROUND[where] + END))


# Each with a Terminate right behind.
LAST_WORDS = {
    "a simple query": m.Q("insert into pipe_rows values (1, 'last')"),
    "queries": m.Q("insert into pipe_rows values (1, 'last'); select 2") * 2 + m.Q("select pg_sleep(0.1)"),
    "an extended query": (m.P("", "insert into pipe_rows values ($1, 'last')") + m.B("", "", ("1",)) + m.E() + m.S),
    "an error": m.Q("select 1/0"),
    "a skipped pipeline": m.P("", "selekt") + m.B() + m.E() + m.S,
    "an open transaction": m.Q("begin") + m.Q("insert into pipe_rows values (1, 'never')"),
    "a COPY TO": m.Q("copy pipe_rows to stdout"),
    "a whole COPY": m.Q("copy pipe_rows from stdin") + m.d("1\tlast\n") + m.c,
}


@pytest.mark.parametrize("words", LAST_WORDS)
def test_what_came_before_a_terminate_is_done_and_answered(shared, direct, admin, pipe_rows, words):
    heard = []
    for endpoint in (direct, shared("one", max_size=1)):
        with endpoint.wire() as wire:
            wire.send(LAST_WORDS[words] + m.X)
            heard.append([str(message) for message in wire.until_eof()])
        heard[-1].append(rows_of(admin, pipe_rows))
    assert heard[1] == heard[0]


@pytest.mark.own
def test_a_client_that_does_not_read_keeps_nobody_else_waiting(start):
    """One thread serves both."""
    proxy = start(max_size=2, changes={"workers": 1})
    with proxy.wire() as lazy, proxy.wire() as other:
        pump = Pump(lazy, m.Q("select repeat('x', 1000000)") * 1000)
        pump.write_until_blocked()
        for number in range(repetitions(300, least=50)):
            assert other.ask(m.Q(f"select {number}")) == f"T D({number}) C(SELECT 1) Z(I)"
        lazy.abort()
