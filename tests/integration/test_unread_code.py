"""Code whose source pgweir has not read yet, or not to its end, may leave anything: the client keeps what it has left, and
no other client gets it."""

import pytest

from harness import messages as m
from harness.proxy import Direct

pytestmark = pytest.mark.own

LOOK = ("select current_setting('lock_timeout'), coalesce(current_setting('app.unread', true), ''), "
        "(select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()), "
        "(select count(*) from pg_class where relnamespace = pg_my_temp_schema())")

KEEPS = "perform pg_advisory_lock(5); create temp table kept as select 1 as a; "


def function(name, body, arguments="", returns="int"):
    return (f"create function unread.{name}({arguments}) returns {returns} language plpgsql as "
            f"$f$ begin {body} end $f$; ")


def chain(length, last):
    return "".join(function(f"chain{i}", f"return chain{i + 1}();") for i in range(length)) + function(
        f"chain{length}", last + " return 1;")


def tree(width, last):
    calls = "+".join(f"leaf{i}()" for i in range(width))
    return "".join(function(f"leaf{i}", "return 1;") for i in range(width)) + function(
        "last", last + " return 1;") + function("tree", f"return {calls}+last();")


PATH = function("sets_path", "return set_config('search_path', value, true);", "value text", "text")
SETS = function("known", "return set_config('lock_timeout', value, false);", "value text", "text")
LOCKS = function("locks", "perform pg_advisory_lock(5); return 1;")
NAMES = function("names", "perform set_config('app.unread', 'mine', false); return 1;")
MAKES = function("makes", "create table kept (a int); return 1;")
KNOWN = "select known('1s')"

# What there is, and what a client runs.
SCRIPTS = {
    "a lock, beside a function that is known": (SETS + LOCKS, [KNOWN, "select known('2s'), locks()"]),
    "a lock, behind one in a string": (SETS + LOCKS, [KNOWN, "select known('2s'); select locks()"]),
    "a lock, beside one with a bound value": (
        SETS + LOCKS, [KNOWN, m.P("", "select known($1), locks()") + m.B("", "", ("2s",)) + m.E() + m.S]),
    "a lock, in a DO": (LOCKS, ["do $$ begin perform set_config('lock_timeout', '2s', false), locks(); end $$"]),
    "a name, beside a function that is known": (SETS + NAMES, [KNOWN, "select known('2s'), names()"]),
    "deep calls": (chain(12, KEEPS), ["select chain0()"]),
    "very deep calls": (chain(80, KEEPS), ["select chain0()"]),
    "many calls": (tree(300, KEEPS), ["select tree()"]),
    "a name, deep down": (chain(40, "perform set_config('app.unread', 'mine', false);"), ["select chain0()"]),
    "a name, among many": (tree(300, "perform set_config('app.unread', 'mine', false);"), ["select tree()"]),
    "many statements": (tree(30, KEEPS), ["begin", *(f"select leaf{i}()" for i in range(30)), "select last()", "commit"]),
    "a path that unread code sets": (PATH, ["begin", "select sets_path('pg_temp')", "create table kept (a int)", "commit"]),
    "a path for unread code": (PATH + MAKES, ["begin", "select sets_path('pg_temp, unread')", "select makes()", "commit"]),
    "a path for a DO": (PATH, ["begin", "select sets_path('pg_temp, unread')",
                               "do $$ begin create table kept (a int); end $$", "commit"]),
}


def run(where, script):
    """What the client sees then, and what the next one does."""
    with where.wire() as client, where.wire() as other:
        for wire in (client, other):
            wire.query("set search_path = unread, public")
        for each in script:
            data = each(client) if callable(each) else m.Q(each) if isinstance(each, str) else each
            answer = client.ask(data)
            assert "E(" not in answer, (each, answer)
        return client.ask(m.Q(LOOK)), other.ask(m.Q(LOOK), timeout=30)


@pytest.mark.parametrize("kind", SCRIPTS)
def test_what_unread_code_leaves_is_its_clients_alone(cluster, start, kind):
    made, script = SCRIPTS[kind]
    cluster.execute("drop schema if exists unread cascade; create schema unread authorization app; "
                    "set search_path = unread; set role app; " + made, "app")
    try:
        expected, clean = run(Direct(cluster), script)
        seen, others = run(start(max_size=1, audit_every=0, borrow_timeout="1s"), script)
        assert seen == expected
        assert others == clean or "E(53300)" in others
    finally:
        cluster.execute("drop schema unread cascade", "app")


@pytest.mark.parametrize("made, call", [(tree(300, ""), "select tree()"), (chain(40, ""), "select chain0()"),
                                        (chain(80, ""), "select chain0()")], ids=["many", "deep", "very deep"])
def test_code_that_leaves_nothing_pins_nobody_however_much_it_is(cluster, start, made, call):
    cluster.execute("drop schema if exists unread cascade; create schema unread authorization app; "
                    "set search_path = unread; set role app; " + made, "app")
    proxy = start(max_size=1, audit_every=0, borrow_timeout="3s")
    with proxy.wire() as client, proxy.wire() as other:
        for _ in range(2):
            for wire in (client, other):
                wire.query("set search_path = unread, public")
                wire.query(call)
    cluster.execute("drop schema unread cascade", "app")
