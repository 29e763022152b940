"""A session that looks at its prepared statements, or runs them by dynamic SQL, sees exactly its own, under its own names and
with its own texts, as on a direct connection; the next client of the server connection sees none of them."""

import pytest

from harness import messages as m

FUNCTIONS = """
create or replace function run(sql text) returns void language plpgsql as $$ begin execute sql; end $$;
create or replace function value_of(sql text) returns text language plpgsql as
  $$ declare value text; begin execute sql into value; return value; end $$;
create or replace function run_q() returns void language plpgsql as $$ begin execute 'execute q(3)'; end $$;
create or replace function explain_of(text) returns setof text language plpgsql as
  $$ declare line text; begin for line in execute format('explain (costs off) %s', $1) loop return next line; end loop; end $$;
create or replace function own_names() returns text language sql as
  $$ select string_agg(name, ',' order by name) from pg_prepared_statements $$;
create table own_rows (id int)
"""
LIST = "select name, statement, parameter_types, from_sql from pg_prepared_statements order by name"
SEEN = "select string_agg(name, ',' order by name) from pg_prepared_statements"


@pytest.fixture(scope="module")
def functions(cluster):
    cluster.execute(FUNCTIONS, "app")
    yield
    cluster.execute("drop function run(text), value_of(text), run_q(), explain_of(text), own_names(); drop table own_rows", "app")


@pytest.fixture
def endpoint(functions, shared):
    return shared("own", max_size=1)


def batch(*texts):
    return b"".join(m.P("", text) + m.B() + m.E() for text in texts) + m.S


Q = m.Q
PREPARE = Q("prepare q(int) as select $1 + 1;")
DO = "do $$ begin execute 'execute q(3)'; end $$"

# What a client sends, message by message; each is awaited.
CASES = {
    "EXECUTE in a DO block": [PREPARE, Q(DO), Q("execute q(1)")],
    "EXECUTE in a DO block, extended": [PREPARE, batch(DO), m.B("", "q", (4,)) + m.E() + m.S],
    "EXECUTE in a DO block, no such name": [Q("prepare other as select 1"), Q(DO), Q("execute other"), Q("select 1")],
    "EXECUTE in a DO block, no name at all": [Q(DO), Q("select 1")],
    "EXECUTE of what the protocol has prepared": [m.P("q", "select $1::int") + m.S, Q(DO), m.B("", "q", (4,)) + m.E() + m.S,
                                                  m.DS("q") + m.S, Q("execute q(5)")],
    "EXECUTE as an argument": [PREPARE, Q("select run('execute q(3)')"), Q("execute q(1)")],
    "EXECUTE as a bound value": [PREPARE, m.P("", "select run($1)") + m.B("", "", ("execute q(3)",)) + m.E() + m.S,
                                 Q("execute q(1)")],
    "EXECUTE as a bound value of a named statement": [
        m.P("r", "select run($1)") + m.S, PREPARE, m.B("", "r", ("execute q(3)",)) + m.E() + m.S, Q("execute q(1)")],
    "EXPLAIN of an argument": [PREPARE, Q("select explain_of('execute q(3)')")],
    "EXPLAIN EXECUTE in a DO block": [PREPARE, Q("do $$ begin execute 'explain execute q(3)'; end $$")],
    "the list": [PREPARE, Q(LIST)],
    "the list of none": [Q(LIST)],
    "the list, extended": [PREPARE, batch(LIST)],
    "the list, prepared": [PREPARE, m.P("l", LIST) + m.B("", "l") + m.E() + m.S, Q(LIST)],
    "the list, in the batch that prepares": [
        m.P("a", "select 1") + m.P("b", "select $1::text") + m.P("", LIST) + m.B() + m.E() + m.S, Q(LIST)],
    "the list, as a table": [PREPARE, Q("select count(*) from (table pg_prepared_statements) t")],
    "the list, in a string": [PREPARE, Q(f"select 1; {LIST}; select 2")],
    "the list of a function": [PREPARE, Q("select count(*) from pg_prepared_statement()")],
    "spellings": [Q("/* a */ PREPARE  \"Two Words\" (text,  int)\n AS SELECT $1, $2 ;"), Q("prepare Lower as select 1"),
                  m.P("by \"protocol\"", "select 'x'", ()) + m.P("typed", "select $1, $2", (23, 25)) + m.S, Q(LIST),
                  Q("execute \"Two Words\"('a', 1)"), Q("execute LOWER"), Q("execute \"by \"\"protocol\"\"\""),
                  m.B("", "by \"protocol\"") + m.E() + m.S, m.B("", "typed", (1, "b")) + m.E() + m.S],
    "a name that is cut": [Q(f"prepare {'n' * 70} as select 1"), Q(LIST), Q(f"execute {'n' * 70}"), Q(f"execute {'n' * 63}")],
    "the unnamed one is not shown": [m.P("", "select 1") + m.S, Q(LIST)],
    "an EXECUTE, prepared": [PREPARE, m.P("e", "execute q(7)") + m.S, Q(LIST), m.B("", "e") + m.E() + m.S, Q("execute q(8)")],
    "taken names": [PREPARE, Q(LIST), PREPARE, m.P("q", "select 1") + m.S, m.P("p", "select 1") + m.S,
                    m.P("p", "select 2") + m.S, Q("prepare p as select 3"), Q(LIST)],
    "new names, from there on": [Q(LIST), PREPARE, m.P("p", "select 'p'") + m.S, Q(LIST), Q("execute q(1)"),
                                 m.B("", "p") + m.E() + m.S, Q("execute p")],
    "Close": [m.P("a", "select 1") + m.P("b", "select 2") + m.S, Q(LIST), m.CS("a") + m.S, Q(LIST), m.B("", "a") + m.S,
              m.P("a", "select 'again'") + m.B("", "a") + m.E() + m.S, Q(LIST), m.CS("nothing") + m.S],
    "DEALLOCATE": [PREPARE, m.P("p", "select 1") + m.S, Q(LIST), Q("deallocate q"), Q(LIST), Q("deallocate p"), Q(LIST),
                   Q("deallocate p"), Q("execute q(1)"), PREPARE, Q("execute q(1)")],
    "DEALLOCATE in a DO block": [PREPARE, Q("do $$ begin execute 'deallocate q'; end $$"), Q("execute q(1)"), Q(LIST),
                                 Q("prepare q as select 'new'"), Q("execute q"), Q(LIST)],
    "taken over in a DO block": [
        PREPARE, Q("do $$ begin execute 'deallocate q'; execute 'prepare q as select ''new'''; end $$"), Q("execute q"),
        m.B("", "q") + m.E() + m.S, Q("deallocate q"), Q("execute q")],
    "PREPARE in a DO block": [PREPARE, Q(LIST), Q("do $$ begin execute 'prepare made as select 5'; end $$"), Q("execute made"),
                              m.B("", "made") + m.E() + m.S, m.P("made", "select 1") + m.S, Q(SEEN), Q("deallocate made"),
                              Q(SEEN)],
    "DEALLOCATE ALL": [PREPARE, Q(LIST), Q("deallocate all"), Q(LIST), Q("execute q(1)"), PREPARE, Q(LIST), Q("execute q(1)")],
    "DISCARD ALL": [PREPARE, Q(LIST), Q("discard all"), Q("execute q(1)"), Q(LIST), PREPARE, Q("execute q(1)"), Q(LIST)],
    "in a string": [PREPARE, Q(LIST), Q("execute q(1); prepare r as select 2; execute r; deallocate q"), Q("execute r"),
                    Q("execute q(1)"), Q(LIST)],
    "in a transaction": [PREPARE, Q("begin"), Q(DO), Q("execute q(1)"), Q("prepare r as select 2"), Q(LIST), Q("rollback"),
                         Q("execute r"), Q(LIST)],
    "in a transaction, extended": [PREPARE, Q("begin"), batch("select 1", LIST), m.P("p", "select 1") + m.S, Q("rollback"),
                                   Q(LIST), m.B("", "p") + m.E() + m.S],
    "in a failed transaction": [PREPARE, Q("begin"), Q("select 1/0"), Q(LIST), Q("rollback"), Q(LIST)],
    "what is broken, in a transaction": [
        Q("create table own_broken (id int)"), Q("prepare b as select * from own_broken"), PREPARE, Q("drop table own_broken"),
        Q("begin"), Q("insert into own_rows values (1)"), Q("select count(*) from pg_prepared_statements where name = 'q'"),
        Q("execute q(1)"), Q("select count(*) from own_rows"), Q("execute b"), Q("rollback"), Q("execute b"), Q("execute q(2)")],
    "what is broken": [
        Q("create table own_broken (id int)"), Q("prepare b as select * from own_broken"), PREPARE,
        m.P("p", "select id from own_broken") + m.S, Q("drop table own_broken"), Q(DO), Q("execute q(1)"), Q("execute b"),
        m.B("", "p") + m.S, Q("execute p"), Q("execute q(2)")],
    "rows that are not what it was told": [
        Q("create table own_told (a int, b int); insert into own_told values (111, 222)"),
        m.P("p", "select * from own_told") + m.DS("p") + m.S, m.P("k", "select b from own_told") + m.DS("k") + m.S,
        Q("alter table own_told drop column a"), Q("alter table own_told add column a int default 111"), Q(SEEN),
        m.B("", "p") + m.E() + m.S, m.B("", "k") + m.E() + m.S, m.B("", "p") + m.S,
        m.CS("p") + m.P("p", "select * from own_told") + m.DS("p") + m.B("", "p") + m.E() + m.S, Q("drop table own_told")],
    "rows that are not what it was told, in the batch": [
        Q("create table own_told (a int); insert into own_told values (111)"),
        m.P("p", "select * from own_told") + m.DS("p") + m.S, Q("alter table own_told alter a type text"),
        m.P("", SEEN) + m.B() + m.E() + m.B("", "p") + m.E() + m.S, m.B("", "p") + m.E() + m.S, Q("drop table own_told")],
    "the list as a bound value": [PREPARE, m.P("", "select value_of($1)") + m.B("", "", (SEEN,)) + m.E() + m.S],
    "the list as a bound value, of none": [m.P("", "select value_of($1)") + m.B("", "", (SEEN,)) + m.E() + m.S],
    "EXECUTE as a bound value in the batch that prepares": [
        m.P("q", "select 1") + m.P("", "select run($1)") + m.B("", "", ("execute q",)) + m.E() + m.S],
    "a text that is not read to its end": [
        PREPARE, Q("set standard_conforming_strings = off"),
        Q("select string_agg(name, ',') from pg_prepared_statements where name <> 'a\\\\b'")],
    "a pipeline": [m.P("a", "select 'a'") + m.S + Q(SEEN) + m.P("b", "select 'b'") + m.B("", "b") + m.E() + m.S + Q(SEEN)
                   + Q("prepare c as select 'c'") + Q("execute c") + m.CS("a") + m.S + Q(SEEN) + m.B("", "a") + m.S],
}


def heard(endpoint, messages, how="whole"):
    """Each answer, with the texts of errors and the places that they point to."""
    said = []
    with endpoint.wire() as wire:
        for message in messages:
            wire.send(message, how)
            for _ in range(ready_in(message)):
                said.append([(str(reply), reply.values() if reply.kind == "D" else None,
                              (reply.fields()["M"], reply.fields().get("P")) if reply.kind == "E" else None)
                             for reply in wire.until_ready()])
    return said


def ready_in(data):
    """How many ReadyForQuery the messages ask for."""
    count, at = 0, 0
    while at < len(data):
        count += data[at:at + 1] in b"QS"
        at += 1 + int.from_bytes(data[at + 1:at + 5], "big")
    return count


def prepare_others(endpoint):
    """What must not be seen is on the server connection, and what the client sees it gets from another client's use."""
    with endpoint.wire() as other:
        other.ask(m.P("q", "select 'of another'") + m.P("secret", "select 'secret'") + m.B("", "secret") + m.E() + m.S)
        other.ask(Q("prepare by_other as select 'literal'") + Q("prepare made as select 0"))


@pytest.mark.parametrize("how", ["whole", "bytes"])
@pytest.mark.parametrize("case", CASES)
def test_a_client_sees_and_runs_its_own_statements(endpoint, direct, case, how):
    prepare_others(endpoint)
    assert heard(endpoint, CASES[case], how) == heard(direct, CASES[case])
    with endpoint.wire() as next_one:
        assert next_one.ask(Q(LIST)) == "T C(SELECT 0) Z(I)"


def test_code_whose_source_is_known(endpoint):
    """The first call of a function, ever, is made before its source is known."""
    with endpoint.wire() as wire:
        wire.ask(Q("select own_names()"))
        try:
            wire.ask(Q("select run_q()"))
        except AssertionError:
            pass
    prepare_others(endpoint)
    with endpoint.wire() as wire:
        assert wire.ask(PREPARE) == "C(PREPARE) Z(I)"
        assert wire.ask(Q("select run_q()")) == "T D() C(SELECT 1) Z(I)"
        assert wire.value("select own_names()") == "q"


def test_code_whose_source_was_known(endpoint, cluster):
    """Whenever a function is made, pgweir reads all sources anew. Until then it goes by what it knew."""
    for _ in range(2):
        with endpoint.wire() as wire:
            wire.ask(Q("select own_names()"))
    with endpoint.wire() as other:
        other.query("create or replace function own_other() returns int language sql as 'select 1'; "
                    "drop function own_other()")
    prepare_others(endpoint)
    with endpoint.wire() as wire:
        assert wire.ask(PREPARE) == "C(PREPARE) Z(I)"
        assert wire.value("select own_names()") == "q"


def test_others_keep_their_statements(endpoint):
    with endpoint.wire() as other:
        assert other.ask(m.P("s", "select 'others'") + m.B("", "s") + m.E() + m.S) == "1 2 D(others) C(SELECT 1) Z(I)"
        with endpoint.wire() as wire:
            assert wire.ask(Q("prepare s as select 'own'")) == "C(PREPARE) Z(I)"
            assert wire.value(SEEN) == "s"
        assert other.ask(m.B("", "s") + m.E() + m.S) == "2 D(others) C(SELECT 1) Z(I)"
        assert other.value(SEEN) == "s"
        assert other.ask(m.B("", "s") + m.E() + m.S) == "2 D(others) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_the_client_is_pinned_until_discard_all(start, functions):
    endpoint = start(max_size=1)

    def pinned():
        return endpoint.metric("pgweir_pinned_sessions", reason="own_statements")

    with endpoint.wire() as wire:
        assert wire.ask(PREPARE) == "C(PREPARE) Z(I)"
        assert wire.ask(Q("execute q(1)")) == "T D(2) C(SELECT 1) Z(I)"
        assert pinned() == 0
        assert wire.value(SEEN) == "q"
        assert pinned() == 1
        assert wire.ask(Q("deallocate all")) == "C(DEALLOCATE ALL) Z(I)"
        assert pinned() == 1
        assert wire.ask(Q("discard all")) == "C(DISCARD ALL) Z(I)"
        assert pinned() == 0
        with endpoint.wire() as other:
            assert other.ask(Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"


@pytest.mark.own
@pytest.mark.parametrize("text", ["select run('select 1')", "do $$ begin execute 'select 1'; end $$",
                                  "do $$ begin perform 'please execute q'; end $$", "select 'execute q(1)'",
                                  "create or replace function pg_temp.run_q() returns void language plpgsql as "
                                  "$$ begin execute 'execute q(3)'; end $$"])
def test_who_does_nothing_of_the_kind_keeps_sharing(start, functions, text):
    endpoint = start(max_size=1)
    with endpoint.wire() as wire:
        assert wire.ask(PREPARE) == "C(PREPARE) Z(I)"
        for _ in range(2):
            assert "E(" not in wire.ask(Q(text))
        assert endpoint.metric("pgweir_pinned_sessions", reason="own_statements") == 0


@pytest.mark.parametrize("how", ["whole", "bytes"])
@pytest.mark.parametrize("prepare", [Q("Prepare  b(int) as select id from gone where id = $1"),
                                     m.P("b", "select id from gone where id = $1") + m.S], ids=["SQL", "protocol"])
@pytest.mark.parametrize("use", [[Q("execute b(1)")] * 2, [Q("begin"), Q("execute b(1)"), Q("rollback"), Q("execute b(1)")],
                                 [Q("explain execute b(1)")], [Q("begin; execute b(1); select 1"), Q("rollback")],
                                 [m.B("", "b", (1,)) + m.E() + m.S] * 2, [m.DS("b") + m.S],
                                 [batch("execute b(1)")] * 2, [batch("begin"), batch("execute b(1)"), batch("rollback")]],
                         ids=["EXECUTE", "in a transaction", "EXPLAIN", "string", "Bind", "Describe", "extended",
                              "extended, in a transaction"])
@pytest.mark.parametrize("moved", [False, True], ids=["there", "moved"])
def test_a_statement_whose_table_is_gone_says_so(endpoint, direct, cluster, prepare, use, moved, how):
    def said(server):
        cluster.execute("create table gone (id int)", "app")
        with server.wire() as wire:
            wire.ask(prepare)
            cluster.execute("drop table gone", "app")
            if moved and server is endpoint:
                with endpoint.wire() as other:
                    other.query("deallocate all; select name from pg_prepared_statements")
            answers = []
            # A message before the one that fails may fail instead.
            done = "12" if use[-1][:1] == b"P" else ""
            for message in use:
                wire.send(message, how)
                answers += [[(str(r), (r.fields()["C"], r.fields()["M"], r.fields().get("P")) if r.kind == "E" else None)
                             for r in wire.until_ready() if r.kind not in "t" + done]]
            return answers

    assert said(endpoint) == said(direct)
