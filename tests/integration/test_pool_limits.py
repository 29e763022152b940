"""The pool's size, its queue and the limits on clients and descriptors."""

import resource
import threading
import time

import pytest

from harness import messages as m
from harness.crowd import in_background, together
from harness.waiting import hold, repetitions, seconds, until
from harness.wire import EOF, LoginFailed

pytestmark = pytest.mark.pooled


@pytest.mark.parametrize("size", [1, 10])
def test_many_clients_share_few_backends_and_each_gets_its_own_rows(start, watch, size):
    proxy = start(max_size=size, changes={"listen": {"max_clients": 1000}})
    clients, rounds = repetitions(200, least=40), 5

    def work(number):
        with proxy.wire() as wire:
            for turn in range(rounds):
                nonce = f"{number}-{turn}"
                assert wire.query(f"select '{nonce}'") == [[nonce]]
                wire.query("begin")
                assert wire.query(f"select 'in {nonce}'") == [[f"in {nonce}"]]
                wire.query("commit")
                reply = wire.ask(m.P("", "select $1::text") + m.B("", "", (nonce,)) + m.E() + m.S)
                assert reply == f"1 2 D({nonce}) C(SELECT 1) Z(I)"
        return rounds

    with watch() as seen:
        for _ in range(20):  # until the server was looked at often enough
            assert sum(together(work, range(clients), threads=64)) == clients * rounds
            if seen.samples > 10:
                break
    assert seen.maximum <= size, seen.worst
    assert seen.maximum > 0 and seen.samples > 10


def test_connect_and_leave_churn_never_exceeds_the_size(start, watch):
    proxy = start(max_size=3)

    def work(number):
        wire = proxy.wire(user="app")
        try:
            wire.query("select 1")
            if number % 3 == 0:
                wire.send(m.Q("begin; select 1"))
            elif number % 3 == 1:
                wire.send(m.P() + m.B())
        finally:
            wire.abort() if number % 2 else wire.terminate()

    with watch() as seen:
        together(work, range(repetitions(300, least=60)), threads=40)
        with proxy.wire() as wire:
            assert wire.value("select 1") == "1"
    assert seen.maximum <= 3, seen.worst


def test_waiters_are_served_in_the_order_of_their_coming(start):
    proxy = start(max_size=1)
    order, clients = [], [proxy.wire() for _ in range(12)]
    holder = proxy.wire()
    holder.query("begin")
    waiting = []
    for number, wire in enumerate(clients):
        wire.send(m.Q("select clock_timestamp()"))
        waiting.append(wire)
        if proxy.kind == "pgweir":
            until(lambda: proxy.waiters() == len(waiting), f"{len(waiting)} waiters")
        else:
            time.sleep(0.02)
    holder.query("commit")
    for number, wire in enumerate(clients):
        answer = wire.until_ready()
        order.append(next(x.values()[0] for x in answer if x.kind == "D"))
    assert order == sorted(order)
    for wire in clients + [holder]:
        wire.terminate()


@pytest.mark.own
def test_a_waiter_that_leaves_is_skipped(start):
    proxy = start(max_size=1)
    holder, gone, patient = proxy.wire(), proxy.wire(), proxy.wire()
    holder.query("begin")
    gone.send(m.Q("select 'gone'"))
    until(lambda: proxy.waiters() == 1, "one waiter")
    patient.send(m.Q("select 'patient'"))
    until(lambda: proxy.waiters() == 2, "two waiters")
    gone.abort()
    until(lambda: proxy.waiters() == 1, "the waiter that left is out of the queue")
    holder.query("commit")
    assert "D(patient)" in " ".join(str(x) for x in patient.until_ready())
    holder.terminate()
    patient.terminate()


@pytest.mark.own
def test_borrow_timeout_is_a_53300_error_and_the_client_may_try_again(start):
    proxy = start(max_size=1, borrow_timeout="300ms")
    with proxy.wire() as holder, proxy.wire() as waiter:
        holder.query("begin")
        begun = time.monotonic()
        waiter.send(m.Q("select 1"))
        answer = waiter.receive()
        assert answer.kind == "E" and answer.sqlstate == "53300", answer
        assert answer.text == ("query_wait_timeout: no server connection became free in time; "
                               "the only server connection is in use (pool.max_size is 1)")
        assert 0.25 <= time.monotonic() - begun <= seconds(2)
        rest = waiter.receive()
        holder.query("commit")
        if rest is not EOF:  # the connection may live on
            assert str(rest) == "Z(I)"
            assert waiter.value("select 1") == "1"
        assert holder.value("select 1") == "1"


@pytest.mark.own
def test_a_login_that_needs_a_server_connection_waits_no_longer_than_a_statement(start):
    """What PostgreSQL makes of new startup parameters is asked of it once."""
    proxy = start(max_size=1, borrow_timeout="300ms")
    with proxy.wire() as holder:
        holder.query("begin")
        with pytest.raises(LoginFailed) as refused:
            proxy.wire(params=[("work_mem", "5MB"), ("application_name", "report")])
        assert str(refused.value.answer) == "E(FATAL 53300)"
        assert refused.value.answer.text.startswith("query_wait_timeout: ") and "in use" in refused.value.answer.text
    closed = [line for line in proxy.log_events() if line["event"] == "client_closed"]
    assert [(line["reason"], line["database"], line["user"], line["application_name"]) for line in closed] == [
        ("borrow_timeout", "app", "app", "report")]


@pytest.mark.own
def test_borrow_timeout_in_a_pipeline(start):
    proxy = start(max_size=1, borrow_timeout="300ms")
    with proxy.wire() as holder, proxy.wire() as waiter:
        holder.query("begin")
        waiter.send(m.P() + m.B() + m.E() + m.S)
        answer = waiter.receive()
        assert answer.kind == "E" and answer.sqlstate == "53300", answer
        rest = waiter.receive()
        holder.query("commit")
        if rest is not EOF:
            assert str(rest) == "Z(I)"
            assert waiter.ask(m.P() + m.B() + m.E() + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_min_size_backends_are_warm_without_any_client(start, watch):
    start(min_size=3, max_size=5, changes={"databases": {"app": {"users": ["app"]}, "other": {"users": ["app"]}}})
    with watch(databases=["app", "other"]) as seen:
        until(lambda: seen.count() == 6, "three backends in each of two pools")
        hold(lambda: seen.count() == 6, "six warm backends", 0.3)


@pytest.mark.own
def test_idle_backends_above_min_size_go(start, watch):
    proxy = start(min_size=1, max_size=5, idle_timeout="300ms",
                  changes={"databases": {"app": {"users": ["app"]}, "other": None}})
    clients = [proxy.wire() for _ in range(5)]
    with watch() as seen:
        for wire in clients:
            wire.query("begin")
        assert seen.count() == 5
        for wire in clients:
            wire.query("commit")
        until(lambda: seen.count() == 1, "the idle backends above min_size are closed", timeout=10)
        assert clients[0].value("select 1") == "1"
    assert seen.maximum == 5
    for wire in clients:
        wire.terminate()


@pytest.mark.own
def test_max_lifetime_replaces_backends_between_transactions(start, watch):
    proxy = start(min_size=1, max_size=2, max_lifetime="500ms",
                  changes={"databases": {"app": {"users": ["app"]}, "other": None}})
    with watch() as seen, proxy.wire() as wire:
        first = wire.value("select pg_backend_pid()")
        until(lambda: wire.value("select pg_backend_pid()") != first, "another backend", timeout=10)
        wire.query("begin")
        inside = wire.value("select pg_backend_pid()")
        hold(lambda: wire.value("select pg_backend_pid()") == inside, "one backend for a transaction", 1.0)
        wire.query("commit")
    assert seen.maximum <= 2, seen.worst


@pytest.mark.own
def test_max_clients_refuses_with_53300_and_recovers(start):
    proxy = start(max_size=2, changes={"listen": {"max_clients": 5}})
    clients = [proxy.wire() for _ in range(5)]
    with pytest.raises((LoginFailed, EOFError, ConnectionError)) as refusal:
        proxy.wire()
    if isinstance(refusal.value, LoginFailed) and refusal.value.answer is not EOF:
        assert str(refusal.value.answer) == "E(FATAL 53300)"
    assert clients[0].value("select 1") == "1"
    clients.pop().terminate()

    def one_more():
        try:
            return proxy.wire()
        except (LoginFailed, EOFError, ConnectionError):
            return None

    clients.append(until(one_more, "room for another client"))
    for wire in clients:
        wire.terminate()


@pytest.mark.own
def test_descriptor_exhaustion_pauses_accept_and_recovers(start):
    """Few descriptors: clients above them wait in the listen queue, the established ones keep their service, and
    when descriptors are free again the waiting ones get in."""
    limit = 350
    proxy = start(max_size=4, changes={"listen": {"max_clients": 80}, "workers": 1},
                  limits=["prlimit", f"--nofile={limit}:{limit}"])
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    established = proxy.wire()
    # Lower the limit of the running process to what it has now plus a little.
    resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE, (proxy.descriptors() + 10, limit))
    crowd = [proxy.socket() for _ in range(40)]
    for wire in crowd:
        wire.send(m.startup([("user", "app"), ("database", "app")]))
    until(lambda: proxy.descriptors() >= 10, "descriptors in use")
    for _ in range(repetitions(50, least=10)):
        assert established.value("select 1") == "1"
    used = cpu_seconds(proxy.process.pid)
    begun = time.monotonic()
    hold(lambda: established.value("select 1") == "1", "established clients are served", 0.5, interval=0.1)
    assert cpu_seconds(proxy.process.pid) - used < 0.5 * (time.monotonic() - begun), "it spins"
    for wire in crowd[:30]:
        wire.abort()
    for wire in crowd[30:]:
        wire.authenticate("app", proxy.address()["password"])
        assert wire.value("select 1") == "1"
        wire.terminate()
    established.terminate()


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.own
def test_a_slow_login_of_the_server_does_not_exceed_max_logins(start, watch, cluster):
    proxy = start(min_size=0, max_size=20, max_logins=2)
    clients = [proxy.wire() for _ in range(20)]
    with watch() as seen:
        together(lambda wire: wire.query("select pg_sleep(0.05)"), clients, threads=20)
    assert seen.maximum <= 20
    for wire in clients:
        wire.terminate()


@pytest.mark.own
def test_pools_of_different_users_are_separate(start, watch):
    proxy = start(max_size=1)
    with proxy.wire("app") as first, proxy.wire("app2") as second, proxy.wire("app", "other") as third:
        first.query("begin")
        second.query("begin")
        third.query("begin")
        assert first.value("select current_user") == "app"
        assert second.value("select current_user") == "app2"
        assert third.value("select current_database()") == "other"


def test_a_client_that_waits_costs_the_others_nothing(start):
    """100 waiters in the queue of a busy pool; the other pool answers as ever."""
    proxy = start(max_size=1)
    holder = proxy.wire()
    holder.query("begin")
    crowd = [proxy.wire() for _ in range(repetitions(100, least=20))]
    for wire in crowd:
        wire.send(m.Q("select 1"))
    with proxy.wire("app2") as other:
        times = []
        for _ in range(20):
            begun = time.monotonic()
            assert other.value("select 1") == "1"
            times.append(time.monotonic() - begun)
        assert sorted(times)[10] < seconds(0.05)
    holder.query("commit")
    for wire in crowd:
        assert str(wire.until_ready()[-1]) == "Z(I)"
        wire.terminate()
    holder.terminate()


def test_session_mode_keeps_one_backend_for_one_client(start, watch):
    proxy = start(max_size=2, mode="session")
    with watch(["app"]) as seen:
        with proxy.wire() as first, proxy.wire() as second:
            mine = first.value("select pg_backend_pid()")
            first.query("set work_mem to '3MB'; create temp table mine (id int)")
            for _ in range(20):
                assert second.value("select pg_backend_pid()") != mine
                assert first.value("select pg_backend_pid()") == mine
            assert first.value("select count(*) from mine") == "0"
            third = proxy.wire()
            third.send(m.Q("select current_setting('work_mem') || ' ' || coalesce(to_regclass('mine')::text, 'none')"))
            first.terminate()
            answer = third.until_ready()
            assert str(answer[1]) == "D(4MB none)", "the next client of the backend sees nothing of the last"
            third.terminate()
    assert seen.maximum <= 2


def test_long_and_short_transactions_together(start, watch):
    """Two clients hold long transactions; the rest share the other backends."""
    proxy = start(max_size=4)
    stop = threading.Event()

    def long_one():
        with proxy.wire() as wire:
            while not stop.is_set():
                wire.query("begin")
                wire.query("select pg_sleep(0.1)")
                wire.query("commit")

    with watch() as seen:
        long_ones = [in_background(long_one) for _ in range(2)]

        def short_one(number):
            with proxy.wire() as wire:
                for turn in range(repetitions(100, least=20)):
                    assert wire.value(f"select {number * 1000 + turn}") == str(number * 1000 + turn)

        together(short_one, range(8))
        stop.set()
        for future in long_ones:
            future.result(seconds(20))
    assert seen.maximum <= 4, seen.worst
