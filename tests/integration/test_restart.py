"""The server restarts under retrying clients: no error for whoever has no transaction in flight, and soon."""

import re
import socket
import threading
import time

import psycopg2
import pytest

from harness import messages as m
from harness.crowd import together
from harness.waiting import FACTOR, seconds, until
from harness.wire import LoginFailed

pytestmark = pytest.mark.pooled
DOWN = 3.0 if FACTOR >= 1 else 1.5


class Prober:
    """A client that asks every 50 ms and reconnects whenever it must; counts errors and the longest gap."""

    def __init__(self, proxy, stop):
        self.proxy, self.stop, self.errors, self.gap, self.last = proxy, stop, [], 0.0, time.monotonic()
        self.answers = 0

    def run(self):
        wire = None
        while not self.stop.is_set():
            try:
                wire = wire or self.proxy.wire()
                assert wire.query("select 42", timeout=seconds(30)) == [["42"]]
                now = time.monotonic()
                self.gap, self.last = max(self.gap, now - self.last), now
                self.answers += 1
            except (AssertionError, OSError, EOFError) as error:
                self.errors.append(f"{type(error).__name__} {error}")
                wire = None
            self.stop.wait(0.05)
        if wire:
            wire.terminate()
        return self


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restart_under_retrying_clients(own_cluster, start, mode):
    proxy = start(own_cluster, max_size=5)
    stop = threading.Event()
    probers = [Prober(proxy, stop) for _ in range(50)]
    outage = {}

    def restart():
        try:
            until(lambda: all(prober.answers > 3 for prober in probers), "every client is served", timeout=20)
            began = time.monotonic()
            own_cluster.stop(mode)
            while time.monotonic() - began < DOWN:
                time.sleep(0.02)  # the outage itself
            own_cluster.start()
            outage["seconds"] = time.monotonic() - began
            before = [prober.answers for prober in probers]
            until(lambda: all(prober.answers > n + 2 for prober, n in zip(probers, before)), "all are served again",
                  timeout=20)
        finally:
            stop.set()

    together(lambda work: work(), [restart] + [prober.run for prober in probers], threads=51)
    errors = [error for prober in probers for error in prober.errors]
    # A query that was running when the server stopped is in flight; each such client may hear of it once.
    lost = [error for error in errors if "57P0" in error or "08006" in error or "EOF" in error]
    assert len(errors) == len(lost), [error for error in errors if error not in lost][:3]
    assert len(errors) <= 5, f"{len(errors)} errors, of which at most max_size were in flight: {errors[:8]}"
    worst = max(prober.gap for prober in probers)
    assert worst <= outage["seconds"] + seconds(0.5), f"gap {worst:.2f} s for an outage of {outage['seconds']:.2f} s"


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_clients_without_a_statement_under_way_get_no_error_at_all(own_cluster, start, mode):
    proxy = start(own_cluster, max_size=3)
    clients = [proxy.wire() for _ in range(20)]
    for wire in clients:
        assert wire.value("select 1") == "1"
    own_cluster.stop(mode)
    for wire in clients:
        wire.send(m.Q("select 'after'"))
    newcomer = proxy.socket(timeout=30)
    newcomer.send(m.startup([("user", "app"), ("database", "app")]))
    own_cluster.start()
    begun = time.monotonic()
    for wire in clients:
        assert " ".join(str(x) for x in wire.until_ready(seconds(10))) == "T D(after) C(SELECT 1) Z(I)"
        wire.terminate()
    assert time.monotonic() - begun < seconds(1.5)
    newcomer.authenticate("app", proxy.address()["password"])
    assert newcomer.value("select 1") == "1"
    newcomer.terminate()


def test_a_transaction_in_flight_is_told_the_truth(own_cluster, start):
    proxy = start(own_cluster, max_size=2)
    with proxy.wire() as wire:
        wire.query("begin")
        own_cluster.stop("fast")
        answer = wire.until_eof()
        assert answer[0].kind == "E" and answer[0].sqlstate in ("57P01", "08006"), answer
        own_cluster.start()
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"


@pytest.mark.own
def test_a_server_that_is_down_at_start(own_cluster, start):
    """The proxy starts, says that it is not ready, and serves as soon as the server does."""
    own_cluster.stop()
    proxy = start(own_cluster, wait_ready=False, max_size=2)
    until(lambda: proxy.http("/healthz")[0] == 200, "the process is up")
    assert proxy.http("/readyz")[0] == 503
    own_cluster.start()
    until(lambda: proxy.http("/readyz")[0] == 200, "ready", timeout=5)
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"


@pytest.mark.own
def test_a_server_that_stays_down_is_an_error_with_a_reason(own_cluster, start):
    proxy = start(own_cluster, max_size=2, borrow_timeout=f"{int(seconds(500))}ms")
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"
        own_cluster.stop()
        wire.send(m.Q("select 1"))
        answer = wire.receive()
        assert answer.kind == "E" and answer.sqlstate == "57P03", answer
        assert re.match(r"the database server cannot be reached since .* UTC \(.*\): .*refused", answer.text), answer.text
        assert str(wire.receive()) == "Z(I)", "the client stays"
        until(lambda: any(line.get("cause") == "server_unreachable" and line["reason"] == "borrow_timeout"
                          for line in proxy.log_events()), "the log has the cause")
        own_cluster.start()
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"


@pytest.mark.own
@pytest.mark.parametrize("limits", [{"borrow_timeout": "500ms"}, {"changes": {"timeouts": {"client_login": "500ms"}}}],
                         ids=["borrow_timeout", "client_login"])
def test_the_first_login_of_a_pool_whose_server_is_away_ends_soon_with_the_reason(own_cluster, start, limits):
    own_cluster.stop()
    proxy = start(own_cluster, wait_ready=False, max_size=2, **limits)
    until(lambda: proxy.http("/healthz")[0] == 200, "the process is up")
    begun = time.monotonic()
    with pytest.raises(LoginFailed) as refused:
        proxy.wire(params=[("application_name", "report")])
    assert time.monotonic() - begun < seconds(10)
    answer = refused.value.answer
    assert str(answer) == "E(FATAL 57P03)"
    assert re.match(r"the database server cannot be reached since .* UTC \(.*\): .*refused", answer.text), answer.text
    [closed] = [line for line in proxy.log_events() if line["event"] == "client_closed"]
    assert closed["reason"] == "server_unreachable" and closed["message"] == answer.text
    assert (closed["database"], closed["user"], closed["application_name"]) == ("app", "app", "report")


@pytest.mark.own
def test_connects_to_a_dead_server_are_few(own_cluster, start):
    """J2: one prober for each pool with back-off, not one for each waiting client."""
    proxy = start(own_cluster, max_size=10)
    clients = [proxy.wire() for _ in range(30)]
    own_cluster.stop("immediate")

    with socket.socket() as trap:
        trap.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trap.bind((own_cluster.host, own_cluster.port))
        trap.listen(128)
        trap.settimeout(0.1)
        for wire in clients:
            wire.send(m.Q("select 1"))
        connects, begun = 0, time.monotonic()
        while time.monotonic() - begun < 2.0 or connects < 2:
            assert time.monotonic() - begun < seconds(20), f"{connects} connects"
            try:
                trap.accept()[0].close()
                connects += 1
            except socket.timeout:
                pass
        took = time.monotonic() - begun
        assert connects <= took * 20 * 4, f"{connects} connects in {took:.1f} seconds for four pools"
    own_cluster.start()
    for wire in clients:
        assert " ".join(str(x) for x in wire.until_ready(seconds(10))) == "T D(1) C(SELECT 1) Z(I)"
        wire.terminate()


def test_a_server_without_free_connections(own_cluster, start):
    """J14: 53300 from the server is a reason to go on with what is open, not to fail whoever waits."""
    own_cluster.execute("alter system set max_connections = 12")
    own_cluster.execute("alter system set superuser_reserved_connections = 8")
    own_cluster.stop()
    own_cluster.start()
    proxy = start(own_cluster, max_size=10, min_size=0)

    def work(number):
        with proxy.wire() as wire:
            for turn in range(5):
                assert wire.value(f"select {number} from pg_sleep(0.01)") == str(number)

    together(work, range(20), threads=20)


def test_logins_that_fail_and_then_work(own_cluster, start):
    """The server refuses the pool's user for a while; clients wait or hear of it, and are served afterwards."""
    proxy = start(own_cluster, max_size=2, min_size=0)
    own_cluster.execute("alter role app nologin")
    try:
        with pytest.raises((LoginFailed, AssertionError, psycopg2.Error)):
            with proxy.wire() as wire:
                wire.query("select 1", timeout=seconds(1.5))
    finally:
        own_cluster.execute("alter role app login")

    def served():
        try:
            with proxy.wire() as wire:
                return wire.value("select 1") == "1"
        except (LoginFailed, AssertionError):
            return False

    until(served, "served again", timeout=10)
