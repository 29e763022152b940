"""Brings the pool of `app` into the states that the dashboard has words for."""

import contextlib
import json
import threading

from . import messages as m
from .waiting import until

MAX_SIZE = 3


def state(proxy):
    status, text = proxy.http("/api/state")
    assert status == 200, text
    return json.loads(text)


def pool(proxy, database="app", user="app"):
    return next(each for each in state(proxy)["pools"] if (each["database"], each["user"]) == (database, user))


def reached(proxy, condition):
    """The pool of `app`, once it is in this condition."""
    def look():
        found = pool(proxy)
        return found if found["condition"] == condition else None
    return until(look, f"the pool is {condition}: {pool(proxy)['diagnosis']}", timeout=15)


@contextlib.contextmanager
def idle(proxy):
    """One client that has done nothing yet."""
    with proxy.wire():
        yield reached(proxy, "idle")


@contextlib.contextmanager
def burst(proxy, clients=30):
    """Many clients that have their turn soon: each query takes 20 ms, three at a time."""
    over = threading.Event()
    wires = [proxy.wire() for _ in range(clients)]

    def work(wire):
        while not over.is_set():
            wire.query("select pg_sleep(0.02)")

    threads = [threading.Thread(target=work, args=(wire,)) for wire in wires]
    for thread in threads:
        thread.start()
    try:
        until(lambda: pool(proxy)["backends"]["borrowed"] == MAX_SIZE, "every connection is lent out")
        yield reached(proxy, "burst")
    finally:
        over.set()
        for thread in threads:
            thread.join()
        for wire in wires:
            wire.close()


@contextlib.contextmanager
def saturated(proxy, waiters=5):
    """One connection is pinned, two are in transactions that do not go on, and all others wait."""
    with contextlib.ExitStack() as stack:
        holders = [stack.enter_context(proxy.wire()) for _ in range(MAX_SIZE)]
        waiting = [stack.enter_context(proxy.wire()) for _ in range(waiters)]
        holders[0].query("select pg_advisory_lock(5)")
        for wire in holders[1:]:
            wire.query("begin")
        for wire in waiting:
            wire.send(m.Q("select 1"))
        yield reached(proxy, "saturated")
        holders[0].query("select pg_advisory_unlock_all()")
        for wire in holders[1:]:
            wire.query("rollback")
        for wire in waiting:
            wire.until_ready()


@contextlib.contextmanager
def down(proxy, cluster):
    """The server is gone."""
    cluster.stop("immediate")
    try:
        yield reached(proxy, "down")
    finally:
        cluster.start()
