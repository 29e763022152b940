"""pgweir explain-pin: what a statement would do to a session in transaction mode, and whether it does that."""

import json
import os
import pty
import subprocess

import pytest

from harness import messages as m
from harness.proxy import binary
from harness.waiting import seconds

pytestmark = pytest.mark.own


def run(*arguments, stdin=b"", code=0, **options):
    done = subprocess.run([binary(), "explain-pin", *arguments], input=stdin, capture_output=True,
                          timeout=seconds(20), **options)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout.decode()


def verdict(*arguments, **options):
    return run(*arguments, **options).splitlines()[-1]


VERDICTS = {
    "select 1": "does not pin",
    "set work_mem to '1MB'": "does not pin",
    "create temp table t(a int)": "may pin: temporary_object",
    "select pg_advisory_lock(1); load 'auto_explain'": "may pin: advisory_lock, load",
    "select f(1)": "does not pin by itself; depends on: functions, triggers, sequence values",
    "": "does not pin",
}


@pytest.mark.parametrize("sql", VERDICTS)
def test_verdict_is_the_last_line(sql):
    assert verdict(sql) == VERDICTS[sql]
    assert verdict("-", stdin=sql.encode()) == VERDICTS[sql]


def test_says_what_and_why():
    out = run("begin; set local work_mem to '64MB'; create temp table t as select app.f(); commit")
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [
        "BEGIN", "SET LOCAL", "CREATE TEMP TABLE", "COMMIT",
        "may pin: temporary_object; more depends on: functions, triggers, sequence values"]
    assert "  transaction work_mem: gone when the transaction ends\n" in out
    assert "  may pin     temporary_object: a temporary table" in out
    assert "  judged      f: functions" in out


def test_sql_that_is_not_in_quotes_is_told_of():
    done = subprocess.run([binary(), "explain-pin", "create", "temp", "table", "t(a", "int)"], capture_output=True,
                          text=True, timeout=seconds(20))
    assert done.returncode == 2 and "put the SQL in quotes" in done.stderr, done.stderr
    done = subprocess.run([binary(), "explain-pin", "--jsn", "select 1"], capture_output=True, text=True,
                          timeout=seconds(20))
    assert done.returncode == 2 and "unknown option --jsn" in done.stderr, done.stderr


def test_json():
    out = json.loads(run("--json", "select set_config('app.tenant', 'secret', false)"))
    assert (out["verdict"], out["may_pin"], out["depends_on"]) == ("does not pin", [], [])
    statement, = out["statements"]
    assert statement["words"] == "SELECT"
    effect, = statement["effects"]
    assert (effect["kind"], effect["names"]) == ("follows", ["app.tenant"])


def test_options():
    insert = "insert into t values (1)"
    strict = json.loads(run("--json", "--strict", insert))
    assert (strict["mode"], strict["trust_triggers"]) == ("strict", False)
    assert "temporary_object" in strict["may_pin"]
    trusting = json.loads(run("--json", "--strict", "--trust-triggers", insert))
    assert (trusting["mode"], trusting["trust_triggers"], trusting["may_pin"]) == ("strict", True, [])
    assert trusting["depends_on"] == ["sequence values"]


def test_any_bytes():
    data = bytes(range(256)) * 8
    run("-", stdin=data)
    json.loads(run("--json", "-", stdin=b'select "' + data.replace(b'"', b"") + b'"()'))
    # A control character must not reach a terminal, in whatever name it stands.
    assert "\x1b" not in run("-", stdin=b'select "\x1b[31m"()')


def test_long_text():
    run("-", stdin=b"select 1;" * 500_000)
    run("-", stdin=b" " * (17 << 20), code=2)


@pytest.mark.parametrize("arguments", [[], ["select 1", "select 2"], ["--wrong", "select 1"]])
def test_bad_usage(arguments):
    run(*arguments, code=2)


def test_unreadable_input():
    directory = os.open("/", os.O_RDONLY)
    try:
        done = subprocess.run([binary(), "explain-pin", "-"], stdin=directory, capture_output=True,
                              timeout=seconds(20))
    finally:
        os.close(directory)
    assert done.returncode == 2


def on_a_terminal(**environment):
    """What the program writes to one."""
    ours, theirs = pty.openpty()
    variables = {"TERM": "xterm", "PATH": os.environ["PATH"], **environment}
    process = subprocess.Popen([binary(), "explain-pin", "load 'x'"], stdin=subprocess.DEVNULL, stdout=theirs,
                               env=variables)
    os.close(theirs)
    assert process.wait(seconds(20)) == 0
    out = os.read(ours, 1 << 16).decode()
    os.close(ours)
    return out


def test_colour_only_on_a_terminal():
    assert "\x1b[" in on_a_terminal()
    assert "\x1b[" not in on_a_terminal(NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal(TERM="dumb")
    assert "\x1b[" not in run("load 'x'")


# A Query, and what it really pins for.
CERTAIN = {
    "select 1": "",
    "set work_mem to '3MB'": "",
    "begin; set local work_mem to '3MB'; commit": "",
    "select set_config('app.tenant', 'x', false)": "",
    "prepare explained as select 1": "",
    "reset all": "",
    "discard all": "",
    "select pg_advisory_xact_lock(1)": "",
    "begin; declare explained cursor for select 1; commit": "",
    "create temp table explained(a int) on commit drop": "",
    "do $$ begin set work_mem to '3MB'; set work_mem to default; perform 1; end $$": "",
    "create temp table explained(a int)": "temporary_object",
    "select 1 as a into temp explained": "temporary_object",
    "create type pg_temp.explained as enum ('a')": "temporary_object",
    "select pg_advisory_lock(1)": "advisory_lock",
    "declare explained cursor with hold for select 1": "holdable_cursor",
    "prepare explained as select 1; select 2": "sql_prepare",
    "select setseed(0.5)": "session_function",
    "create temp table explained(a int); select pg_advisory_lock(2)": "temporary_object advisory_lock",
    "select nextval('explained_values'), currval('explained_values')": "sequence_value",
}
# Suspected of more, or found out by the functions' sources.
OPEN = {
    "begin; create temp table explained(a int); rollback": "",
    "create temp table explained(a no_such_type)": "",
    "insert into explained_rows values (1)": "",
    "with x as (select 1) select * from x": "",
    "do $$ begin perform pg_advisory_lock(3); end $$": "advisory_lock",
    "call explained_lock()": "advisory_lock",
}


@pytest.fixture(scope="module")
def proxy(cluster, shared):
    cluster.execute("create sequence explained_values", "app")
    cluster.execute("grant all on sequence explained_values to public", "app")
    cluster.execute("create procedure explained_lock() language sql as 'select pg_advisory_lock(4)'", "app")
    cluster.execute("create table explained_rows(a int)", "app")
    cluster.execute("grant all on explained_rows to public", "app")
    yield shared("explained", max_size=1)
    cluster.execute("drop table explained_rows", "app")
    cluster.execute("drop sequence explained_values", "app")
    cluster.execute("drop procedure explained_lock", "app")


def pinned(proxy, sql):
    """The reasons after this Query."""
    with proxy.wire() as wire:
        wire.ask(m.Q(sql))
        wire.ask(m.Q("select 1"))  # held back until it is settled what the first has left behind
        series = proxy.metrics().items()
    return {name.split('reason="')[1].split('"')[0] for name, value in series
            if name.startswith("pgweir_pinned_sessions{") and value > 0}


@pytest.mark.parametrize("sql", CERTAIN)
def test_what_is_explained_comes_true(proxy, sql):
    reasons = set(CERTAIN[sql].split())
    assert pinned(proxy, sql) == reasons
    if not sql.startswith("do "):  # of which only the server can tell which state it leaves
        assert set(json.loads(run("--json", sql))["may_pin"]) == reasons


@pytest.mark.parametrize("sql", OPEN)
def test_nothing_comes_that_was_not_explained(proxy, sql):
    reasons = set(OPEN[sql].split())
    explained = json.loads(run("--json", sql))
    assert pinned(proxy, sql) == reasons
    assert reasons <= set(explained["may_pin"]) or "functions" in explained["depends_on"]
