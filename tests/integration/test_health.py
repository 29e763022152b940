"""Alive is not ready. /healthz: every worker turns, whatever its databases do. /readyz: a load balancer should send clients."""

import re
import signal
import subprocess
import time

import pytest

from harness import frozen, processes
from harness.proxy import binary
from harness.stopped_thread import stopped, thread_of
from harness.waiting import hold, seconds, until

pytestmark = pytest.mark.own

NOWHERE = {"host": "127.0.0.1", "users": ["app"]}


def check(proxy, *options):
    """`pgweir healthcheck`: (exit code, what it prints)."""
    done = subprocess.run([binary(), "healthcheck", *options, str(proxy.config_path)], capture_output=True, text=True,
                          timeout=30, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def ready(proxy):
    """(is it, {database: what is said of it})"""
    status, text = proxy.http("/readyz")
    first, *lines = text.splitlines()
    assert status in (200, 503) and (first == "ready") == (status == 200), (status, text)
    return status == 200, dict(line.split(": ", 1) for line in lines)


def why_not(proxy):
    status, text = proxy.http("/readyz")
    return text.splitlines()[0] if status == 503 else None


def away(proxy, database="app"):
    return ready(proxy)[1][database].startswith("unreachable since ")


def without_times(text):
    return re.sub(r"since \S+ \(\d+ s\)", "since", text)


def only_app(**more):
    return {"databases": {"other": None, "app": {"users": ["app"]}, **more}, "users": {"app2": None, "md5app": None}}


def test_a_database_that_is_away_kills_nobody(own_cluster, start):
    """It was ready: it stays so, alive and in the balancer. Clients wait here."""
    proxy = start(own_cluster, max_size=2)
    own_cluster.stop()
    until(lambda: away(proxy), "the database is missed")
    assert check(proxy) == (0, "ok\n") and proxy.http("/healthz") == (200, "ok\n")
    code, text = check(proxy, "--ready")
    assert code == 0 and without_times(text) == without_times(proxy.http("/readyz")[1])
    hold(lambda: ready(proxy)[0] and check(proxy)[0] == 0, "ready and alive", 1)
    said = ready(proxy)[1]["app"]
    assert re.fullmatch(r"unreachable since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(\d+ s\): no connection to the server", said), said
    own_cluster.start()
    until(lambda: ready(proxy) == (True, {"app": "reachable", "other": "reachable"}), "it is back")
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"


def test_a_new_instance_without_its_database_is_alive_but_not_ready(own_cluster, start):
    own_cluster.stop()
    proxy = start(own_cluster, wait_ready=False)
    until(lambda: proxy.http("/healthz")[0] == 200, "it is alive")
    until(lambda: why_not(proxy) == "not ready: no database could be reached yet", "it has tried")
    assert check(proxy)[0] == 0 and check(proxy, "--ready")[0] == 1
    own_cluster.start()
    until(lambda: ready(proxy)[0], "it is ready")


def test_one_dead_database_of_two_does_not_keep_a_new_instance_from_serving_the_other(start):
    proxy = start(wait_ready=False, changes=only_app(nowhere={**NOWHERE, "port": processes.free_port()}))
    until(lambda: proxy.http("/readyz")[0] == 200, "it is ready")
    is_ready, said = ready(proxy)
    assert said["app"] == "reachable" and said["nowhere"].startswith("unreachable since ")
    hold(lambda: ready(proxy)[0], "it stays so", 0.5)
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"


def test_a_silent_database_is_waited_for_no_longer_than_its_first_login(start):
    with frozen.listener() as port:
        begun = time.monotonic()
        proxy = start(wait_ready=False, connect_timeout="1s", changes=only_app(silent={**NOWHERE, "port": port}))
        until(lambda: why_not(proxy) == "not ready: the first login to silent is under way", "it waits for both")
        until(lambda: ready(proxy)[0], "it is ready")
        assert time.monotonic() - begun > 1
        assert ready(proxy)[1]["silent"].endswith("the server did not answer in time")


def test_a_refused_password_is_told_apart_from_a_server_that_is_gone(start):
    proxy = start(wait_ready=False, changes={"databases": {"other": None, "app": {"users": ["app"]}}, "users": {
        "app": {"password": "wrong"}, "app2": None, "md5app": None}})
    until(lambda: "not ready" in proxy.http("/readyz")[1] and away(proxy), "the login is refused")
    assert ready(proxy)[1]["app"].endswith("the server refuses our logins")


def test_one_refused_user_of_two_does_not_matter_to_the_other(start):
    proxy = start(wait_ready=False, changes={"users": {"app2": {"password": "wrong"}}, "admin": {"ready_requires": ["app"]}})
    until(lambda: "server_login_failed" in proxy.log_text() and ready(proxy)[0], "it is ready")
    assert ready(proxy)[1] == {"app (required)": "reachable", "other": "reachable"}


@pytest.mark.parametrize("databases", [
    {"other": None, "app": {"users": ["app"], "pool": {"min_size": 0}}}, {"other": None, "app": None, "*": {}}],
    ids=["min_size 0", "wildcard"])
def test_what_is_reached_only_when_a_client_wants_it_is_not_waited_for(start, databases):
    dead = {name: None if entry is None else {**NOWHERE, "port": processes.free_port(), **entry}
            for name, entry in databases.items()}
    proxy = start(wait_ready=False, changes={"databases": dead, "users": {"app2": None, "md5app": None}})
    until(lambda: proxy.http("/healthz")[0] == 200, "it is alive")
    assert ready(proxy) == (True, {} if "*" in databases else {"app": "not tried yet"})


def test_a_required_database_has_to_be_reachable_now(own_cluster, start):
    proxy = start(own_cluster, changes={"admin": {"ready_requires": ["app"]}})
    assert ready(proxy)[1] == {"app (required)": "reachable", "other": "reachable"}
    own_cluster.stop()
    until(lambda: why_not(proxy) == "not ready: admin.ready_requires: app", "it is not ready any more")
    assert check(proxy, "--ready")[0] == 1
    assert check(proxy) == (0, "ok\n"), "but alive"
    own_cluster.start()
    until(lambda: ready(proxy)[0] and check(proxy, "--ready")[0] == 0, "it is ready again")


def test_only_the_required_database_counts(own_cluster, start, cluster):
    """The other one may be away from the start, and for good."""
    other = {"host": own_cluster.host, "port": own_cluster.port}
    own_cluster.stop()
    proxy = start(cluster, changes={"databases": {"other": other}, "admin": {"ready_requires": ["app"]}})
    until(lambda: away(proxy, "other"), "it is missed")
    assert ready(proxy)[0]
    proxy.reload({"admin": {"ready_requires": ["other"]}})
    until(lambda: why_not(proxy) == "not ready: admin.ready_requires: other", "a reload requires it")
    assert 'admin.ready_requires: [app] -> [other]' in proxy.log_text()
    own_cluster.start()
    until(lambda: ready(proxy)[0], "it is there")


def test_a_required_database_that_nobody_watches_is_refused(start):
    proxy = start(changes={"databases": {"other": {"pool": {"min_size": 0}}}})
    proxy.config["admin"]["ready_requires"] = ["app", "other", "nobody"]
    proxy.write_config()
    done = subprocess.run([binary(), "check", str(proxy.config_path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    lines = proxy.config_path.read_text().splitlines()
    for place, word in (("[1]: no pool of this database is kept warm", "- other"), ("[2]: there is no such database", "- nobody")):
        number = 1 + lines.index(f"  {word}")
        assert f"pgweir.yaml:{number}: admin.ready_requires{place}" in done.stderr, done.stderr


def test_draining_ends_being_ready(start):
    proxy = start(changes={"timeouts": {"drain_accept_grace": "1s", "drain": "3s"}})
    proxy.signal(signal.SIGTERM)
    until(lambda: why_not(proxy) == "not ready: draining", "it drains")
    assert check(proxy) == (0, "ok\n"), "alive to the end"


def test_a_pause_does_not_end_being_ready(own_cluster, start):
    """An operator who pauses wants clients to wait here."""
    proxy = start(own_cluster, changes={"admin": {"console_users": ["app2"], "ready_requires": ["app"]}})
    with proxy.wire("app2", "pgweir") as console:
        console.query("PAUSE app")
        own_cluster.stop()
        until(lambda: away(proxy, "other"), "the other database is missed")
        assert ready(proxy)[1]["app (required)"] == "reached before, no connection now, paused by an operator"
        assert ready(proxy)[0]
        own_cluster.start()
        console.query("RESUME app")
        until(lambda: ready(proxy)[1]["app (required)"] == "reachable", "it goes on")


def test_a_stuck_worker_is_noticed(start):
    proxy = start()
    with stopped(thread_of(proxy.process, "worker-1")):
        status, text = until(lambda: proxy.http("/healthz") if proxy.http("/healthz")[0] != 200 else None,
                             "it is noticed", timeout=15)
        assert status == 503 and re.fullmatch(r"worker 1 has been stuck for \d+ s\n", text), text
        assert check(proxy)[0] == 1
    until(lambda: proxy.http("/healthz") == (200, "ok\n"), "it turns again")
    assert check(proxy) == (0, "ok\n")


def test_a_process_that_does_not_answer_is_not_waited_for(start):
    """Whoever asks for a container has 5 s; the reason should be told within these."""
    proxy = start()
    proxy.signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        code, text = check(proxy)
        assert code == 1 and text.startswith("pgweir: ") and time.monotonic() - begun < seconds(5)
    finally:
        proxy.signal(signal.SIGCONT)
    until(lambda: check(proxy)[0] == 0, "it goes on")


def test_a_process_that_is_gone_is_not_alive(start):
    proxy = start()
    assert check(proxy)[0] == check(proxy, "--ready")[0] == 0
    proxy.signal(signal.SIGTERM)
    until(lambda: proxy.process.poll() is not None, "it has ended")
    assert check(proxy)[0] == check(proxy, "--ready")[0] == 1
