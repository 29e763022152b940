"""A cancel reaches the query of the client whose key it carries, now, and nothing else ever."""

import threading
import time

import pytest

from harness import messages as m
from harness.crowd import in_background
from harness.waiting import repetitions, seconds, until


def started(wire, admin, text="pg_sleep(30)"):
    wire.send(m.Q(f"select {text}"))

    def running():
        with admin.cursor() as cursor:
            cursor.execute("select count(*) from pg_stat_activity where usename = 'app' and state = 'active' "
                           "and query like %s", (f"%{text}%",))
            return cursor.fetchone()[0] == 1

    until(running, "the query runs")


@pytest.mark.parametrize("minor", [0, 2])
def test_a_running_query(start, admin, minor):
    endpoint = start(max_size=1)
    with endpoint.wire(minor=minor) as wire:
        started(wire, admin)
        begun = time.monotonic()
        endpoint.cancel(wire)
        assert " ".join(str(x) for x in wire.until_ready()) == "T E(57014) Z(I)"
        assert time.monotonic() - begun < seconds(2)
        assert wire.value("select 1") == "1"


def test_in_a_transaction_and_in_a_pipeline(start, admin):
    endpoint = start(max_size=1)
    with endpoint.wire() as wire:
        wire.query("begin")
        started(wire, admin)
        endpoint.cancel(wire)
        assert " ".join(str(x) for x in wire.until_ready()) == "T E(57014) Z(E)"
        wire.query("rollback")
        wire.send(m.P("", "select 1") + m.B() + m.E() + m.P("", "select pg_sleep(30)") + m.B() + m.E() + m.P() + m.B() +
                  m.E() + m.S)
        until(lambda: running_sleep(admin), "the second statement runs")
        endpoint.cancel(wire)
        assert " ".join(str(x) for x in wire.until_ready()) == "1 2 D(1) C(SELECT 1) 1 2 E(57014) Z(I)"
        assert wire.value("select 1") == "1"


def running_sleep(admin):
    with admin.cursor() as cursor:
        cursor.execute("select count(*) from pg_stat_activity where usename = 'app' and state = 'active' "
                       "and query like '%pg_sleep(30)%'")
        return cursor.fetchone()[0] == 1


def test_of_an_idle_client_does_nothing(start):
    endpoint = start(max_size=1)
    with endpoint.wire() as wire:
        for _ in range(repetitions(30, least=5)):
            endpoint.cancel(wire)
            endpoint.cancel(wire)
        # A cancel that PostgreSQL itself gets may still be on its way when its connection is closed; pgweir's own
        # never reaches a backend that this client does not use.
        if endpoint.kind == "pgweir":
            assert wire.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_of_an_idle_client_in_a_transaction_does_nothing_to_it(start):
    endpoint = start(max_size=1)
    with endpoint.wire() as wire:
        wire.query("begin")
        endpoint.cancel(wire)
        assert wire.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(T)"
        wire.query("commit")


@pytest.mark.own
def test_of_a_waiting_client_ends_its_waiting(start):
    proxy = start(max_size=1)
    with proxy.wire() as holder, proxy.wire() as waiter:
        holder.query("begin")
        waiter.send(m.Q("select 1"))
        until(lambda: proxy.waiters() == 1, "one waiter")
        proxy.cancel(waiter)
        assert " ".join(str(x) for x in waiter.until_ready()) == "E(57014) Z(I)"
        assert holder.value("select 1") == "1"
        holder.query("commit")
        assert waiter.value("select 2") == "2"


@pytest.mark.own
def test_of_a_client_waiting_with_a_pipeline(start):
    proxy = start(max_size=1)
    with proxy.wire() as holder, proxy.wire() as waiter:
        holder.query("begin")
        waiter.send(m.P() + m.B() + m.E() + m.S)
        until(lambda: proxy.waiters() == 1, "one waiter")
        proxy.cancel(waiter)
        assert " ".join(str(x) for x in waiter.until_ready()) == "E(57014) Z(I)"
        holder.query("commit")
        assert waiter.ask(m.P() + m.B() + m.E() + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"


def test_wrong_keys_hit_nobody(start, admin):
    endpoint = start(max_size=1)
    with endpoint.wire() as wire:
        wire.send(m.Q("select pg_sleep(0.5), 'alive'"))
        for number in range(repetitions(100, least=20)):
            wrong = bytes([wire.secret[0] ^ 1]) + wire.secret[1:]
            endpoint.cancel(wire, secret=wrong)
            endpoint.cancel(wire, pid=wire.pid ^ (number + 1))
        assert "D(,alive)" in " ".join(str(x) for x in wire.until_ready())


@pytest.mark.own
def test_keys_are_the_proxys_own(start):
    """G5: with the server's key a client could cancel whoever uses that backend next."""
    proxy = start(max_size=1)
    with proxy.wire() as first, proxy.wire() as second:
        pid = first.value("select pg_backend_pid()")
        assert (first.pid, first.secret) != (second.pid, second.secret)
        assert first.secret != second.secret
        assert len({proxy_key(proxy) for _ in range(20)}) == 20
        assert pid == second.value("select pg_backend_pid()")


def proxy_key(proxy):
    with proxy.wire() as wire:
        return wire.pid, wire.secret


@pytest.mark.own
def test_3_2_keys_are_long_and_each_byte_counts(start, admin):
    proxy = start(max_size=1)
    with proxy.wire(minor=2) as wire:
        assert len(wire.secret) >= 16
        started(wire, admin, "pg_sleep(29), 'long'")
        for at in range(len(wire.secret)):
            wrong = wire.secret[:at] + bytes([wire.secret[at] ^ 1]) + wire.secret[at + 1:]
            proxy.cancel(wire, secret=wrong)
        proxy.cancel(wire, secret=wire.secret[:4])
        proxy.cancel(wire, secret=wire.secret + b"x")
        assert running_long(admin)
        proxy.cancel(wire)
        assert " ".join(str(x) for x in wire.until_ready()) == "T E(57014) Z(I)"


def running_long(admin):
    with admin.cursor() as cursor:
        cursor.execute("select count(*) from pg_stat_activity where usename = 'app' and state = 'active' "
                       "and query like '%%long%%'")
        return cursor.fetchone()[0] == 1


@pytest.mark.pooled
def test_a_late_cancel_never_hits_the_next_client(start):
    """G1: A's query ends as its cancel arrives, and B gets the backend at once. B must never be cancelled."""
    proxy = start(max_size=1)
    stop, hits = threading.Event(), [0]

    def cancelled():
        with proxy.wire() as wire:
            while not stop.is_set():
                wire.send(m.Q("select pg_sleep(0.001)"))
                proxy.cancel(wire)
                answer = wire.until_ready()
                assert [x.sqlstate for x in answer if x.kind == "E"] in ([], ["57014"])
                hits[0] += 1

    future = in_background(cancelled)
    with proxy.wire() as wire:
        for number in range(repetitions(1000, least=100)):
            assert wire.ask(m.Q(f"select pg_sleep(0.0005), {number}")) == f"T D(,{number}) C(SELECT 1) Z(I)"
    stop.set()
    future.result(seconds(30))
    assert hits[0] > 10


@pytest.mark.own
def test_a_storm_of_cancels_leaks_nothing(start):
    proxy = start(max_size=2)
    with proxy.wire() as wire:
        # The first cancel on a worker makes the resolver that stays with it.
        wire.send(m.Q("select pg_sleep(10)"))
        first = proxy.socket()
        first.send(m.cancel_request(wire.pid, wire.secret))
        wire.until_ready()
        assert first.until_eof()
        first.close()
        before = proxy.descriptors()
        wire.send(m.Q("select pg_sleep(0.3)"))
        sockets = []
        for _ in range(repetitions(200, least=40)):
            cancel = proxy.socket()
            cancel.send(m.cancel_request(wire.pid, wire.secret))
            sockets.append(cancel)
        wire.until_ready()
        for cancel in sockets:
            assert cancel.until_eof()
            cancel.close()
        until(lambda: proxy.descriptors() <= before, "all descriptors are back")
        assert wire.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"
