"""How the program begins and ends: what the service manager hears, the steps of a drain, one process replacing another."""

import json
import os
import pathlib
import re
import signal
import socket
import threading

import pytest

from harness import messages as m
from harness.crowd import in_background
from harness.proxy import Pgweir
from harness.waiting import seconds, until
from harness.wire import EOF, LoginFailed

pytestmark = pytest.mark.own


def ended(proxy):
    until(lambda: proxy.process.poll() is not None, "the process has ended", timeout=20)
    assert proxy.process.returncode == 0


def is_over(wire):
    """It was told so, politely."""
    answer = wire.until_eof()
    assert answer[0].sqlstate == "57P01" and answer[-1] is EOF, [str(x) for x in answer]
    return True


def test_clients_are_let_in_while_the_load_balancer_takes_notice(start):
    grace = f"{int(seconds(1))}s"  # the late one must have time to come on a busy machine, too
    proxy = start(max_size=2, changes={"timeouts": {"drain": "60s", "drain_accept_grace": grace}})
    with proxy.wire() as before:
        assert before.value("select 1") == "1"
        proxy.signal(signal.SIGTERM)
        until(lambda: proxy.http("/readyz")[0] == 503, "it is not ready any more")
        with proxy.wire() as late:
            assert late.value("select 'served'") == "served"
            assert before.value("select 1") == "1"
            assert is_over(late) and is_over(before)
    ended(proxy)


def test_clients_are_told_off_at_a_pace(start):
    proxy = start(max_size=2, changes={"workers": 1, "listen": {"drain_rate": 1}, "timeouts": {"drain": "0s"}})
    wires = [proxy.wire() for _ in range(40)]
    proxy.signal(signal.SIGTERM)

    def some_are_over_and_some_are_not():
        metrics = proxy.metrics()
        over = metrics['pgweir_clients_ended_total{reason="draining"}']
        return over >= 1 and sum(n for name, n in metrics.items() if name.startswith("pgweir_clients{")) >= 1

    until(some_are_over_and_some_are_not, "the first have been told")
    until(lambda: proxy.process.poll() is not None, "all have been told", timeout=20)
    ended(proxy)
    for wire in wires:
        wire.terminate()


@pytest.mark.parametrize("leaves", ["by itself", "at the deadline"])
def test_a_pinned_client_is_waited_for(start, leaves):
    drain = "60s" if leaves == "by itself" else f"{int(seconds(1))}s"
    proxy = start(max_size=2, changes={"timeouts": {"drain": drain}})
    with proxy.wire(params=[("application_name", "report")]) as pinned, proxy.wire() as other:
        pinned.query("create temp table work(a int)")
        other.query("select 1")
        until(lambda: proxy.metric("pgweir_pinned_sessions", reason="temporary_object") == 1, "it is pinned")
        proxy.signal(signal.SIGTERM)
        assert is_over(other)
        assert pinned.value("select count(*) from work") == "0"
        event = until(lambda: [e for e in proxy.log_events() if e["event"] == "drain_waits_for_pinned"], "it is said")[0]
        assert (event["application_name"], event["reason"]) == ("report", "temporary_object")
        assert "work" not in event["statement"]
        if leaves == "by itself":
            pinned.send(m.Q("drop table work"))
        assert any(x.kind == "E" and x.sqlstate == "57P01" for x in pinned.until_eof())
    ended(proxy)


def test_whoever_is_left_at_the_deadline_is_told(start):
    proxy = start(max_size=2, changes={"timeouts": {"drain": "2s"}})
    with proxy.wire() as running:
        running.send(m.Q("select pg_sleep(100)"))
        until(lambda: proxy.metric("pgweir_backends", user="app", database="app", state="borrowed") == 1, "it runs")
        proxy.signal(signal.SIGTERM)
        assert any(x.kind == "E" and x.sqlstate == "57P01" for x in running.until_eof())
    ended(proxy)


def test_a_younger_process_takes_over_without_an_error(start, cluster):
    """Clients in a loop, each connecting anew, notice nothing of a new version."""
    old = start(max_size=3, changes={"listen": {"reuse_port": True}, "timeouts": {"drain": "60s"}})
    served, broken, over = [], [], threading.Event()

    def loop():
        while not over.is_set():
            try:
                with old.wire() as wire:
                    served.append(wire.value("select pg_backend_pid()"))
            except (AssertionError, OSError, EOFError) as error:
                broken.append(repr(error))

    crowd = [in_background(loop) for _ in range(8)]
    try:
        until(lambda: len(served) > 50, "the loop runs")
        (old.directory / "new").mkdir()
        new = Pgweir(cluster, old.directory / "new", changes={"listen": {"reuse_port": True}}, max_size=3)
        new.port, new.admin_port, new.config = old.port, old.admin_port, old.config
        new.start()
        old.signal(signal.SIGTERM)
        until(lambda: old.process.poll() is not None, "the old one has ended", timeout=20)
        count = len(served)
        until(lambda: len(served) > count + 50, "the new one serves")
    finally:
        over.set()
        for each in crowd:
            each.result(seconds(20))
    assert old.process.returncode == 0
    assert broken == []
    assert new.metric("pgweir_clients_accepted_total") > 50
    new.stop()


def test_the_service_manager_is_told(start, tmp_path, monkeypatch):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(seconds(10))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    proxy = start(max_size=1)
    assert manager.recv(1000) == b"READY=1"
    proxy.signal(signal.SIGHUP)
    reloading = manager.recv(1000).decode()
    assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=") and reloading.split("=")[-1].isdigit()
    assert manager.recv(1000) == b"READY=1"
    proxy.signal(signal.SIGTERM)
    assert manager.recv(1000) == b"STOPPING=1"
    ended(proxy)
    manager.close()


def test_a_changed_file_is_read_where_that_is_wanted(start):
    proxy = start(max_size=1, changes={"admin": {"watch_config": True}})
    changed = proxy.config_path.read_text().replace("max_size: 1", "max_size: 2")
    beside = proxy.directory / "next.yaml"
    beside.write_text(changed)
    os.rename(beside, proxy.config_path)
    until(lambda: proxy.metric("pgweir_pool_limit", database="app", user="app", limit="max_size") == 2, "it is read")


def test_the_log_changes_its_level_and_format(start):
    proxy = start(max_size=1)
    proxy.reload({"log": {"format": "text", "level": "debug"}})
    until(lambda: " info reloaded changes=2" in proxy.log_text(), "it is reloaded")
    with proxy.wire() as wire:
        wire.query("select 1")
    until(lambda: " debug client_login client=" in proxy.log_text(), "debug lines come")
    for line in proxy.log_text().splitlines():
        assert line.startswith("{") == (json.dumps(line)[1:3] == "{\\"), line


def test_clients_in_the_queue_are_told_why_they_are_not_served(start):
    """They had connected before the listener was closed."""
    proxy = start(max_size=1, changes={"workers": 1, "timeouts": {"drain": "20s"}})
    with proxy.wire() as holds:
        holds.query("begin")
        os.kill(proxy.process.pid, signal.SIGSTOP)
        sockets = [proxy.socket() for _ in range(5)]
        os.kill(proxy.process.pid, signal.SIGTERM)
        os.kill(proxy.process.pid, signal.SIGCONT)
        # Whoever is accepted before the signal is looked at could be quicker with a wrong password than the drain.
        until(lambda: '"event":"draining"' in proxy.log_text(), "it drains")
        for queued in sockets:
            with pytest.raises(LoginFailed) as refused:
                queued.login("app", "app", "x")
            assert refused.value.answer.sqlstate == "57P01"
        holds.query("commit")
    ended(proxy)


def test_metrics_for_cloudwatch_are_lines_of_json_among_the_others(start):
    proxy = start(max_size=2, changes={"metrics": {"emf": True, "emf_interval": "1s", "emf_proxy_name": "tested"}})
    with proxy.wire() as busy, proxy.wire() as pinned:
        busy.query("begin")
        pinned.query("create temp table kept(a int)")

        def tells_all():
            lines = [event for event in proxy.log_events() if "_aws" in event]
            return [line for line in lines if line["DatabaseConnectionsCurrentlySessionPinned"] == 1
                    and line["DatabaseConnectionsCurrentlyInTransaction"] == 1]

        line = until(tells_all, "a line has both")[0]
        assert line["ProxyName"] == "tested" and line["ClientConnections"] == 2
        assert line["DatabaseConnectionsCurrentlyBorrowed"] == 2 and line["ClientConnectionsNoTLS"] == 2
        assert line["AvailabilityPercentage"] > 0
        busy.query("rollback")


def test_every_metric_is_documented_and_every_documented_metric_exists(start):
    table = pathlib.Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
    documented = set(re.findall(r"^\| `([a-z_]+)`", table.read_text(), re.M))
    only_sometimes = set(re.findall(r"^\| `([a-z_]+)` .*Only with ", table.read_text(), re.M))
    proxy = start(max_size=2)
    exported = set(re.findall(r"^# TYPE (\w+) ", proxy.http("/metrics")[1], re.M))
    assert exported - documented == set()
    assert documented - exported == only_sometimes
