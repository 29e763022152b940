"""A statement that is run, planned, dropped or bound by its name: what it does is believed when it happens, and not before."""

import pytest

from harness import messages as m

LOOK = m.Q("select current_user, current_setting('work_mem'), current_setting('search_path'), coalesce(current_setting('app.who', true), '')")


def PBE(text, name="", portal=""):
    return m.P(name, text) + m.B(portal, name) + m.E(portal)


# What one client sends, in turns; afterwards it and the next client look at what is set.
SCRIPTS = {
    "a dropped RESET": [m.P("a", "reset work_mem") + m.S, m.Q("set work_mem = '7MB'"), m.Q("deallocate a")],
    "a dropped SET": [m.P("a", "set search_path = other") + m.S, m.Q("deallocate a")],
    "a dropped SET ROLE": [m.P("a", "set role app2") + m.S, m.Q("deallocate a")],
    "a dropped set_config": [m.P("a", "select set_config('app.who', 'a', false)") + m.S, m.Q("deallocate a")],
    "a dropped DISCARD ALL": [m.P("a", "discard all") + m.S, m.Q("set work_mem = '7MB'"), m.Q("deallocate a")],
    "a dropped ROLLBACK": [m.P("a", "rollback") + m.S, m.Q("begin"), m.Q("set work_mem = '7MB'"), m.Q("savepoint a"),
                           m.Q("set app.who = 'a'"), m.Q("deallocate a"), m.Q("commit")],
    "a dropped COMMIT": [m.P("a", "commit") + m.S, m.Q("begin"), m.Q("set work_mem = '7MB'"), m.Q("deallocate a"),
                         m.Q("rollback")],
    "dropped in a string": [m.P("a", "reset work_mem") + m.S, m.Q("set work_mem = '7MB'"), m.Q("select 1; deallocate a")],
    "a RESET that is explained": [m.P("a", "reset all") + m.S, m.Q("set work_mem = '7MB'"),
                                  m.Q("explain (costs off) execute a")],
    "a SET that is explained": [m.P("a", "set app.who = 'a'") + m.S, PBE("explain (analyze false) execute a") + m.S],
    "a set_config that is explained": [m.P("a", "select set_config('app.who', 'a', false)") + m.S,
                                       m.Q("explain (costs off) execute a")],
    "a set_config that EXPLAIN ANALYZE runs": [
        m.P("a", "select set_config('app.who', 'a', false)") + m.S,
        m.Q("explain (analyze, costs off, timing off, summary off) execute a")],
    "a set_config that CREATE TABLE AS runs": [
        m.P("a", "select set_config('app.who', 'a', false)") + m.S, m.Q("begin"),
        m.Q("create temp table x on commit drop as execute a"), m.Q("commit")],
    "a SET that is run": [m.P("a", "set app.who = 'a'") + m.S, m.Q("execute a")],
    "a portal that FETCH runs": [m.Q("begin"),
                                 PBE("select set_config('app.who', 'a', false)", portal="p").replace(m.E("p"), b"") + m.S,
                                 m.Q("fetch all from p"), m.Q("commit")],
    "a portal that MOVE runs": [m.Q("begin"), m.P("", "select set_config('work_mem', '5MB', false)") + m.B("p", "") + m.S,
                                m.Q("move all in p"), m.Q("commit")],
    "a portal that nothing runs": [m.Q("begin"), m.P("", "select set_config('work_mem', '5MB', false)") + m.B("p", "") + m.S,
                                   m.Q("commit")],
    "a portal that runs again after ROLLBACK TO": [
        m.Q("begin"), m.P("", "select set_config('work_mem', '5MB', false) from generate_series(1, 2)") + m.B("p", "") + m.S,
        m.Q("savepoint a"), m.E("p", 1) + m.S, m.Q("rollback to a"), m.E("p", 1) + m.S, m.Q("commit")],
    "two portals of SET": [m.P("", "set app.who = 'a'") + m.B("p", "") + m.P("", "set work_mem = '9MB'") + m.B("q", "") +
                           m.E("p") + m.E("q") + m.S],
    "two portals, the first of which is run": [
        m.P("", "set app.who = 'a'") + m.B("p", "") + m.P("", "set local work_mem = '9MB'") + m.B("q", "") + m.E("p") + m.S],
    "a portal that is bound to another statement": [
        m.Q("begin"), m.P("", "set app.who = 'a'") + m.B("", "") + m.P("", "select 1") + m.B("", "") + m.E("") + m.S,
        m.Q("commit")],
    "two portals of DEALLOCATE": [
        m.P("x", "select 1") + m.P("y", "select 2") + m.S,
        m.P("", "deallocate x") + m.B("p", "") + m.P("", "deallocate y") + m.B("q", "") + m.E("p") + m.S,
        m.B("", "y") + m.E() + m.S, m.B("", "x") + m.S],
    "DEALLOCATE ALL bound before another": [
        m.P("x", "select 1") + m.S, m.Q("begin"),
        m.P("", "deallocate all") + m.B("p", "") + m.P("", "set work_mem = '9MB'") + m.B("q", "") + m.S,
        m.E("p") + m.P("x", "select 2") + m.S, m.B("", "x") + m.E() + m.S, m.Q("commit")],
    "a portal that a function of the server runs": [
        m.Q("begin"), m.P("", "select set_config('app.who', 'a', false)") + m.B("p", "") + m.S,
        m.Q("select cursor_to_xml('p', 10, false, false, '')"), m.Q("commit")],
    "a portal that DO runs": [
        m.Q("begin"), m.P("", "select set_config('app.who', 'a', false)") + m.B("p", "") + m.S,
        m.Q("do $$ declare c refcursor := 'p'; begin move all in c; end $$"), m.Q("commit")],
    "a Bind that fails leaves the portal": [
        m.Q("begin"), m.P("", "set app.who = 'a'") + m.B("p", "") + m.S, m.Q("savepoint s"), m.B("p", "nope") + m.S,
        m.Q("rollback to s"), m.E("p") + m.S, m.Q("commit")],
    "a Bind of another text that fails leaves the portal": [
        m.Q("begin"), m.P("", "set work_mem = '9MB'") + m.B("p", "") + m.S, m.Q("savepoint s"),
        m.P("", "set app.who = 'a'") + m.B("p", "") + m.S, m.Q("rollback to s"), m.E("p") + m.S, m.Q("commit")],
    "a SAVEPOINT that was bound before a SET": [
        m.Q("begin"), m.P("", "savepoint s") + m.B("p", "") + m.S, m.Q("set work_mem = '9MB'"), m.E("p") + m.S,
        m.Q("rollback to s"), m.Q("commit")],
    "a SAVEPOINT that was bound before a SET in its batch": [
        m.Q("begin"), m.P("", "savepoint s") + m.B("p", "") + m.P("", "set work_mem = '9MB'") + m.B("q", "") + m.E("q") +
        m.E("p") + m.S, m.Q("rollback to s"), m.Q("commit")],
    "a portal that is never run": [m.P("", "select set_config('app.who', 'a', false)") + m.B("p", "") + m.S],
    "EXECUTE of a DEALLOCATE": [m.P("b", "select 1") + m.P("a", "deallocate b") + m.S, m.Q("execute a"),
                                m.B("", "b") + m.E() + m.S, m.P("b", "select 2") + m.S],
    "EXECUTE of a DEALLOCATE, extended": [m.P("b", "select 1") + m.P("a", "deallocate b") + m.S, PBE("execute a") + m.S,
                                          m.B("", "b") + m.E() + m.S],
    "EXECUTE of a DEALLOCATE in a string": [m.P("b", "select 1") + m.P("a", "deallocate b") + m.S,
                                            m.Q("select 1; execute a"), m.B("", "b") + m.E() + m.S],
    "EXECUTE of a name that only the server knows, beside another": [
        m.P("a", "select 1") + m.S, m.Q("select 1; prepare b as select set_config('app.who', 'a', false)"),
        m.Q("execute a; execute b"), m.Q("deallocate b")],
    "DEALLOCATE of a name that only the server knows, in front of another": [
        m.P("a", "select 1") + m.S, m.Q("select 1; prepare b as select 2"),
        m.Q("deallocate b; select 1/0; deallocate a"), m.Q("deallocate b; select 1; deallocate a"), m.Q("execute a"),
        m.B("", "a") + m.E() + m.S],
    "EXECUTE of a PREPARE that is there": [PBE('prepare "A" as select 0', name="A") + m.S,
                                           m.Q('execute "A"; deallocate b')],
}


# What becomes of a portal before it is run, and what was bound to it.
GONE = {"CLOSE": m.Q("close p"), "CLOSE ALL": m.Q("close all"), "Close": m.CP("p") + m.S, "COMMIT": m.Q("commit; begin"),
        "COMMIT AND CHAIN": m.Q("commit and chain"), "ROLLBACK TO": m.Q("rollback to s")}
BOUND = ["set app.who = 'a'", "reset all", "discard all", "rollback", "set role app2", "select set_config('app.who', 'a', false)"]
for gone, closes in GONE.items():
    for text in BOUND:
        SCRIPTS[f"{text} that {gone} took away"] = [
            m.Q("set work_mem = '7MB'"), m.Q("begin"), m.Q("set local app.who = 'b'"), m.Q("savepoint s"),
            m.P("", text) + m.B("p", "") + m.S, closes, m.Q("declare p cursor for select 1"), m.E("p") + m.S, m.Q("commit")]


def play(endpoint, turns, params=()):
    with endpoint.wire() as client:
        said = []
        for turn in turns:
            client.send(turn)
            said.append([(message.kind, getattr(message, "text", None) if message.kind == "E" else bytes(message.body))
                         for message in client.until_ready()])
        said.append(client.ask(LOOK))
        with endpoint.wire() as other:
            said.append(other.ask(LOOK))
    with endpoint.wire() as other:
        said.append(other.ask(LOOK))
    return said


@pytest.fixture(params=[1, 2])
def endpoint(request, shared):
    return shared(f"size{request.param}", max_size=request.param)


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_a_name_stands_for_is_believed_when_it_happens(endpoint, direct, script):
    assert play(endpoint, SCRIPTS[script]) == play(direct, SCRIPTS[script])


# Of a statement that only the other connection has, in a failed transaction or broken by DDL.
TWICE = ["execute a; execute a", "execute a; deallocate a", "execute a; prepare a as select 2",
         "explain execute a; execute a", "execute e; execute e", "execute e", "execute ee", "explain execute e", "execute d"]


@pytest.mark.parametrize("text", TWICE)
@pytest.mark.parametrize("state", ["failed", "rolled back", "broken"])
def test_a_name_that_stands_twice_in_a_string_ends(shared, direct, text, state):
    def run(endpoint):
        with endpoint.wire() as client, endpoint.wire() as other:
            client.ask(m.Q("create table if not exists broken_by_ddl (a int)"))
            client.ask(m.P("ee", "execute e") + m.P("e", "execute a") + m.P("dd", "deallocate a") + m.P("d", "execute dd") +
                       m.P("a", "select 1" if state != "broken" else "select * from broken_by_ddl") + m.S)
            other.ask(m.Q("begin"))
            if state == "broken":
                client.ask(m.Q("drop table broken_by_ddl"))
                return client.ask(m.Q(text)).split()[-1]
            client.ask(m.Q("begin; select 1/0"))
            if state == "rolled back":  # docs/limits.md: the EXECUTE may fail
                return client.ask(m.Q("rollback; " + text)).split()[-1]
            return client.ask(m.Q(text))
    assert run(shared("two", max_size=2)) == run(direct)
