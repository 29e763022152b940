"""Prepared statements work across backends: every client has its own names, whichever backend serves it."""

import pytest

from harness import messages as m
from harness.crowd import together
from harness.waiting import repetitions


def run(name, value, *values):
    """Bind and Execute of a statement that returns one column, and its reply."""
    return m.B("", name, values) + m.E() + m.S, f"2 D({value}) C(SELECT 1) Z(I)"


@pytest.fixture(params=[1, 10])
def endpoint(request, shared):
    return shared(f"size{request.param}", max_size=request.param)


@pytest.fixture
def small(shared):
    """A pool whose backends keep two statements."""
    return shared("small", max_size=1, max_prepared_statements=2)


def test_one_name_many_texts(endpoint):
    clients = [endpoint.wire() for _ in range(12)]
    for number, wire in enumerate(clients):
        assert wire.ask(m.P("s", f"select {number} + $1::int") + m.S) == "1 Z(I)"
    for turn in range(repetitions(20, least=5)):
        for number, wire in enumerate(clients):
            ask, reply = run("s", number + turn, turn)
            assert wire.ask(ask) == reply
    for wire in clients:
        wire.terminate()


def test_one_text_many_names(endpoint):
    clients = [endpoint.wire() for _ in range(12)]
    for number, wire in enumerate(clients):
        assert wire.ask(m.P(f"s{number}", "select $1::int * 2") + m.S) == "1 Z(I)"
        assert wire.ask(m.B("", f"s{(number + 1) % 12}") + m.S).startswith("E(26000)")
    for number, wire in enumerate(clients):
        ask, reply = run(f"s{number}", number * 2, number)
        assert wire.ask(ask) == reply
        assert wire.ask(m.CS(f"s{number}") + m.S) == "3 Z(I)"
        assert wire.ask(m.B("", f"s{number}") + m.S) == "E(26000) Z(I)"
        wire.terminate()


def test_unnamed_statements_of_clients_in_turn(endpoint):
    """D6: between Parse and Bind another client's unnamed statement used the backend."""
    with endpoint.wire() as first, endpoint.wire() as second:
        for turn in range(repetitions(200, least=30)):
            assert first.ask(m.P("", f"select 'first {turn}'") + m.S) == "1 Z(I)"
            assert second.ask(m.P("", f"select 'second {turn}'") + m.S) == "1 Z(I)"
            assert first.ask(m.B() + m.E() + m.S) == f"2 D(first {turn}) C(SELECT 1) Z(I)"
            assert second.ask(m.B() + m.E() + m.S) == f"2 D(second {turn}) C(SELECT 1) Z(I)"
            assert first.ask(m.DS() + m.S) == "t() T Z(I)"


def test_describe_then_bind_in_separate_round_trips(endpoint):
    """What drivers do: Parse+Describe+Sync, then Bind+Execute+Sync, with others between."""
    clients = [endpoint.wire() for _ in range(6)]
    for turn in range(repetitions(20, least=5)):
        for number, wire in enumerate(clients):
            assert wire.ask(m.P(f"n{turn}", f"select $1::int, '{number}'") + m.DS(f"n{turn}") + m.S) == "1 t(23) T Z(I)"
        for number, wire in enumerate(clients):
            assert wire.ask(m.B("", f"n{turn}", (turn,)) + m.DP() + m.E() + m.S) == \
                f"2 T D({turn},{number}) C(SELECT 1) Z(I)"
            assert wire.ask(m.CS(f"n{turn}") + m.S) == "3 Z(I)"
    for wire in clients:
        wire.terminate()


def test_deallocate_and_discard_are_the_clients_own(endpoint):
    with endpoint.wire() as first, endpoint.wire() as second:
        for wire, text in ((first, "one"), (second, "two")):
            assert wire.ask(m.P("s", f"select '{text}'") + m.P("u", f"select 'u{text}'") + m.S) == "1 1 Z(I)"
        assert first.ask(m.Q("deallocate s")) == "C(DEALLOCATE) Z(I)"
        assert first.ask(m.B("", "s") + m.S) == "E(26000) Z(I)"
        assert first.ask(run("u", "uone")[0]) == run("u", "uone")[1]
        assert second.ask(run("s", "two")[0]) == run("s", "two")[1]
        assert first.ask(m.Q("deallocate all")) == "C(DEALLOCATE ALL) Z(I)"
        assert first.ask(m.B("", "u") + m.S) == "E(26000) Z(I)"
        assert second.ask(run("u", "utwo")[0]) == run("u", "utwo")[1]
        assert second.ask(m.Q("discard all")) == "C(DISCARD ALL) Z(I)"
        assert second.ask(m.B("", "s") + m.S) == "E(26000) Z(I)"
        assert first.ask(m.P("s", "select 'again'") + m.B("", "s") + m.E() + m.S) == "1 2 D(again) C(SELECT 1) Z(I)"


def test_another_clients_discard_all_is_not_noticed(endpoint):
    with endpoint.wire() as first, endpoint.wire() as second:
        assert first.ask(m.P("s", "select 'kept'") + m.S) == "1 Z(I)"
        for _ in range(10):
            assert second.ask(m.Q("discard all")) == "C(DISCARD ALL) Z(I)"
            assert first.ask(run("s", "kept")[0]) == run("s", "kept")[1]
            assert second.ask(m.Q("deallocate all")) == "C(DEALLOCATE ALL) Z(I)"
            assert first.ask(run("s", "kept")[0]) == run("s", "kept")[1]


def test_statements_survive_a_new_backend(endpoint, admin):
    """D14: the server was told to end the pool's backends; the client's statements are there again."""
    with endpoint.wire() as wire:
        assert wire.ask(m.P("s", "select $1::text") + m.S) == "1 Z(I)"
        if endpoint.kind == "direct":
            return
        for turn in range(3):
            with admin.cursor() as cursor:
                cursor.execute("select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity "
                               "where usename = 'app' and backend_type = 'client backend'")
            ask, reply = run("s", f"v{turn}", f"v{turn}")
            assert wire.ask(ask) == reply


def test_more_statements_than_a_backend_keeps(small):
    """The least recently used goes; its CloseComplete never reaches a client."""
    with small.wire() as first, small.wire() as second:
        for wire, who in ((first, "a"), (second, "b")):
            for number in range(8):
                assert wire.ask(m.P(f"s{number}", f"select '{who}{number}'") + m.S) == "1 Z(I)"
        for turn in range(3):
            for number in range(8):
                assert first.ask(run(f"s{number}", f"a{number}")[0]) == run(f"s{number}", f"a{number}")[1]
                assert second.ask(run(f"s{number}", f"b{number}")[0]) == run(f"s{number}", f"b{number}")[1]
        if small.kind == "pgweir":
            kept = int(first.value("select count(*) from public.kept_statements"))
            assert kept <= 3, f"{kept} statements on the backend"


def test_more_statements_in_one_pipeline_than_a_backend_keeps(small):
    with small.wire() as wire:
        parse = b"".join(m.P(f"s{n}", f"select {n}") for n in range(8))
        use = b"".join(m.B("", f"s{n}") + m.E() for n in range(8))
        rows = " ".join(f"2 D({n}) C(SELECT 1)" for n in range(8))
        for _ in range(3):
            assert wire.ask(parse + use + m.S) == "1 " * 8 + rows + " Z(I)"
            assert wire.ask(use + m.S) == rows + " Z(I)"
            assert wire.ask(b"".join(m.CS(f"s{n}") for n in range(8)) + m.S) == "3 " * 8 + "Z(I)"


def kept(wire):
    """Asked by a Query, which itself needs no statement."""
    return int(wire.value("select count(*) from public.kept_statements where name like '\\_\\_pgweir%'"))


@pytest.mark.own
def test_a_pipeline_leaves_no_more_statements_than_a_backend_keeps(small):
    with small.wire() as first, small.wire() as second:
        assert first.ask(b"".join(m.P(f"s{n}", f"select {n}") for n in range(8)) + m.S) == "1 " * 8 + "Z(I)"
        assert kept(second) == 2
        for number in range(8):
            assert first.ask(run(f"s{number}", number)[0]) == run(f"s{number}", number)[1]
        assert kept(second) == 2


def test_more_statements_prepared_by_sql_than_a_backend_keeps(small):
    """After its eviction such a statement was believed to be there still, so that EXECUTE failed."""
    clients = [small.wire() for _ in range(6)]
    for number, wire in enumerate(clients):
        assert wire.ask(m.Q(f"prepare s as select 'client {number}'")) == "C(PREPARE) Z(I)"
    for _ in range(2):
        for number, wire in enumerate(clients):
            assert wire.value("execute s") == f"client {number}"
    assert small.kind != "pgweir" or kept(clients[0]) == 2
    clients[0].query("begin")
    for number in range(4):
        clients[0].query(f"prepare s{number} as select {number}")
    for number in range(4):
        assert clients[0].value(f"execute s{number}") == str(number)
    assert small.kind != "pgweir" or kept(clients[0]) == 2
    clients[0].query("commit")
    for wire in clients:
        wire.terminate()


def test_eviction_in_a_failed_transaction_and_pipeline(small):
    with small.wire() as wire:
        assert wire.ask(b"".join(m.P(f"s{n}", f"select {n}") for n in range(5)) + m.S) == "1 " * 5 + "Z(I)"
        wire.query("begin")
        wire.ask(m.Q("select 1/0"))
        for number in range(5):
            assert wire.ask(m.B("", f"s{number}") + m.E() + m.S) == "E(25P02) Z(E)"
        wire.query("rollback")
        bad = m.P("bad", "select 1/0") + m.B("", "bad") + m.E()
        use = b"".join(m.B("", f"s{n}") + m.E() for n in range(5))
        rows = " ".join(f"2 D({n}) C(SELECT 1)" for n in range(5))
        assert wire.ask(use + bad + use + m.S) == rows + " 1 E(22012) Z(I)"
        assert wire.ask(use + m.S) == rows + " Z(I)"


def test_a_failed_parse_of_many_clients(endpoint):
    """D1: a name is taken by ParseComplete, not by Parse."""
    with endpoint.wire() as first, endpoint.wire() as second:
        for _ in range(10):
            assert first.ask(m.P("s", "select * from missing") + m.S) == "E(42P01) Z(I)"
            assert second.ask(m.P("s", "select 'fine'") + m.B("", "s") + m.E() + m.S) == "1 2 D(fine) C(SELECT 1) Z(I)"
            assert first.ask(m.B("", "s") + m.S) == "E(26000) Z(I)"
            assert second.ask(m.CS("s") + m.S) == "3 Z(I)"


def test_a_text_that_became_wrong_is_an_error_of_its_own_client(endpoint, admin):
    """The injected Parse fails where the client sent only a Bind: one error, and the pipeline is skipped as usual."""
    with admin.cursor() as cursor:
        cursor.execute("create table going (id int); grant all on going to public")
    try:
        with endpoint.wire() as wire:
            assert wire.ask(m.P("s", "select * from going") + m.S) == "1 Z(I)"
            with admin.cursor() as cursor:
                cursor.execute("drop table going")
                if endpoint.kind != "direct":  # make sure that it is parsed anew
                    cursor.execute("select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity "
                                   "where usename = 'app' and backend_type = 'client backend'")
            answer = wire.ask(m.B("", "s") + m.E() + m.S)
            assert answer == "E(42P01) Z(I)"
            assert wire.ask(m.Q("select 3")) == "T D(3) C(SELECT 1) Z(I)"
            assert wire.ask(m.CS("s") + m.S) == "3 Z(I)"
    finally:
        with admin.cursor() as cursor:
            cursor.execute("drop table if exists going")


def test_large_statements_and_parameters(endpoint):
    """D13: around every plausible buffer size."""
    with endpoint.wire() as wire:
        for size in (1, 2047, 2048, 4091, 4096, 8191, 8192, 8193, 16384, 32768, 65535, 65536, 65537, 300_000):
            text = "x" * size
            name = "n" * min(size, 60)
            assert wire.ask(m.P(name, f"select length('{text}')") + m.B("", name) + m.E() + m.CS(name) + m.S) == \
                f"1 2 D({size}) C(SELECT 1) 3 Z(I)"
            assert wire.ask(m.P("", "select length($1::text)") + m.B("", "", (text,)) + m.E() + m.S) == \
                f"1 2 D({size}) C(SELECT 1) Z(I)"


def test_a_deep_pipeline(endpoint):
    depth = repetitions(2000, least=300)
    with endpoint.wire() as wire:
        assert wire.ask(m.P("s", "select $1::int") + m.S) == "1 Z(I)"
        ask = b"".join(m.B("", "s", (n,)) + m.E() for n in range(depth)) + m.S
        assert wire.ask(ask) == " ".join(f"2 D({n}) C(SELECT 1)" for n in range(depth)) + " Z(I)"
        ask = b"".join(m.B("", "s", (n,)) + m.E() + m.S for n in range(depth))
        wire.send(ask)
        for number in range(depth):
            assert " ".join(str(x) for x in wire.until_ready()) == f"2 D({number}) C(SELECT 1) Z(I)"


def test_many_clients_with_statements_at_once(endpoint):
    def work(number):
        with endpoint.wire() as wire:
            for turn in range(repetitions(30, least=8)):
                name = f"s{turn % 3}"
                if turn < 3:
                    assert wire.ask(m.P(name, f"select {number}, {turn}, $1::text") + m.S) == "1 Z(I)"
                assert wire.ask(m.B("", name, (f"{number}-{turn}",)) + m.E() + m.S) == \
                    f"2 D({number},{turn % 3},{number}-{turn}) C(SELECT 1) Z(I)"
        return True

    assert all(together(work, range(24), threads=24))


@pytest.mark.own
def test_no_parse_is_sent_twice_to_a_backend(start, cluster):
    """One text of many clients is parsed once on a backend; a Bind of a known statement costs no further message."""
    proxy = start(max_size=1)
    clients = [proxy.wire() for _ in range(10)]
    for wire in clients:
        assert wire.ask(m.P("s", "select $1::int /* once */") + m.S) == "1 Z(I)"
        assert wire.ask(m.B("", "s", (1,)) + m.E() + m.S) == "2 D(1) C(SELECT 1) Z(I)"
    kept = clients[0].value("select count(*) from public.kept_statements where statement like '%/* once */%' "
                            "and statement not like '%kept_statements%'")
    assert kept == "1"
    for wire in clients:
        wire.terminate()


def test_sql_prepare_follows_the_client(endpoint):
    """PREPARE, EXECUTE and DEALLOCATE of several clients with the same names, in turn."""
    with endpoint.wire() as first, endpoint.wire() as second:
        assert first.ask(m.Q("prepare q(int) as select $1 + 1")) == "C(PREPARE) Z(I)"
        assert second.ask(m.Q("prepare q(text) as select 'second ' || $1")) == "C(PREPARE) Z(I)"
        for turn in range(repetitions(20, least=5)):
            assert first.ask(m.Q(f"execute q({turn})")) == f"T D({turn + 1}) C(SELECT 1) Z(I)"
            assert second.ask(m.Q(f"execute q('{turn}')")) == f"T D(second {turn}) C(SELECT 1) Z(I)"
        assert first.ask(m.Q("prepare q as select 0")) == "E(42P05) Z(I)"
        assert first.ask(m.Q("select 1; execute q(1); explain (costs off) execute q(1)")).startswith(
            "T D(1) C(SELECT 1) T D(2) C(SELECT 1) T D(")
        assert first.ask(m.B("", "q", ("7",)) + m.E() + m.S) == "2 D(8) C(SELECT 1) Z(I)"
        assert first.ask(m.P("", "explain (costs off) execute q(1)") + m.B() + m.E() + m.S).startswith("1 2 D(")
        assert first.ask(m.Q("select 2; deallocate q")) == "T D(2) C(SELECT 1) C(DEALLOCATE) Z(I)"
        assert first.ask(m.Q("execute q(1)")) == "E(26000) Z(I)"
        assert second.ask(m.Q("execute q('still')")) == "T D(second still) C(SELECT 1) Z(I)"
        assert second.ask(m.Q("deallocate all")) == "C(DEALLOCATE ALL) Z(I)"
        assert second.ask(m.Q("execute q('gone')")) == "E(26000) Z(I)"


def test_sql_prepare_in_a_transaction_that_is_rolled_back(endpoint):
    """Prepared statements are not transactional."""
    with endpoint.wire() as wire:
        assert wire.ask(m.Q("begin")) == "C(BEGIN) Z(T)"
        assert wire.ask(m.Q("prepare q as select 'kept'")) == "C(PREPARE) Z(T)"
        assert wire.ask(m.Q("execute q")) == "T D(kept) C(SELECT 1) Z(T)"
        assert wire.ask(m.Q("rollback")) == "C(ROLLBACK) Z(I)"
        assert wire.ask(m.Q("execute q")) == "T D(kept) C(SELECT 1) Z(I)"


def test_sql_prepare_that_fails_leaves_no_name(endpoint):
    with endpoint.wire() as wire:
        assert wire.ask(m.Q("prepare q as select nonsense")) == "E(42703) Z(I)"
        assert wire.ask(m.Q("execute q")) == "E(26000) Z(I)"
        assert wire.ask(m.Q("prepare q as select 'good'")) == "C(PREPARE) Z(I)"
        assert wire.ask(m.Q("execute q")) == "T D(good) C(SELECT 1) Z(I)"


def test_a_missing_name_in_a_string_that_prepares_another_is_the_clients_error(endpoint):
    """The connection has lost nothing: the string is not run again, and what it would have set is not set."""
    with endpoint.wire() as wire:
        assert wire.ask(m.Q("prepare p as select 1")) == "C(PREPARE) Z(I)"
        assert wire.ask(m.Q("set app.who = 'before'")) == "C(SET) Z(I)"
        pid = wire.value("select pg_backend_pid()")
        for _ in range(3):
            assert wire.ask(m.Q("execute q; set app.who = 'after'; prepare p as select 2")) == "E(26000) Z(I)"
        assert wire.value("show app.who") == "before"
        assert wire.value("select pg_backend_pid()") == pid
        assert wire.ask(m.Q("execute p")) == "T D(1) C(SELECT 1) Z(I)"


# How a client comes to the error of a statement that it has prepared by SQL.
BROKEN = {
    "EXECUTE": m.Q("execute p"),
    "Describe": m.DS("p") + m.S,
    "Bind": m.B("", "p") + m.E() + m.S,
    "EXECUTE, prepared": m.P("e", "execute p") + m.B("", "e") + m.E() + m.S,
    "EXECUTE, described": m.P("", "execute p") + m.DS("") + m.S,
}


@pytest.mark.parametrize("way", BROKEN)
def test_an_error_of_an_sql_prepared_statement_points_into_its_own_text(shared, direct, way):
    """pgweir's name for it is longer than the client's."""
    def place(endpoint):
        with endpoint.wire() as wire:
            for sql in ("create table broken_by_drop (id int)", "prepare p as select id from broken_by_drop",
                        "drop table broken_by_drop"):
                wire.query(sql)
            wire.send(BROKEN[way])
            heard = wire.until_ready()
            fields = next(x.fields() for x in heard if x.kind == "E")
            return [str(x) for x in heard], fields.get("P")

    expected = place(direct)
    assert "E(42P01)" in expected[0] and place(shared("one", max_size=1)) == expected


# What names a statement after a batch that has failed, and that would have changed the name.
NAMING = {
    "EXECUTE": m.Q("execute s"),
    "EXECUTE within a string": m.Q("select 1; execute s"),
    "EXPLAIN EXECUTE": m.Q("explain (costs off) execute s"),
    "EXECUTE, extended": m.P("", "execute s") + m.DS() + m.B() + m.E() + m.S,
    "DEALLOCATE": m.Q("deallocate s"),
    "PREPARE": m.Q("prepare s as select 3"),
    "Bind": m.B("", "s") + m.DP() + m.E() + m.S,
    "Close": m.CS("s") + m.P("s", "select 'new'") + m.B("", "s") + m.E() + m.S,
    "Parse": m.P("s", "select 'new'") + m.S,
}
SKIPPED = {"closed": m.CS("s"), "replaced": m.CS("s") + m.P("s", "select 'wrong'"), "": b""}


@pytest.mark.parametrize("skipped", SKIPPED)
@pytest.mark.parametrize("way", NAMING)
def test_a_batch_that_was_skipped_changes_no_name(shared, direct, way, skipped):
    """All in one write. The text of the skipped Parse is on the backend already, under another name."""
    def heard(endpoint):
        with endpoint.wire() as wire:
            wire.ask(m.P("s", "select 'right'") + m.P("other", "select 'wrong'") + m.S)
            wire.send(m.P("", "select 1/0") + m.B() + m.E() + SKIPPED[skipped] + m.S + NAMING[way])
            return [str(x) for _ in range(2) for x in wire.until_ready()]

    assert heard(shared("one", max_size=1)) == heard(direct)


def test_a_parse_of_an_execute_does_not_look_for_its_statement(shared, direct):
    """Neither for one that is not there, nor for itself."""
    def heard(endpoint):
        with endpoint.wire() as wire:
            return [wire.ask(m.P("e", f"execute {name}") + m.S) for name in ("nobody", "f")] + [
                wire.ask(m.B("", "e") + m.E() + m.S)]

    assert heard(shared("one", max_size=1)) == heard(direct)
