"""Cancel requests against the clock: whoever gets the backend next is never hit, whoever is meant is."""

import random
import threading

import pytest

from harness import messages as m
from harness.crowd import together
from harness.waiting import repetitions, seconds, until
from proof.races import SHAPES, SLEEP, SLEEP_SECONDS, Aim, Shots, cancelled, spin
from proof.seeds import new_seed

ROUNDS = repetitions(300, least=60)
HEAD_START = 0.0003  # for the first client's statement, which another thread of the proxy may read than the second's


def answers(wire, count=1):
    return [message for _ in range(count) for message in wire.until_ready()]


def other_statement(number):
    """Long enough to be hit by what comes late, and its only right answer."""
    return m.Q(f"select pg_sleep(0.0015), {number}"), f"T D(,{number}) C(SELECT 1) Z(I)"


def assert_right(wire, expected):
    assert " ".join(map(str, wire.until_ready())) == expected


@pytest.mark.pooled
@pytest.mark.parametrize("shape", SHAPES)
def test_around_the_end_of_a_statement_the_next_client_is_spared(shared, shape):
    """The first statement ends, the second client's begins on the same backend, and the cancel comes in between.
    The keys are those of the protocols 3.0 and 3.2 in turn."""
    proxy, aim, (data, count) = shared("one", max_size=1), Aim(new_seed(), step=0.0004, start=SLEEP_SECONDS), SHAPES[shape]
    with proxy.wire(minor=0) as short, proxy.wire(minor=2) as long, proxy.wire() as second:
        for number in range(ROUNDS):
            first = long if number % 2 else short
            shots = Shots(proxy, first)
            other, expected = other_statement(number)
            first.send(data)
            spin(HEAD_START)
            second.send(other)
            aim.wait()
            shots.fire()
            aim.record(cancelled(answers(first, count)))
            assert_right(second, expected)
            shots.ended()
    aim.assert_fair()


@pytest.mark.pooled
def test_around_the_beginning_of_a_statement_settings_stay_with_their_clients(shared):
    """The two differ in a setting, so that each statement begins with a pooler's own work, which the cancel may hit."""
    proxy, chance = shared("one", max_size=1), random.Random(new_seed())
    hits = 0
    with proxy.wire() as first, proxy.wire() as second:
        first.query("set work_mem to '3MB'")
        second.query("set work_mem to '5MB'")
        for number in range(ROUNDS):
            shots = Shots(proxy, first)
            first.send(m.Q("select current_setting('work_mem'), pg_sleep(0.001)"))
            spin(chance.uniform(0, 0.001))
            shots.fire()
            second.send(m.Q(f"select current_setting('work_mem'), {number}"))
            answer = first.until_ready()
            hits += cancelled(answer)
            assert cancelled(answer) or str(answer[1]) == "D(3MB,)", [str(x) for x in answer]
            assert_right(second, f"T D(5MB,{number}) C(SELECT 1) Z(I)")
            shots.ended()
        assert first.value("show work_mem") == "3MB"
    assert hits


@pytest.mark.own
def test_a_burst_of_cancels_of_one_statement(shared):
    """Ten at once, then the client's own next statement: a cancel whose connection was closed hits nothing later."""
    proxy, aim = shared("one", max_size=1), Aim(new_seed(), step=0.0004, start=SLEEP_SECONDS)
    with proxy.wire() as first, proxy.wire() as second:
        for number in range(ROUNDS // 3):
            shots = Shots(proxy, first, count=10)
            other, expected = other_statement(number)
            first.send(SHAPES["simple"][0])
            spin(HEAD_START)
            second.send(other)
            aim.wait()
            shots.fire()
            aim.record(cancelled(first.until_ready()))
            assert_right(second, expected)
            shots.ended()
            own, expected = other_statement(-number)
            first.send(own)
            assert_right(first, expected)
    aim.assert_fair()


@pytest.mark.pooled
@pytest.mark.parametrize("leave", ["terminate", "abort", "close"])
def test_a_client_that_cancels_and_leaves(shared, leave):
    """What is still under way when it leaves, its own cancel and the pooler's, ends before the next one's turn."""
    proxy, aim = shared("one", max_size=1), Aim(new_seed(), step=0.0004, start=SLEEP_SECONDS)
    with proxy.wire() as second:
        for number in range(ROUNDS // 2):
            first = proxy.wire()
            shots = Shots(proxy, first)
            other, expected = other_statement(number)
            first.send(m.Q(SLEEP))
            spin(HEAD_START)
            second.send(other)
            aim.wait()
            shots.fire()
            getattr(first, leave)()
            assert_right(second, expected)
            aim.record(number % 2 == 0)  # nobody hears whether it hit
            shots.ended()


@pytest.mark.pooled
def test_a_key_whose_client_has_left_hits_nobody(shared):
    """The cancel comes before, while or after the client's backend goes to somebody else, and its key is void."""
    proxy, chance = shared("one", max_size=1), random.Random(new_seed())
    with proxy.wire() as second:
        for number in range(ROUNDS // 2):
            first = proxy.wire()
            first.query("select 1")
            shots = Shots(proxy, first, count=3)
            first.terminate()
            other, expected = other_statement(number)
            if chance.random() < 0.5:
                shots.fire()
                second.send(other)
            else:
                second.send(other)
                shots.fire()
            assert_right(second, expected)
            shots.ended()


@pytest.mark.own
def test_of_a_waiting_client_at_the_moment_when_it_is_served(shared):
    """It is cancelled in the queue or on the backend, or too late; in any case only it."""
    proxy, aim = shared("one", max_size=1), Aim(new_seed(), soonest=0, spread=0.0004)
    where = {"queue": 0, "backend": 0, "nowhere": 0}
    with proxy.wire() as holder, proxy.wire(minor=2) as first, proxy.wire() as second:
        for number in range(4 * ROUNDS):  # on a busy machine it takes longer to hit both
            if number >= ROUNDS and where["queue"] and where["backend"]:
                break
            shots = Shots(proxy, first)
            other, expected = other_statement(number)
            assert holder.ask(m.Q("begin")) == "C(BEGIN) Z(T)"
            first.send(m.Q(f"select pg_sleep({seconds(0.0005)})"))
            second.send(other)
            until(lambda: proxy.waiters() == 2, "both wait", interval=0)
            holder.send(m.Q("commit"))
            aim.wait()
            shots.fire()
            answer = first.until_ready()
            hit = cancelled(answer)
            where["nowhere" if not hit else "backend" if answer[0].kind == "T" else "queue"] += 1
            aim.record(hit)
            assert_right(holder, "C(COMMIT) Z(I)")
            assert_right(second, expected)
            shots.ended()
    aim.assert_fair()
    assert where["queue"] and where["backend"], where


def running(admin, beginning):
    """The statements of clients that run and begin like this."""
    with admin.cursor() as cursor:
        cursor.execute("select query from pg_stat_activity where usename = 'app' and state = 'active' "
                       "and starts_with(query, %s) order by 1", (beginning,))
        return [row[0] for row in cursor.fetchall()]


PINS = {
    "LISTEN": ("listen cancel_channel", "select count(*) from pg_listening_channels()", "1"),
    "PREPARE": ("prepare cancel_prepared as select 'mine'", "execute cancel_prepared", "mine"),
    "temporary table": ("create temp table cancel_temp as select 'mine' as v", "select v from cancel_temp", "mine"),
    "advisory lock": ("select pg_advisory_lock(815)", "select pg_advisory_unlock(815)", "t"),
    "cursor WITH HOLD": ("declare cancel_cursor cursor with hold for select 'mine'", "fetch cancel_cursor", "mine"),
    "transaction": ("begin; savepoint s", "rollback to s; select 'mine'", "mine"),
}


@pytest.mark.parametrize("pin", PINS)
def test_of_a_pinned_client(shared, admin, pin):
    """The cancel reaches its backend, leaves it its state, and spares the client on the other backend."""
    proxy, chance = shared("two", max_size=2), random.Random(new_seed())
    made, check, expected = PINS[pin]
    with proxy.wire() as first, proxy.wire() as second:
        first.query(made)
        for number in range(ROUNDS // 15):
            other, right = other_statement(number)
            shots = Shots(proxy, first)
            long = chance.random() < 0.7
            first.send(m.Q("select pg_sleep(30)" if long else SLEEP))
            second.send(other)
            if long:
                until(lambda: running(admin, "select pg_sleep(30)"), "it sleeps", interval=0.001)
            shots.fire()
            hit = cancelled(first.until_ready(10))
            assert hit or not long
            assert_right(second, right)
            shots.ended()
            if pin == "transaction":
                first.query("rollback to s")
        assert first.query(check)[-1][0] == expected
        if pin == "transaction":
            first.query("rollback")


@pytest.mark.pooled
def test_across_workers_each_key_ends_its_own_statement(start, admin):
    """Twelve clients of two workers sleep. Each cancel, which comes in on any worker, wakes exactly its own."""
    proxy, chance = start(max_size=12, changes={"workers": 2}), random.Random(new_seed())
    text = "select pg_sleep(30) --"

    for _ in range(repetitions(6, least=2)):
        wires = {f"{text} {number:02}": proxy.wire(minor=number % 2 * 2) for number in range(12)}
        for statement, wire in wires.items():
            wire.send(m.Q(statement))
        until(lambda: running(admin, text) == sorted(wires), "all sleep")
        while wires:
            with wires.pop(chance.choice(sorted(wires))) as wire:
                proxy.cancel(wire)
                assert_right(wire, "T E(57014) Z(I)")
            assert running(admin, text) == sorted(wires)


@pytest.mark.pooled
def test_a_crowd_of_which_half_cancels_itself(start):
    """Two workers, three backends that wander between twelve clients. Who sends no cancel is never cancelled."""
    proxy, seed = start(max_size=3, changes={"workers": 2}), new_seed()
    stopping, counts = threading.Event(), [0] * 12

    def cancels_itself(number):
        aim = Aim(seed + number, soonest=0, spread=0.002)
        with proxy.wire(minor=number % 4) as wire:
            while not stopping.is_set():
                shots = Shots(proxy, wire)
                wire.send(m.Q(SLEEP))
                aim.wait()
                shots.fire()
                hit = cancelled(wire.until_ready())
                aim.record(hit)
                counts[number] += hit
                shots.ended()

    def is_never_cancelled(number):
        try:
            with proxy.wire() as wire:
                for turn in range(ROUNDS):
                    data, expected = other_statement(number * 1000 + turn)
                    wire.send(data)
                    assert_right(wire, expected)
                    counts[number] += 1
        except BaseException:
            stopping.set()
            raise

    def work(number):
        return cancels_itself(number) if number % 2 == 0 else is_never_cancelled(number)

    def stop_when_done():
        until(lambda: stopping.is_set() or all(count == ROUNDS for count in counts[1::2]), "all is done", timeout=120)
        stopping.set()

    waiter = threading.Thread(target=stop_when_done)
    waiter.start()
    try:
        together(work, range(12), threads=12, timeout=150)
    finally:
        stopping.set()
        waiter.join()
    assert all(counts), counts


COPIES = {
    "COPY IN": m.Q("copy cancel_copy from stdin") + m.d("1\n"),
    "extended COPY IN": m.P("", "copy cancel_copy from stdin") + m.B() + m.E() + m.H + m.d("1\n"),
    "COPY OUT that nobody reads": m.Q("copy (select repeat('x', 1000) from generate_series(1, 1000000)) to stdout"),
    "result that nobody reads": m.Q("select repeat('x', 1000) from generate_series(1, 1000000)"),
}


@pytest.mark.parametrize("what", COPIES)
def test_of_a_statement_that_moves_data(start, admin, what):
    """The server waits for the client, or the client does not read: the cancel gets through all the same. In COPY IN
    PostgreSQL itself heeds it with the next message of the client."""
    proxy = start(max_size=2)
    with admin.cursor() as cursor:
        cursor.execute("drop table if exists cancel_copy; create table cancel_copy (id int); "
                       "grant all on cancel_copy to public")
    with proxy.wire() as first, proxy.wire() as second:
        first.send(COPIES[what])
        seen = first.receive()
        while seen.kind in "12":
            seen = first.receive()
        assert seen.kind in "GHT"
        data, expected = other_statement(1)
        second.send(data)
        proxy.cancel(first)
        if "IN" in what:
            first.send(m.d("2\n"))
        if what == "extended COPY IN":
            first.send(m.S)
        moved = 0
        while seen.kind != "Z":
            seen = first.receive()
            moved += len(seen.body)
            assert seen.kind in "DdEZ" and moved < 200_000_000, seen
            if seen.kind == "E":
                assert seen.sqlstate == "57014"
        assert_right(second, expected)
        assert first.value("select 'next'") == "next"
    with admin.cursor() as cursor:
        cursor.execute("drop table cancel_copy")
