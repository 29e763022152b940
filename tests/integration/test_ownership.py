"""Whose backend is it? While a client has anything open on one it is its own, however many others wait, and what lies about
on an idle one is nobody's answer."""

import threading

import pytest

from harness import messages as m
from harness.link import Link
from harness.sequence import matches, tokens
from harness.waiting import seconds, until

pytestmark = pytest.mark.own


def run(sql):
    return m.P("", sql) + m.B() + m.E()


# --- While others churn

class Crowd:
    """Eight clients that borrow and give back all the time, and notice a row that is not theirs."""

    def __init__(self, endpoint, clients=8):
        self.endpoint, self.stopping, self.turns, self.failures = endpoint, threading.Event(), [0] * clients, []
        self.threads = [threading.Thread(target=self.work, args=(number,), daemon=True) for number in range(clients)]

    def work(self, number):
        try:
            with self.endpoint.wire() as wire:
                while not self.stopping.is_set():
                    nonce = f"{number}.{self.turns[number]}"
                    assert wire.query(f"select '{nonce}'", timeout=seconds(20)) == [[nonce]]
                    self.turns[number] += 1
        except Exception as failure:
            self.failures.append(failure)

    def churn(self, turns=5):
        """Until each has had so many turns more: every free backend has been with somebody else meanwhile."""
        before = list(self.turns)
        until(lambda: self.failures or all(now >= then + turns for now, then in zip(self.turns, before)), "they churn")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.churn()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(seconds(20))
        assert not self.failures, self.failures[0]


PID = "select pg_backend_pid()"
# Steps with the answers to them, between which the others churn; {pid} stands for the same process each time.
OPEN = {
    "a portal behind Flushes": [
        (m.P("", "select g, pg_backend_pid() from generate_series(1, 5) g") + m.B("po") + m.E("po", 2) + m.H,
         "1 2 D(1,{pid}) D(2,{pid}) s"),
        (m.E("po", 2) + m.H, "D(3,{pid}) D(4,{pid}) s"),
        (m.E("po", 2) + m.S, "D(5,{pid}) C(SELECT 1) Z(I)")],
    "half a pipeline": [
        (run(PID) + m.S + run(PID) + m.H, "1 2 D(*) C(SELECT 1) Z(I) 1 2 D({pid}) C(SELECT 1)"),
        (run(PID), ""), (m.H, "1 2 D({pid}) C(SELECT 1)"), (m.S, "Z(I)")],
    "an implicit transaction": [
        (run("select txid_current() = txid_current(), pg_backend_pid()") + m.H, "1 2 D(t,{pid}) C(SELECT 1)"),
        (run("select pg_backend_pid(), count(*) from pg_stat_activity where pid = pg_backend_pid() and "
             "xact_start < query_start") + m.H, "1 2 D({pid},1) C(SELECT 1)"),
        (m.S, "Z(I)")],
    "a transaction": [
        (m.Q("begin; " + PID), "C(BEGIN) T D({pid}) C(SELECT 1) Z(T)"), (m.Q(PID), "T D({pid}) C(SELECT 1) Z(T)"),
        (run(PID) + m.S, "1 2 D({pid}) C(SELECT 1) Z(T)"), (m.Q("commit"), "C(COMMIT) Z(I)")],
    "an error whose Sync is still to come": [
        (run(PID) + run("select 1/0") + m.H, "1 2 D({pid}) C(SELECT 1) 1 E(22012)"), (run(PID), ""), (m.S, "Z(I)")],
    "the beginning of a message": [
        (m.Q("begin; " + PID) + m.Q(PID)[:9], "C(BEGIN) T D({pid}) C(SELECT 1) Z(T)"),
        (m.Q(PID)[9:], "T D({pid}) C(SELECT 1) Z(T)"), (m.Q("commit"), "C(COMMIT) Z(I)")],
}


@pytest.mark.parametrize("max_size", [2, 4])
@pytest.mark.parametrize("what", OPEN)
def test_it_stays_with_its_client(shared, what, max_size):
    """B1, C3, C4: eight others use the pool's other backends between the steps, and never this one."""
    endpoint = shared(f"churn{max_size}", max_size=max_size)
    with Crowd(endpoint) as crowd, endpoint.wire() as wire:
        pid = None
        for data, answer in OPEN[what]:
            wire.send(data)
            for expected in tokens(answer):
                message = wire.receive()
                if "{pid}" in expected and pid is None:
                    pid = next(value for value in message.values() if len(value) > 2)
                assert matches(expected.replace("{pid}", pid or ""), message), f"{expected}: {message} ({pid})"
            crowd.churn()


def test_a_begin_is_the_servers(shared, admin):
    """C15: a transaction's time is that of its BEGIN, however long its client does nothing afterwards."""
    endpoint = shared("churn2", max_size=2)
    with Crowd(endpoint) as crowd, endpoint.wire() as wire:
        wire.query("begin")
        with admin.cursor() as cursor:
            cursor.execute("select clock_timestamp()::text")
            later = cursor.fetchone()[0]
        crowd.churn()
        assert wire.value(f"select now() < '{later}'::timestamptz and statement_timestamp() > '{later}'") == "t"
        wire.query("commit")


# --- B9: what an idle backend says

def notice(text):
    return m.message(b"N", b"SNOTICE\0VNOTICE\0C00000\0M" + m.cstr(text) + b"\0")


SAID = {
    "a NOTICE": (notice("unheard"), True),
    "many NOTICEs": (notice("unheard") * 500, True),
    "half a message": (notice("unheard")[:-4], False),
    "a header and no more": (b"N\0\0", False),
    "a row": (m.message(b"D", b"\0\1\0\0\0\7unheard"), False),
    "an answer": (m.message(b"C", b"SELECT 1\0") + m.message(b"Z", b"I"), False),
    "what is no message": (b"\x00\xff\x00\xff\x00\xff", False),
    "a fatal error": (m.message(b"E", b"SFATAL\0VFATAL\0C57P01\0Munheard\0\0"), False),
}


@pytest.mark.parametrize("what", SAID)
def test_what_an_idle_backend_says_is_nobodys_answer(cluster, start, what):
    """Unasked messages are noted; one that says more than that, or not all of it, is not used again."""
    data, stays = SAID[what]
    with Link(cluster.host, cluster.port) as link:
        proxy = start(max_size=1, role_check_interval="0s",
                      changes={"databases": {"app": {"port": link.port, "users": ["app"]}}})
        with proxy.wire() as first, proxy.wire() as second:
            pid = first.value(PID)
            rest(proxy)
            [connection] = link.alive()
            connection.inject(data)
            for wire in (second, first, second):
                assert wire.ask(m.Q("select 'mine'"), timeout=seconds(5)) == "T D(mine) C(SELECT 1) Z(I)"
            assert (first.value(PID) == pid) == stays
            assert b"unheard" not in first.raw + second.raw


def rest(proxy):
    """Until pgweir has asked all that it wants to know by itself."""
    until(lambda: proxy.metric("pgweir_backends", database="app", state="borrowed") == 0, "the backend is back")
