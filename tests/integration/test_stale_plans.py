"""DDL makes a server refuse the plan that it has of a prepared statement ("cached plan must not change result
type"). Outside of a transaction the statement is parsed anew and the batch is sent again, and the client sees
nothing of it; inside of one the error is the client's, as it would be directly."""

import threading

import pytest

from harness import messages as m
from harness.crowd import together
from harness.waiting import repetitions, until

TABLE = "drop table if exists stale; create table stale(a int); insert into stale values (1)"
CHANGE = "alter table stale add column b text default 'new'"


@pytest.fixture(params=[1, 3])
def endpoint(request, shared):
    return shared(f"stale{request.param}", max_size=request.param)


@pytest.fixture
def table(cluster):
    """Changed by a connection of its own: no tag of it passes through the pool."""
    for statement in [*TABLE.split("; "), "grant all on stale to public"]:
        cluster.execute(statement, "app")
    yield lambda: cluster.execute(CHANGE, "app")
    cluster.execute("drop table stale", "app")


def prepared(wire):
    assert wire.ask(m.P("s", "select * from stale") + m.S) == "1 Z(I)"
    assert wire.ask(m.B("", "s") + m.E() + m.S) == "2 D(1) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_outside_of_a_transaction_nothing_is_seen(endpoint, table):
    with endpoint.wire() as wire:
        prepared(wire)
        table()
        assert wire.ask(m.B("", "s") + m.E() + m.S) == "2 D(1,new) C(SELECT 1) Z(I)"
        assert wire.ask(m.B("", "s") + m.DP() + m.E() + m.S) == "2 T D(1,new) C(SELECT 1) Z(I)"


@pytest.mark.own
@pytest.mark.parametrize("again", [m.B("", "s") + m.E(), m.CS("s") + m.P("s", "select * from stale") + m.B("", "s") + m.E()],
                         ids=["bound", "parsed anew"])
def test_a_batch_whose_sync_is_still_to_come(endpoint, table, again):
    """Refused while only a Flush stood behind it, the error used to reach the client."""
    acknowledged = "" if again.startswith(b"B") else "3 1 "
    with endpoint.wire() as wire:
        prepared(wire)
        table()
        wire.send(again + m.H)
        heard = [str(wire.receive()) for _ in f"{acknowledged}2 D C".split()]
        assert " ".join(heard) == f"{acknowledged}2 D(1,new) C(SELECT 1)"
        assert wire.ask(m.S) == "Z(I)"
        assert wire.ask(again + m.S) == f"{acknowledged}2 D(1,new) C(SELECT 1) Z(I)"


def run(name, portal=""):
    return m.B(portal, name) + m.E(portal)


# What a batch does with names in front of the statement that is refused, its answer, and what "u" runs afterwards.
NAMES = {
    "parsed": (m.P("new", "select 7") + run("s") + run("new"), "1 2 ROW 2 D(7) C(SELECT 1)", "D(1)"),
    "closed": (m.CS("u") + run("s"), "3 2 ROW", None),
    "closed and parsed": (m.CS("u") + m.P("u", "select 5") + run("s") + run("u"), "3 1 2 ROW 2 D(5) C(SELECT 1)", "D(5)"),
    "bound and closed": (m.B("p", "u") + m.CS("u") + run("s") + m.E("p"), "2 3 2 ROW D(1) C(SELECT 1)", None),
    "bound, closed, and parsed": (m.B("p", "u") + m.CS("u") + m.P("u", "select 5") + run("s") + m.E("p") + run("u"),
                                  "2 3 1 2 ROW D(1) C(SELECT 1) 2 D(5) C(SELECT 1)", "D(5)"),
    "several times": (m.CS("u") + m.P("u", "select 5") + m.CS("u") + m.P("u", "select 6") + run("s") + run("u"),
                      "3 1 3 1 2 ROW 2 D(6) C(SELECT 1)", "D(6)"),
    "and another is refused, too": (m.P("new", "select 7") + m.CS("u") + m.B("p", "s") + m.B("q", "t") + m.E("p") + m.E("q"),
                                    "1 3 2 2 ROW ROW", None),
    "itself": (m.CS("s") + m.P("s", "select * from stale") + run("s"), "3 1 2 ROW", "D(1)"),
    "the unnamed one, bound before": (m.B("p") + m.P("", "select 5") + run("s") + m.E("p") + run(""),
                                      "2 1 2 ROW D(9) C(SELECT 1) 2 D(5) C(SELECT 1)", "D(1)"),
    "the unnamed one, closed": (m.B("p") + m.CS() + run("s") + m.E("p"), "2 3 2 ROW D(9) C(SELECT 1)", "D(1)"),
}


@pytest.mark.own
@pytest.mark.parametrize("how", ["whole", "bytes"])
@pytest.mark.parametrize("names", NAMES)
def test_a_batch_that_has_changed_names_finds_them_as_they_were(endpoint, table, names, how):
    """Sent again, its Parse used to be told that its name exists, and its Bind that its statement does not."""
    batch, answer, left = NAMES[names]
    with endpoint.wire() as wire:
        prepared(wire)
        assert wire.ask(m.P("t", "select * from stale where true") + run("t") + m.P("u", "select 1") + m.S) == "1 2 D(1) C(SELECT 1) 1 Z(I)"
        assert wire.ask(m.P("", "select 9") + m.S) == "1 Z(I)"
        table()
        wire.send(batch + m.S, how)
        answer = answer.replace("ROW", "D(1,new) C(SELECT 1)")
        assert " ".join(map(str, wire.until_ready())) == f"{answer} Z(I)"
        assert wire.ask(run("u") + m.S) == (f"2 {left} C(SELECT 1) Z(I)" if left else "E(26000) Z(I)")
        assert wire.ask(run("s") + m.S) == "2 D(1,new) C(SELECT 1) Z(I)"
        assert wire.ask(m.CS("new") + m.P("new", "select 8") + run("new") + m.S) == "3 1 2 D(8) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_names_that_a_batch_has_changed_in_front_of_a_flush(endpoint, table):
    with endpoint.wire() as wire:
        prepared(wire)
        table()
        heard = []
        for part in (m.P("new", "select 7"), m.CS("new"), m.P("new", "select 8"), m.B("", "s")):
            wire.send(part + m.H)
            heard.append(str(wire.receive()))
        assert " ".join(heard) == "1 3 1 2"
        assert wire.ask(m.E() + m.S) == "D(1,new) C(SELECT 1) Z(I)"
        assert wire.ask(run("new") + m.S) == "2 D(8) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_describe_and_what_the_client_has_sent_meanwhile(endpoint, table):
    with endpoint.wire() as wire:
        prepared(wire)
        table()
        assert wire.ask(m.DS("s") + m.S) == "t() T Z(I)"
        assert wire.ask(m.B("", "s") + m.E() + m.S) == "2 D(1,new) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_several_clients_with_the_same_statement(endpoint, table):
    with endpoint.wire() as first, endpoint.wire() as second:
        prepared(first)
        prepared(second)
        table()
        for wire in (first, second, first):
            assert wire.ask(m.B("", "s") + m.E() + m.S) == "2 D(1,new) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_a_statement_prepared_by_sql(endpoint, table):
    with endpoint.wire() as wire:
        assert wire.ask(m.Q("prepare q as select * from stale")) == "C(PREPARE) Z(I)"
        assert wire.ask(m.Q("execute q")) == "T D(1) C(SELECT 1) Z(I)"
        table()
        assert wire.ask(m.Q("execute q")) == "T D(1,new) C(SELECT 1) Z(I)"
        assert wire.ask(m.Q("deallocate q")) == "C(DEALLOCATE) Z(I)"


@pytest.mark.own
def test_with_settings_of_the_clients_own(endpoint, table):
    with endpoint.wire() as wire, endpoint.wire() as other:
        assert wire.ask(m.Q("set work_mem to '3MB'")) == "C(SET) Z(I)"
        prepared(wire)
        assert other.value("show work_mem") == "4MB"
        table()
        assert wire.ask(m.B("", "s") + m.E() + m.S) == "2 D(1,new) C(SELECT 1) Z(I)"
        assert wire.value("show work_mem") == "3MB"


def test_in_a_transaction_it_is_the_clients_error(endpoint, table):
    with endpoint.wire() as wire:
        prepared(wire)
        table()
        assert wire.ask(m.Q("begin")) == "C(BEGIN) Z(T)"
        if endpoint.kind == "pgweir":
            # The plan is as old as the last use on the backend that serves the transaction.
            assert wire.ask(m.B("", "s") + m.E() + m.S) in ("E(0A000) Z(E)", "2 D(1,new) C(SELECT 1) Z(T)")
        else:
            assert wire.ask(m.B("", "s") + m.E() + m.S) == "E(0A000) Z(E)"
        assert wire.ask(m.Q("rollback")) == "C(ROLLBACK) Z(I)"


@pytest.mark.own
def test_batches_in_a_row_keep_their_order(endpoint, table):
    """With a second batch behind it, the first cannot be sent again: the error is passed on, and nothing is lost."""
    with endpoint.wire() as wire:
        prepared(wire)
        table()
        wire.send((m.B("", "s") + m.E() + m.S) + m.Q("select 'second'"))
        first, second = wire.ask(b""), wire.ask(b"")
        assert first in ("E(0A000) Z(I)", "2 D(1,new) C(SELECT 1) Z(I)")
        assert second == "T D(second) C(SELECT 1) Z(I)"


class Reader:
    """Uses its statement again and again; knows how many columns there may be, and counts what it was refused."""

    def __init__(self, endpoint, kind):
        self.wire, self.kind, self.turns, self.errors = endpoint.wire(), kind, 0, 0
        assert self.wire.ask(m.P("s", "select * from stale") + m.S) == "1 Z(I)"

    def turn(self):
        execute = m.B("", "s") + m.E() + m.S
        if self.kind == "described":
            self.look(self.ask(m.B("", "s") + m.DP() + m.E() + m.S))
        elif self.kind == "in a transaction":
            self.ask(m.Q("begin"))
            self.look(self.ask(execute))
            self.ask(m.Q("rollback"))
        elif self.kind == "by SQL":
            self.look(self.ask(m.Q("execute s")))
        elif self.kind == "pipelined":
            self.wire.send(execute * 3)
            for _ in range(3):
                self.look(self.wire.until_ready())
        else:
            self.look(self.ask(execute))
        self.turns += 1

    def ask(self, data):
        self.wire.send(data)
        return self.wire.until_ready()

    def look(self, answer):
        assert answer[-1].kind == "Z", answer
        rows = [x.values() for x in answer if x.kind == "D"]
        described = [len(x.column_names()) for x in answer if x.kind == "T"]
        if rows:
            assert rows in ([["1"]], [["1", "new"]]), rows
            assert not described or described == [len(rows[0])]
        else:
            [error] = [x for x in answer if x.kind == "E"]
            assert error.sqlstate == "0A000", f"{error} {error.text}"
            self.errors += 1


@pytest.mark.own
@pytest.mark.parametrize("max_size", [1, 3])
def test_while_columns_come_and_go(shared, table, cluster, max_size):
    """D8: eight clients use the same statement in every way, while DDL alternates. Nobody is closed or gets rows that fit
    neither shape; nobody is refused more than once for each change, and outside of transactions and pipelines not at all."""
    endpoint = shared(f"stale{max_size}", max_size=max_size)
    kinds = ["plain", "described", "in a transaction", "by SQL", "pipelined", "plain", "described", "in a transaction"]
    readers, changes, done = [Reader(endpoint, kind) for kind in kinds], repetitions(25, least=6), threading.Event()

    def read(reader):
        while not done.is_set():
            reader.turn()

    def change():
        try:
            for number in range(changes):
                before = [reader.turns for reader in readers]
                cluster.execute("alter table stale drop column b" if number % 2 else CHANGE, "app")
                until(lambda: all(reader.turns > n + 2 for reader, n in zip(readers, before)), "all have seen it")
        finally:
            done.set()

    together(lambda work: work(), [change, *(lambda reader=reader: read(reader) for reader in readers)], threads=9)
    for reader in readers:
        allowed = changes * {"in a transaction": 1, "pipelined": 3}.get(reader.kind, 0)
        assert reader.errors <= allowed, f"{reader.kind}: {reader.errors} errors for {changes} changes"
        assert reader.wire.ask(m.Q("select 'there'")) == "T D(there) C(SELECT 1) Z(I)"
        reader.wire.terminate()
