"""The dashboard's answers: what the page is told of each pool, and how it is served."""

import json
import re
import urllib.request

import pytest

from harness import pool_states
from harness.waiting import seconds, until

pytestmark = pytest.mark.own


def fetch(proxy, path, method="GET"):
    request = urllib.request.Request(f"http://{proxy.host}:{proxy.admin_port}{path}", method=method)
    with urllib.request.urlopen(request, timeout=seconds(10)) as answer:
        return answer.headers, answer.read()


def history(proxy):
    """The series of the pool of `app`."""
    pools = json.loads(fetch(proxy, "/api/history")[1])["pools"]
    return next(pool["series"] for pool in pools if (pool["database"], pool["user"]) == ("app", "app"))


def test_the_page_is_whole_and_may_load_nothing_else(start):
    proxy = start(max_size=1)
    headers, body = fetch(proxy, "/")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'"
    assert "Set-Cookie" not in headers
    assert b"src=" not in body and b"<link rel=\"stylesheet" not in body
    head, nothing = fetch(proxy, "/", "HEAD")
    assert nothing == b"" and head["Content-Length"] == str(len(body))
    for path in ("/api/state", "/metrics"):
        headers, _ = fetch(proxy, path)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(proxy, "/api/state", "POST")
    assert refused.value.code == 405


def test_an_idle_pool(start):
    proxy = start(max_size=pool_states.MAX_SIZE)
    with pool_states.idle(proxy) as pool:
        assert pool["diagnosis"] == "idle: 1 client is connected, none at work"
        assert pool["clients"] == {"active": 0, "idle": 1, "waiting": 0}
        assert pool["backends"]["max"] == pool_states.MAX_SIZE and pool["longest_wait_ms"] is None
        state = pool_states.state(proxy)
        process = state["process"]
        assert process["ready"] and not process["draining"] and process["certificate_expires"] is None
        assert (process["clients"], process["max_clients"], process["workers"]) == (1, 2000, 2)
        assert len(state["pools"]) == 4 and state["pools_left_out"] == 0


def test_a_burst(start):
    proxy = start(max_size=pool_states.MAX_SIZE)
    with pool_states.burst(proxy) as pool:
        assert pool["diagnosis"].startswith("waiting: all 3 server connections are lent out")
        assert pool["clients"]["waiting"] > 0 and 0 < pool["longest_wait_ms"] < 1000
        assert pool["backends"]["borrowed"] == pool_states.MAX_SIZE

        def measured():
            now = pool_states.pool(proxy)
            return now if now["last_minute"]["query"] and now["rates"]["queries"] > 0 else None
        pool = until(measured, "a sample has been taken")
        wait, query = pool["last_minute"]["borrow_wait"], pool["last_minute"]["query"]
        # 30 clients share three connections, so they wait for about nine times as long as their queries take.
        assert 20 < wait["p95_ms"] < seconds(2000) and wait["p50_ms"] <= wait["p95_ms"] <= wait["p99_ms"]
        assert query["p50_ms"] >= 15
        series = until(lambda: history(proxy), "the history has it, too")
        assert max(series["waiting"]) > 0 and max(series["borrowed"]) == pool_states.MAX_SIZE
        assert max(series["queries"]) > 0 and len({len(values) for values in series.values()}) == 1
    # When it is over the page still tells of it.
    assert "waited longer than" in pool_states.reached(proxy, "waited")["diagnosis"]


def test_a_saturated_pool(start):
    proxy = start(max_size=pool_states.MAX_SIZE)
    with pool_states.saturated(proxy) as pool:
        assert pool["diagnosis"].startswith(
            "waiting: all 3 server connections are lent out; 1 of them pinned by advisory_lock")
        assert pool["clients"] == {"active": 3, "idle": 0, "waiting": 5} and pool["longest_wait_ms"] >= 1000
        assert [(pin["reason"], pin["sessions"]) for pin in pool["pins"]] == [("advisory_lock", 1)]
        # The pool that waits comes first.
        assert pool_states.state(proxy)["pools"][0]["condition"] == "saturated"
    until(lambda: pool_states.pool(proxy)["pins"] == [], "the pin is gone")


def test_a_database_that_is_down(start, cluster):
    proxy = start(max_size=pool_states.MAX_SIZE)
    with pool_states.down(proxy, cluster):
        # The first logins may still meet a server that is shutting down.
        until(lambda: re.match("the server cannot be reached since .*refused", pool_states.pool(proxy)["diagnosis"]),
              "a login has met nobody")
        assert pool_states.state(proxy)["process"]["ready"], "it was ready, and clients may wait here"
    until(lambda: pool_states.pool(proxy)["condition"] != "down", "it is back", timeout=15)


def test_a_server_that_refuses_logins(start):
    proxy = start(max_size=1, wait_ready=False, changes={"users": {"app": {"password": "wrong"}}})
    until(lambda: proxy.http("/healthz")[0] == 200, "pgweir answers")
    pool = pool_states.reached(proxy, "down")
    assert pool["diagnosis"].startswith("the server refuses logins since ")
    assert "password authentication failed" in pool["refusal"]
