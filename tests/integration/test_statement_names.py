"""The names of prepared statements when they are dropped: by DISCARD ALL and DEALLOCATE ALL that are still under way
when the next Parse comes, and by code that runs in the database and drops or takes names that it has looked up, in a way that pgweir does not foresee."""

import pytest

from harness import messages as m
from harness.proxy import Direct
from harness.waiting import until

FUNCTIONS = """
create or replace function drop_all() returns void language plpgsql as $$ begin execute 'de' || 'allocate all'; end $$;
create or replace function drop_each() returns int language plpgsql as $$ declare x record; n int := 0; begin
  for x in select name from public.kept_statements where not from_sql loop
    begin execute 'de' || format('allocate %I', x.name); n := n + 1; exception when others then null; end;
  end loop; return n; end $$;
create or replace function take_each(sql text) returns int language plpgsql as $$ declare x record; n int := 0; begin
  for x in select name from public.kept_statements where not from_sql loop
    begin execute 'de' || format('allocate %I', x.name); execute format('prepare %I as %s', x.name, sql); n := n + 1;
    exception when others then null; end;
  end loop; return n; end $$
"""


@pytest.fixture(scope="module")
def functions(cluster):
    cluster.execute(FUNCTIONS, "app")
    yield
    cluster.execute("drop function drop_all(), drop_each(), take_each(text)", "app")


@pytest.fixture(params=[1, 3])
def endpoint(request, functions, shared):
    return shared(f"names{request.param}", max_size=request.param)


def batch(*texts):
    return b"".join(m.P("", text) + m.B() + m.E() for text in texts)


# --- Under way -------------------------------------------------------------------------------------------------

FIRST = {
    "DISCARD ALL": (m.Q("discard all"), ["C(DISCARD ALL) Z(I)"]),
    "DEALLOCATE ALL": (m.Q("deallocate all"), ["C(DEALLOCATE ALL) Z(I)"]),
    "DEALLOCATE PREPARE ALL": (m.Q("DEALLOCATE PREPARE ALL"), ["C(DEALLOCATE ALL) Z(I)"]),
    "DEALLOCATE of the name": (m.Q("deallocate a"), ["C(DEALLOCATE) Z(I)"]),
    "DEALLOCATE ALL in a string": (m.Q("select 1; deallocate all"), ["T D(1) C(SELECT 1) C(DEALLOCATE ALL) Z(I)"]),
    "DISCARD ALL, extended": (batch("discard all") + m.S, ["1 2 C(DISCARD ALL) Z(I)"]),
    "DEALLOCATE ALL, extended": (batch("deallocate all") + m.S, ["1 2 C(DEALLOCATE ALL) Z(I)"]),
    "DEALLOCATE of the name, extended": (batch("deallocate a") + m.S, ["1 2 C(DEALLOCATE) Z(I)"]),
    "DEALLOCATE ALL, no Sync": (batch("deallocate all"), "1 2 C(DEALLOCATE ALL) "),
    "DEALLOCATE of the name, no Sync": (batch("deallocate a"), "1 2 C(DEALLOCATE) "),
    "Close": (m.CS("a"), "3 "),
    "twice": (m.Q("deallocate all") + m.Q("discard all"), ["C(DEALLOCATE ALL) Z(I)", "C(DISCARD ALL) Z(I)"]),
    "in a transaction": (m.Q("begin") + m.Q("deallocate all") + m.Q("rollback"),
                         ["C(BEGIN) Z(T)", "C(DEALLOCATE ALL) Z(T)", "C(ROLLBACK) Z(I)"]),
}


@pytest.mark.parametrize("how", ["whole", "halves", "bytes"])
@pytest.mark.parametrize("awaited", [False, True], ids=["pipelined", "awaited"])
@pytest.mark.parametrize("first", FIRST)
def test_a_name_is_parsed_again_right_behind_what_drops_it(endpoint, first, awaited, how):
    drop, answers = FIRST[first]
    has_own = isinstance(answers, list)
    if awaited and not has_own:
        return
    with endpoint.wire() as wire, endpoint.wire() as other:
        for x in (wire, other):
            assert x.ask(m.P("a", "select 1") + m.P("b", "select 'b'") + m.S) == "1 1 Z(I)"
        new = m.P("a", "select 'second'") + m.S
        if awaited:
            for part, answer in [(drop, answers)]:
                wire.send(part, how)
                assert [" ".join(map(str, wire.until_ready())) for _ in answer] == answer
            wire.send(new, how)
        else:
            wire.send(drop + new, how)
            if has_own:
                assert [" ".join(map(str, wire.until_ready())) for _ in answers] == answers
        assert " ".join(map(str, wire.until_ready())) == ("" if has_own else answers) + "1 Z(I)"
        for _ in range(2):
            assert wire.ask(m.B("", "a") + m.E() + m.S) == "2 D(second) C(SELECT 1) Z(I)"
            assert wire.ask(m.DS("a") + m.S) == "t() T Z(I)"
            assert other.ask(m.B("", "a") + m.E() + m.S) == "2 D(1) C(SELECT 1) Z(I)"
        if "of the name" not in first and first != "Close":
            assert wire.ask(m.B("", "b") + m.S) == "E(26000) Z(I)"
        assert wire.ask(m.P("a", "select 3") + m.S) == "E(42P05) Z(I)"
        assert wire.ask(m.B("", "a") + m.E() + m.S) == "2 D(second) C(SELECT 1) Z(I)"


@pytest.mark.parametrize("drop", [batch("deallocate a") + m.S, batch("deallocate a"), batch("deallocate prepare \"a\"") + m.S,
                                  m.P("d", "deallocate a") + m.B("", "d") + m.E() + m.S], ids=["Sync", "none", "quoted", "named"])
def test_a_name_taken_again_is_not_taken_from_others(start, functions, drop):
    """Not even by the server's name of the old text, which others share."""
    endpoint = start(max_size=1)
    with endpoint.wire() as wire, endpoint.wire() as other:
        for x in (wire, other):
            assert x.ask(m.P("a", "select 1") + m.B("", "a") + m.E() + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"
        wire.send(drop + m.P("a", "select 'second'") + m.S)
        for _ in range(1 + drop.endswith(m.S)):
            assert "E(" not in " ".join(map(str, wire.until_ready()))
        assert other.ask(m.Q("execute a")) == "T D(1) C(SELECT 1) Z(I)"
        assert other.ask(m.B("", "a") + m.E() + m.S) == "2 D(1) C(SELECT 1) Z(I)"
        with endpoint.wire() as late:
            assert late.ask(m.P("q", "select 1") + m.B("", "q") + m.E() + m.S) == "1 2 D(1) C(SELECT 1) Z(I)"
        assert wire.ask(m.Q("execute a")) == "T D(second) C(SELECT 1) Z(I)"


def test_a_drop_that_fails_drops_nothing(endpoint):
    with endpoint.wire() as wire:
        assert wire.ask(m.P("a", "select 1") + m.S) == "1 Z(I)"
        wire.send(m.Q("begin") + m.Q("discard all") + m.Q("rollback") + m.P("a", "select 2") + m.S)
        heard = [" ".join(map(str, wire.until_ready())) for _ in range(4)]
        assert heard == ["C(BEGIN) Z(T)", "E(25001) Z(E)", "C(ROLLBACK) Z(I)", "E(42P05) Z(I)"]
        wire.send(m.Q("select 1/0; deallocate all") + m.P("a", "select 2") + m.S)
        assert [" ".join(map(str, wire.until_ready())) for _ in range(2)] == ["E(22012) Z(I)", "E(42P05) Z(I)"]
        assert wire.ask(batch("select 1/0", "deallocate all") + m.P("a", "select 2") + m.S) == "1 E(22012) Z(I)"
        assert wire.ask(m.B("", "a") + m.E() + m.S) == "2 D(1) C(SELECT 1) Z(I)"


def test_many_names_in_one_pipeline_of_drops(endpoint):
    with endpoint.wire() as wire:
        data, answers = b"", []
        for turn in range(30):
            data += m.P("a", f"select {turn}") + m.B("", "a") + m.E() + m.S + \
                (m.Q("deallocate all"), m.Q("discard all"), batch("deallocate all") + m.S)[turn % 3]
            answers += [f"1 2 D({turn}) C(SELECT 1) Z(I)",
                        ("C(DEALLOCATE ALL) Z(I)", "C(DISCARD ALL) Z(I)", "1 2 C(DEALLOCATE ALL) Z(I)")[turn % 3]]
        wire.send(data)
        assert [" ".join(map(str, wire.until_ready())) for _ in answers] == answers


@pytest.mark.parametrize("how", ["whole", "bytes"])
@pytest.mark.parametrize("known", [False, True], ids=["the pool's first", "after DDL"])
def test_what_was_skipped_stays_skipped(start, how, known):
    """A Parse behind an error never happens, so that the next batch, which is on its way already, cannot run it."""
    endpoint = start(max_size=1)
    if known:
        with endpoint.wire() as before:
            before.ask(m.P("s", "insert into nowhere values (1)") + m.B("", "s") + m.E() + m.S)
            before.ask(batch("drop view if exists nowhere") + m.S)
    with endpoint.wire() as wire:
        wire.send(m.B() + m.E() + m.P("", "select 'skipped'") + m.S + m.B() + m.E() + m.S, how)
        assert [" ".join(map(str, wire.until_ready())) for _ in range(2)] == ["E(26000) Z(I)"] * 2
        assert wire.ask(m.B() + m.E() + m.S) == "E(26000) Z(I)"


FAILING = {"fails": m.P("u", "select no_such_function()") + m.DS("u") + m.S, "fails in its Bind": m.P("u", "selekt") + m.B("", "u") + m.S,
           "is skipped": m.B("", "no such statement") + m.P("u", "select 1") + m.S}


@pytest.mark.parametrize("how", ["whole", "halves", "bytes"])
@pytest.mark.parametrize("first", FAILING)
def test_a_name_is_free_when_its_parse_has_failed(endpoint, first, how):
    """Also for a Parse that was sent before anybody knew."""
    for _ in range(5):
        with endpoint.wire() as wire:
            wire.send(FAILING[first] + m.P("u", "select 2") + m.B("", "u") + m.E() + m.S, how)
            assert "E(" in " ".join(map(str, wire.until_ready()))
            assert " ".join(map(str, wire.until_ready())) == "1 2 D(2) C(SELECT 1) Z(I)"


# --- By code ---------------------------------------------------------------------------------------------------

CODE = {
    "DEALLOCATE ALL in DO": "do $$ begin execute 'de' || 'allocate all'; end $$",
    "DEALLOCATE ALL in a function": "select drop_all()",
    "each by its name": "select drop_each()",
    "each by its name, in DO": "do $$ begin perform drop_each(); end $$",
}
TAKE = {
    "other rows": "select take_each('select ''taken''')",
    "a writing statement": "select take_each('select set_config(''app.taken'', ''yes'', false)')",
    "another shape": "select take_each('select 1, 2, 3')",
    "parameters": "select take_each('select $1::int + $2::int')",
}


@pytest.mark.own
@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
@pytest.mark.parametrize("code", [*CODE, *TAKE])
def test_code_that_drops_or_takes_names_harms_nobody_else(endpoint, code, extended):
    """The others run what they have prepared, whether or not code of somebody else has looked for their names."""
    sql = CODE.get(code) or TAKE[code]
    with endpoint.wire() as culprit:
        others = [endpoint.wire() for _ in range(4)]
        for number, other in enumerate(others):
            assert other.ask(m.P("s", f"select 'of {number}', $1::text") + m.DS("s") + m.S) == "1 t(25) T Z(I)"
            assert other.ask(m.P("u", f"select 'undescribed {number}'") + m.S) == "1 Z(I)"
        for turn in range(3):
            heard = culprit.ask(batch(sql) + m.S if extended else m.Q(sql))
            assert heard.endswith("Z(I)"), heard
            for number, other in enumerate(others):
                for _ in range(2):
                    heard = other.ask(m.B("", "s", (turn,)) + m.E() + m.S)
                    assert heard == f"2 D(of {number},{turn}) C(SELECT 1) Z(I)"
                    heard = other.ask(m.B("", "u") + m.E() + m.S)
                    assert heard == f"2 D(undescribed {number}) C(SELECT 1) Z(I)"
                assert other.ask(m.DS("s") + m.S) == "t(25) T Z(I)"
                assert not other.value("select current_setting('app.taken', true)")
            with endpoint.wire() as late:
                assert late.ask(m.P("s", "select 'of 0', $1::text") + m.B("", "s", ("x",)) + m.E() + m.S) == \
                    "1 2 D(of 0,x) C(SELECT 1) Z(I)"
        for other in others:
            other.terminate()


@pytest.mark.own
@pytest.mark.parametrize("code", [*CODE, *TAKE])
def test_a_batch_that_has_changed_names_in_front_of_one_that_code_has_dropped(endpoint, code):
    sql = CODE.get(code) or TAKE[code]
    run = lambda name, portal="": m.B(portal, name) + m.E(portal)
    with endpoint.wire() as culprit, endpoint.wire() as other:
        assert other.ask(m.P("s", "select 'mine'") + m.P("u", "select 1") + m.S) == "1 1 Z(I)"
        assert other.ask(run("s") + run("u") + m.S) == "2 D(mine) C(SELECT 1) 2 D(1) C(SELECT 1) Z(I)"
        for turn in range(3):
            culprit.query("begin")
            culprit.query(sql)
            culprit.query("commit")
            batch_of = m.P("new", "select 7") + m.CS("u") + m.P("u", f"select {turn}") + run("s") + run("u") + m.CS("new")
            assert other.ask(batch_of + m.S) == f"1 3 1 2 D(mine) C(SELECT 1) 2 D({turn}) C(SELECT 1) 3 Z(I)"
            assert other.ask(run("u") + m.S) == f"2 D({turn}) C(SELECT 1) Z(I)"


@pytest.mark.own
@pytest.mark.parametrize("code", [*CODE, *TAKE])
def test_code_that_does_so_in_a_transaction(endpoint, code):
    """The names are gone at once, whatever becomes of the transaction."""
    sql = CODE.get(code) or TAKE[code]
    with endpoint.wire() as culprit, endpoint.wire() as other:
        for end in ("commit", "rollback"):
            other.ask(m.CS("s") + m.S)
            assert other.ask(m.P("s", "select 'mine'") + m.B("", "s") + m.E() + m.S) == "1 2 D(mine) C(SELECT 1) Z(I)"
            assert culprit.ask(m.CS("s") + m.P("s", "select 'mine'") + m.S) == "3 1 Z(I)"
            culprit.query("begin")
            culprit.query(sql)
            culprit.query(end)
            for _ in range(3):
                other.query("begin")
                heard = other.ask(m.B("", "s") + m.E() + m.S)
                other.query("rollback")
                if heard == "2 D(mine) C(SELECT 1) Z(T)":
                    break
                assert heard == "E(26000) Z(E)", heard
            for _ in range(2):
                assert other.ask(m.B("", "s") + m.E() + m.S) == "2 D(mine) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_names_on_the_server_tell_nothing_and_cannot_be_guessed(endpoint):
    with endpoint.wire() as one, endpoint.wire() as two:
        one.ask(m.P("s", "select 'secret statement'") + m.B("", "s") + m.E() + m.S)
        seen = two.query("select name from public.kept_statements")
        for [name] in seen:
            assert two.ask(m.B("", name) + m.E() + m.S) == "E(26000) Z(I)"
            assert two.ask(m.DS(name) + m.S) == "E(26000) Z(I)"
            assert two.ask(m.CS(name) + m.S) == "3 Z(I)"
        assert one.ask(m.B("", "s") + m.E() + m.S) == "2 D(secret statement) C(SELECT 1) Z(I)"


@pytest.mark.own
def test_a_connection_whose_statements_code_has_dropped_is_replaced_soon(endpoint):
    with endpoint.wire() as culprit, endpoint.wire() as other:
        assert other.ask(m.P("s", "select 'mine'") + m.S) == "1 Z(I)"
        culprit.query("select drop_all()")
        assert other.ask(m.B("", "s") + m.E() + m.S) == "2 D(mine) C(SELECT 1) Z(I)"
        until(lambda: other.ask(m.B("", "s") + m.E() + m.S) == "2 D(mine) C(SELECT 1) Z(I)", "it goes on")


# --- Temporary tables by search_path ---------------------------------------------------------------------------

TEMPORARY = {
    "SET LOCAL in a function": "select make_by_set()",
    "the function's own search_path": "select make_by_own()",
    "set_config in a function": "select make_by_config()",
    "set_config with a value that is passed": "select make_by_value('pg_temp')",
    "at the top": "begin; set local search_path = pg_temp; create table passing (a text); insert into passing values ('mine'); commit",
    "at the top, quoted and second": "begin; set local search_path = \"pg_temp\", public; create table passing (a text);"
                                     "insert into passing values ('mine'); commit",
    "set_config at the top": "begin; select set_config('search_path', 'pg_temp', true); create table passing as select 'mine' as a; commit",
    "SELECT INTO": "begin; set local search_path = pg_temp; select 'mine' as a into passing; commit",
    "DO": "do $$ begin set local search_path = pg_temp; create table passing as select 'mine' as a; end $$",
    "a savepoint": "begin; savepoint a; set local search_path = pg_temp; create table passing as select 'mine' as a; release a; commit",
}
MAKERS = """
create or replace function make_by_set() returns void language plpgsql as $$ begin set local search_path = 'pg_temp';
  create table passing (a text); insert into passing values ('mine'); end $$;
create or replace function make_by_own() returns void language plpgsql set search_path = 'pg_temp' as $$ begin
  create table passing (a text); insert into passing values ('mine'); end $$;
create or replace function make_by_config() returns void language plpgsql as $$ begin
  perform set_config('search_path', 'pg_temp', true); create table passing (a text); insert into passing values ('mine'); end $$;
create or replace function make_by_value(p text) returns void language plpgsql as $$ begin
  perform set_config('search_path', p, true); create table passing (a text); insert into passing values ('mine'); end $$
"""


@pytest.fixture(scope="module")
def makers(cluster):
    cluster.execute(MAKERS, "app")
    yield
    cluster.execute("drop function make_by_set(), make_by_own(), make_by_config(), make_by_value(text)", "app")


# In extended messages, under a search_path that an earlier transaction has set.
EXTENDED = {
    "SELECT INTO, extended": "select 'mine' as a into passing",
    "EXPLAIN ANALYZE SELECT INTO, extended": "explain analyze select 'mine' as a into passing",
    "EXPLAIN ANALYZE, extended": "explain (analyze) create table passing as select 'mine' as a",
    "CREATE TABLE AS, extended": "create table passing as select 'mine' as a",
}


STRINGS = ["deallocate a; deallocate a", "deallocate a; execute a", "deallocate all; execute a", "deallocate all; deallocate a",
           "deallocate a; deallocate b; execute b", "execute a; execute b; select nothing", "execute b; selec 1",
           "execute a; execute \"ö\"; select nothing", "execute \"ö\"(nope)", "explain execute \"ö\"(nope)", ";execute a", ";deallocate a", "deallocate a; prepare a as select 3; execute a",
           "prepare a as select 3; execute a", "execute b; execute none", "discard plans; execute a; select nothing"]


@pytest.mark.parametrize("text", STRINGS)
def test_names_in_a_string_of_statements_are_as_with_a_direct_connection(cluster, start, text):
    def heard(where):
        with where.wire() as wire:
            for name in ("a", "b", '"ö"'):
                wire.query(f"prepare {name} as select 1")
            answers = []
            for sql in (text, "execute a", "execute b"):
                wire.send(m.Q(sql))
                answers += [(str(x), x.fields() if x.kind == "E" else {}) for x in wire.until_ready()]
            return [(x, {k: v for k, v in fields.items() if k in "MPDH"}) for x, fields in answers]

    assert heard(start(max_size=1)) == heard(Direct(cluster))


@pytest.mark.parametrize("known", [False, True], ids=["the pool's first", "known"])
@pytest.mark.parametrize("way", [*TEMPORARY, *EXTENDED, "bound"])
def test_a_temporary_table_made_by_search_path_is_its_clients_alone(start, makers, way, known):
    endpoint = start(max_size=1, borrow_timeout="1s", audit_every=0)
    with endpoint.wire() as owner, endpoint.wire() as other:
        if known:
            with endpoint.wire() as before:
                for _ in range(2):
                    before.query("select make_by_set(); drop table pg_temp.passing")
        if way == "bound":
            owner.query("begin")
            owner.ask(m.P("", "select set_config('search_path', $1, true)") + m.B("", "", ("pg_temp",)) + m.E() + m.S)
            owner.query("create table passing as select 'mine' as a; commit")
        elif way in EXTENDED:
            owner.query("set search_path = pg_temp")
            owner.ask(m.P("", EXTENDED[way]) + m.B("", "") + m.E() + m.S)
        else:
            owner.query(TEMPORARY[way])
        # Nothing in between says pg_temp.
        heard = other.ask(m.Q("select a from passing"), timeout=30)
        assert "E(42P01)" in heard or "E(53300)" in heard, heard
        assert owner.value("select a from pg_temp.passing") == "mine"
        owner.query("drop table pg_temp.passing")
        assert other.value("select 1") == "1"


def test_a_name_is_not_dropped_by_the_deallocate_of_another_in_front_of_it(start):
    """The two are sent together; pgweir does not know the first name, and the second DEALLOCATE does not run."""
    with start(max_size=1).wire() as wire:
        wire.query("prepare known as select 'known'")
        wire.ask(m.P("", "prepare unseen as select 1") + m.B() + m.E() + m.S)
        wire.send(m.Q("deallocate unseen") + m.Q("execute missing; deallocate known"))
        assert [wire.ask(b"") for _ in range(2)] == ["C(DEALLOCATE) Z(I)", "E(26000) Z(I)"]
        assert wire.value("execute known") == "known"
