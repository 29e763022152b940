"""What a client may take for committed: nothing before its ReadyForQuery, everything from then on. A second connection
looks at the very moment when the client hears it."""

import pytest

from harness import messages as m
from harness.sequence import tokens
from harness.waiting import repetitions

TABLE = """create table commits (id int unique deferrable initially deferred, note text default 'x');
create function commit_one() returns int language sql as $$ insert into commits values (1) returning 1 $$;
grant all on commits to public"""
# A commit takes its time: whoever tells of it early tells long before it has happened.
SLOW = """create function slow_commit() returns trigger language plpgsql as
$$ begin perform pg_sleep(0.05); return null; end $$;
create constraint trigger slow_commit after insert on commits deferrable initially deferred
for each row execute function slow_commit()"""
DROP = "drop table commits; drop function commit_one(); drop function if exists slow_commit()"


@pytest.fixture
def count(admin):
    """How many rows a connection sees that has nothing to do with the client's."""
    with admin.cursor() as cursor:
        cursor.execute(TABLE)

        def rows(condition="true"):
            cursor.execute(f"select count(*) from commits where {condition}")
            return cursor.fetchone()[0]

        yield rows
        cursor.execute(DROP)


@pytest.fixture
def slow(count, admin):
    with admin.cursor() as cursor:
        cursor.execute(SLOW)


@pytest.fixture
def endpoint(shared):
    return shared("one", max_size=1)


def run(sql):
    return m.P("", sql) + m.B() + m.E()


def is_(expected, found):
    assert found == expected


def insert(id=1):
    return run(f"insert into commits values ({id})")


def play(wire, steps, before, ready):
    """Calls before() at each message as long as the commit is not asked for, which the last step does, and ready() at each
    ReadyForQuery of that."""
    for number, (data, answer) in enumerate(steps, 1):
        wire.send(data)
        for expected in tokens(answer):
            message = str(wire.receive())
            assert message == expected
            if number < len(steps):
                before()
            elif message == "Z(I)":
                ready()


COMMITS = {
    "behind a Flush": [(insert() + m.H, "1 2 C(INSERT 0 1)"), (m.S, "Z(I)")],
    "behind two Flushes, with two Syncs": [(insert() + m.H, "1 2 C(INSERT 0 1)"), (m.H, ""), (m.S + m.S, "Z(I) Z(I)")],
    "in one write": [(insert() + m.S, "1 2 C(INSERT 0 1) Z(I)")],
    "a simple Query": [(m.Q("insert into commits values (1)"), "C(INSERT 0 1) Z(I)")],
    "COMMIT": [(m.Q("begin; insert into commits values (1)"), "C(BEGIN) C(INSERT 0 1) Z(T)"),
               (m.Q("commit"), "C(COMMIT) Z(I)")],
    "an extended COMMIT": [(run("begin") + insert() + m.S, "1 2 C(BEGIN) 1 2 C(INSERT 0 1) Z(T)"),
                           (run("commit") + m.S, "1 2 C(COMMIT) Z(I)")],
    "COPY": [(m.Q("copy commits (id) from stdin"), "G"), (m.d("1\n") + m.c, "C(COPY 1) Z(I)")],
    "an extended COPY": [(run("copy commits (id) from stdin") + m.H, "1 2 G"), (m.d("1\n") + m.c + m.H, "C(COPY 1)"),
                         (m.S, "Z(I)")],
    "a function": [(m.Q("select commit_one()"), "T D(1) C(SELECT 1) Z(I)")],
}


@pytest.mark.parametrize("how", COMMITS)
def test_a_slow_commit(endpoint, count, slow, how):
    with endpoint.wire() as wire:
        play(wire, COMMITS[how], before=lambda: is_(0, count()), ready=lambda: is_(1, count()))
        assert wire.ask(m.Q("select 'next'")) == "T D(next) C(SELECT 1) Z(I)"


FAILURES = {
    "behind an error": [(insert() + run("select 1/0") + m.H, "1 2 C(INSERT 0 1) 1 E(22012)"), (m.S, "Z(I)")],
    "behind an error in one write": [(insert() + run("select 1/0") + insert() + m.S,
                                      "1 2 C(INSERT 0 1) 1 E(22012) Z(I)")],
    "in a string": [(m.Q("insert into commits values (1); select 1/0"), "C(INSERT 0 1) E(22012) Z(I)")],
    "COMMIT of a failed transaction": [(m.Q("begin; insert into commits values (1); select 1/0"),
                                        "C(BEGIN) C(INSERT 0 1) E(22012) Z(E)"), (m.Q("commit"), "C(ROLLBACK) Z(I)")],
    "a constraint at Sync": [(run("insert into commits values (1), (1)") + m.H, "1 2 C(INSERT 0 2)"),
                             (m.S, "E(23505) Z(I)")],
    "a constraint at COMMIT": [(m.Q("begin; insert into commits values (1), (1)"), "C(BEGIN) C(INSERT 0 2) Z(T)"),
                               (m.Q("commit"), "E(23505) Z(I)")],
    "a failed COPY": [(m.Q("copy commits (id) from stdin"), "G"),
                      (m.d("1\n") + m.d("x\n") + m.d("2\n") + m.c, "E(22P02) Z(I)")],
}


@pytest.mark.parametrize("how", FAILURES)
def test_a_failed_pipeline_leaves_nothing(endpoint, count, how):
    with endpoint.wire() as wire:
        play(wire, FAILURES[how], before=lambda: is_(0, count()), ready=lambda: is_(0, count()))
        assert wire.ask(m.Q("select 'next'")) == "T D(next) C(SELECT 1) Z(I)"
    assert count() == 0


def test_thousands_of_commits_behind_a_flush(endpoint, count):
    """Each is there when its Sync is answered, and none before."""
    with endpoint.wire() as wire:
        for id in range(repetitions(10_000, least=500)):
            wire.send(insert(id) + m.H)
            assert [wire.receive().kind for _ in range(3)] == ["1", "2", "C"]
            if id % 10 == 0:
                assert count(f"id = {id}") == 0
            assert wire.ask(m.S) == "Z(I)"
            assert count(f"id = {id}") == 1


@pytest.mark.own
def test_a_commit_of_a_batch_that_was_sent_again(endpoint, count, slow, admin):
    """DDL has made its plan stale: the server refuses the batch, pgweir ends it with a Sync of its own and sends it again.
    The client's Sync must be answered by the server that commits, not by the end of the first attempt."""
    execute = m.B("", "s") + m.E()
    with endpoint.wire() as wire:
        assert wire.ask(m.P("s", "insert into commits values (7) returning *") + m.S) == "1 Z(I)"
        assert wire.ask(execute + m.S) == "2 D(7,x) C(INSERT 0 1) Z(I)"
        with admin.cursor() as cursor:
            cursor.execute("delete from commits; alter table commits add column more text default 'new'")
        play(wire, [(execute + m.H, "2 D(7,x,new) C(INSERT 0 1)"), (m.S, "Z(I)")],
             before=lambda: is_(0, count()), ready=lambda: is_(1, count()))
    assert count() == 1
