"""What ends a statement and not its session has a line of its own: nothing else would tell of it."""

import pytest

from harness import messages as m
from harness.waiting import until

pytestmark = pytest.mark.own


def lines(proxy, event):
    return [line for line in proxy.log_events() if line["event"] == event]


def told(proxy, event, count=1):
    """The lines about it, when so many are there; and there are no others."""
    until(lambda: len(lines(proxy, event)) >= count, f"{event} is logged")
    proxy.stop()
    found = lines(proxy, event)
    assert len(found) == count, found
    return found


def holder_and_waiter(proxy, name="report"):
    holder, waiter = proxy.wire(), proxy.wire(params=[("application_name", name)])
    holder.query("begin")
    return holder, waiter


def whose(line):
    return line["user"], line["database"], line["application_name"], line["level"]


def test_each_borrow_timeout_is_logged_once(start):
    proxy = start(max_size=1, borrow_timeout="300ms")
    holder, waiter = holder_and_waiter(proxy)
    peer = "%s:%d" % waiter.sock.getsockname()[:2]
    for _ in range(2):
        assert waiter.ask(m.Q("select 1")).startswith("E(53300)")
    assert waiter.ask(m.P() + m.B() + m.E() + m.S).startswith("E(53300)"), "a batch is one statement"
    found = told(proxy, "statement_refused", 3)
    assert {line["reason"] for line in found} == {"borrow_timeout"} and {line["peer"] for line in found} == {peer}
    assert {whose(line) for line in found} == {("app", "app", "report", "info")}
    assert all(300 <= int(line["waited_ms"]) < 5000 and line["cause"] == "pool_full" for line in found)


def test_a_statement_that_waits_for_the_end_of_a_pause_is_told_so(start):
    proxy = start(max_size=1, borrow_timeout="300ms", changes={"admin": {"console_users": ["app"]}})
    with proxy.wire() as client, proxy.wire(database="pgweir") as console:
        assert console.ask(m.Q("PAUSE app")) == "C(PAUSE) Z(I)"
        client.send(m.Q("select 1"))
        refused = client.receive()
        assert refused.sqlstate == "53300" and "paused by an operator" in refused.text, refused.text
        assert refused.text.startswith("query_wait_timeout: ")
    [line] = told(proxy, "statement_refused")
    assert line["reason"] == "borrow_timeout" and line["cause"] == "paused"


def test_a_cancel_of_a_waiting_statement_is_logged(start):
    proxy = start(max_size=1)
    holder, waiter = holder_and_waiter(proxy)
    waiter.send(m.Q("select 1"))
    until(lambda: proxy.waiters() == 1, "it waits")
    proxy.cancel(waiter)
    assert waiter.receive().sqlstate == "57014"
    [line] = told(proxy, "statement_refused")
    assert line["reason"] == "cancelled" and whose(line) == ("app", "app", "report", "info") and "cause" not in line


@pytest.mark.parametrize("sent", [m.Q("select pg_sleep(60)"), m.P("", "select pg_sleep(60)") + m.B() + m.E() + m.S],
                         ids=["simple", "extended"])
def test_each_query_timeout_is_logged_once(start, sent):
    proxy = start(max_size=1, changes={"timeouts": {"query": "300ms"}})
    with proxy.wire(params=[("application_name", "report")]) as slow:
        for _ in range(2):
            assert "E(57014" in slow.ask(sent)
        assert slow.value("select 1") == "1"
        assert proxy.metric("pgweir_clients_ended_total", reason="query_timeout") == 2
        found = told(proxy, "statement_timed_out", 2)
    assert {line["reason"] for line in found} == {"query_timeout"}
    assert {whose(line) for line in found} == {("app", "app", "report", "info")}
    assert all(300 <= int(line["waited_ms"]) < 5000 and line["peer"] for line in found)


def test_what_nobody_refused_is_not_logged(start):
    proxy = start(max_size=1, borrow_timeout="20s", changes={"timeouts": {"query": "20s"}})
    holder, waiter = holder_and_waiter(proxy)
    waiter.send(m.Q("select 1"))
    until(lambda: proxy.waiters() == 1, "it waits")
    holder.query("commit")
    waiter.until_ready()
    assert "E(22012" in holder.ask(m.Q("select 1/0")), "the server's own errors are the client's affair"
    proxy.stop()
    assert lines(proxy, "statement_refused") + lines(proxy, "statement_timed_out") == []
