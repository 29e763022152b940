"""Settings follow the client to whichever backend it gets, and never reach another client."""

import pytest

from harness import messages as m
from harness.proxy import Direct
from harness.relay import Relay
from harness.waiting import repetitions, until

# How a client may come by a setting: what it sends, and (name, value) that it must see afterwards.
WAYS = {
    "SET": ([m.Q("set work_mem to '3MB'")], "work_mem", "3MB"),
    "SET through the extended protocol": ([m.P("", "set work_mem to '3MB'") + m.B() + m.E() + m.S], "work_mem", "3MB"),
    "set session with comment and odd case": ([m.Q("/* a */ sEt SESSION  work_mem = '3MB' -- b")], "work_mem", "3MB"),
    "SET in a committed transaction": ([m.Q("begin"), m.Q("set work_mem to '3MB'"), m.Q("commit")], "work_mem", "3MB"),
    "SET in a string of statements": ([m.Q("select 1; set work_mem to '3MB'; select 2")], "work_mem", "3MB"),
    "search_path with quoting": ([m.Q("""set search_path to 'a b', '"x"', public""")], "search_path",
                                 '"a b", """x""", public'),
    "statement_timeout": ([m.Q("set statement_timeout to 12345")], "statement_timeout", "12345ms"),
    "default_transaction_read_only": ([m.Q("set default_transaction_read_only to on")],
                                      "default_transaction_read_only", "on"),
    "session characteristics": ([m.Q("set session characteristics as transaction isolation level serializable")],
                                "default_transaction_isolation", "serializable"),
    "TimeZone": ([m.Q("set time zone 'Asia/Tokyo'")], "timezone", "Asia/Tokyo"),
    "TimeZone by interval": ([m.Q("set time zone interval '+05:30' hour to minute")], "timezone", "<+05:30>-05:30"),
    "client_encoding": ([m.Q("set client_encoding to 'LATIN1'")], "client_encoding", "LATIN1"),
    "SET NAMES": ([m.Q("set names 'LATIN1'")], "client_encoding", "LATIN1"),
    "application_name": ([m.Q("set application_name to 'its ''name'''")], "application_name", "its 'name'"),
    "DateStyle": ([m.Q("set datestyle to 'German'")], "datestyle", "German, DMY"),
    "a custom parameter": ([m.Q("set my.tenant to 'tenant 7'")], "my.tenant", "tenant 7"),
    "an empty value": ([m.Q("set my.tenant to ''")], "my.tenant", ""),
    "role": ([m.Q("set role team")], "role", "team"),
    "two settings": ([m.Q("set work_mem to '1MB'"), m.Q("set geqo to off"), m.Q("set work_mem to '3MB'")],
                     "work_mem", "3MB"),
}

# Ways that no SET or RESET tag shows.
HIDDEN = {
    "set_config": m.Q("select set_config('work_mem', '3MB', false)"),
    "set_config of a custom parameter": m.Q("select set_config('my.tenant', 'secret', false)"),
    "a DO block": m.Q("do $$ begin set work_mem to '3MB'; end $$"),
    "a DO block with set_config": m.Q("do $$ begin perform set_config('work_mem', '3MB', false); end $$"),
    "an UPDATE of pg_settings": m.Q("update pg_settings set setting = '3072' where name = 'work_mem'"),
    "an UPDATE of pg_settings, spelled otherwise": m.Q(
        r"""update U&"pg\005fsettings" set setting = '3072' where name = 'work_mem'"""),
    "in a string": m.Q("select 1; update pg_settings set setting = '3072' where name = 'work_mem'"),
    "in a string, behind a SET": m.Q("set geqo to on; with x as (select 1) update pg_settings set setting = '3072' "
                                     "where name = 'work_mem'; select set_config('geqo', 'on', false)"),
    "in a string, prepared": m.Q("prepare hidden as update pg_settings set setting = '3072' where name = 'work_mem'; "
                                 "execute hidden; deallocate hidden"),
    "the same in a DO block": m.Q(
        r"""do $$ begin update u&"pg!005fsettings" uescape '!' set setting = '3072' where name = 'work_mem'; end $$"""),
}

DEFAULTS = {"work_mem": "4MB", "search_path": '"$user", public', "statement_timeout": "0", "my.tenant": None,
            "default_transaction_read_only": "off", "default_transaction_isolation": "read committed",
            "timezone": "UTC", "client_encoding": "UTF8", "application_name": "", "datestyle": "ISO, MDY",
            "role": "none", "geqo": "on"}


def show(wire, name):
    return wire.value(f"select current_setting('{name}', true)")


def assert_defaults(wire, but=()):
    for name, value in DEFAULTS.items():
        if name not in but:
            found = show(wire, name)
            # A custom parameter that was once set on a backend reads as '' after its RESET, not as NULL.
            assert found == value or (value is None and not found), f"{name} is {found!r}"
    assert wire.value("select current_user") == "app"


@pytest.fixture
def endpoint(shared):
    return shared("one", max_size=1)


@pytest.mark.parametrize("way", WAYS)
def test_a_setting_follows_its_client_and_no_other(endpoint, way):
    """One backend, two clients in turn: the worst case for both halves of the promise."""
    steps, name, value = WAYS[way]
    with endpoint.wire() as mine, endpoint.wire() as other:
        for step in steps:
            mine.send(step)
            answer = mine.until_ready()
            assert not [x for x in answer if x.kind in ("E", "EOF")], [f"{x} {x.text}" for x in answer if x.kind == "E"]
        for _ in range(3):
            assert mine.value(f"show {name}") == value
            assert_defaults(other)
        mine.query("reset all" if name != "role" else "reset role")
        assert_defaults(mine)
        assert_defaults(other)


@pytest.mark.parametrize("way", WAYS)
def test_a_setting_ends_with_its_client(endpoint, way):
    steps, name, value = WAYS[way]
    for leave in ("terminate", "abort"):
        wire = endpoint.wire()
        for step in steps:
            wire.send(step)
            wire.until_ready()
        assert wire.value(f"show {name}") == value
        getattr(wire, leave)()
        with endpoint.wire() as other:
            assert_defaults(other)


@pytest.mark.pooled
@pytest.mark.parametrize("way", HIDDEN)
def test_a_setting_that_the_text_hides_does_not_outlive_its_client(shared, way):
    endpoint = shared("hidden", max_size=1)
    wire = endpoint.wire()
    wire.send(HIDDEN[way])
    assert str(wire.until_ready()[-1]) == "Z(I)"
    wire.terminate()
    with endpoint.wire() as other:
        assert_defaults(other)


@pytest.mark.pooled
@pytest.mark.parametrize("way", HIDDEN)
def test_a_setting_that_the_text_hides_is_not_seen_by_others_meanwhile(shared, way):
    endpoint = shared("hidden", max_size=1)
    with endpoint.wire() as wire:
        wire.send(HIDDEN[way])
        assert str(wire.until_ready()[-1]) == "Z(I)"
        try:
            other = endpoint.wire()
            other.send(m.Q("select current_setting('work_mem'), current_setting('my.tenant', true)"))
            answer = other.until_ready(1.0)
        except AssertionError:
            return  # its client holds the backend: that is isolation, too
        other.terminate()
        assert answer[1].values()[0] == "4MB" and not answer[1].values()[1]


@pytest.mark.parametrize("params, name, value", [
    ([("work_mem", "3MB")], "work_mem", "3MB"),
    ([("TimeZone", "Asia/Tokyo")], "timezone", "Asia/Tokyo"),
    ([("search_path", "a, \"B c\"")], "search_path", "a, \"B c\""),
    ([("options", "-c work_mem=3MB -c geqo=off")], "work_mem", "3MB"),
    ([("application_name", "x'y\\z")], "application_name", "x'y\\z"),
    ([("my.tenant", "t1")], "my.tenant", "t1"),
    ([("client_encoding", "LATIN1")], "client_encoding", "LATIN1"),
])
def test_startup_parameters_follow_and_are_what_reset_returns_to(endpoint, params, name, value):
    with endpoint.wire(params=params) as mine, endpoint.wire() as other:
        for _ in range(2):
            assert mine.value(f"show {name}") == value
            assert_defaults(other)
        if "." not in name:
            mine.query(f"set {name} to default")
            assert mine.value(f"show {name}") == value, "a startup parameter is the session's default"
        mine.query("reset all")
        assert mine.value(f"show {name}") == value
        mine.query("discard all")
        assert mine.value(f"show {name}") == value
        assert_defaults(other)


def test_rolled_back_settings_are_gone(endpoint):
    with endpoint.wire() as mine, endpoint.wire() as other:
        mine.query("set work_mem to '2MB'")
        mine.query("begin")
        mine.query("set work_mem to '3MB'")
        mine.query("set timezone to 'Asia/Tokyo'")
        assert mine.value("show work_mem") == "3MB"
        mine.query("rollback")
        assert_defaults(other)
        assert mine.value("show work_mem") == "2MB"
        assert mine.value("show timezone") == "UTC"


def test_a_set_in_a_failed_transaction_is_gone_even_after_commit(endpoint):
    with endpoint.wire() as mine, endpoint.wire() as other:
        mine.query("begin")
        mine.query("set work_mem to '3MB'")
        mine.ask(m.Q("select 1/0"))
        assert mine.ask(m.Q("commit")) == "C(ROLLBACK) Z(I)"
        assert_defaults(other)
        assert_defaults(mine)


def test_a_set_in_a_failed_pipeline_is_gone(endpoint):
    with endpoint.wire() as mine, endpoint.wire() as other:
        answer = mine.ask(m.P("", "set work_mem to '3MB'") + m.B() + m.E() + m.P("", "select 1/0") + m.B() + m.E() + m.S)
        assert answer == "1 2 C(SET) 1 E(22012) Z(I)"
        assert_defaults(other)
        assert_defaults(mine)


def test_a_set_in_a_failed_string_is_gone(endpoint):
    with endpoint.wire() as mine, endpoint.wire() as other:
        assert mine.ask(m.Q("set work_mem to '3MB'; select 1/0")) == "C(SET) E(22012) Z(I)"
        assert_defaults(other)
        assert_defaults(mine)


@pytest.mark.parametrize("name, value", [("app.u", "mine"), ("work_mem", "3MB"), ("geqo", "off")])
def test_set_config_of_null_returns_to_what_the_client_brought(endpoint, name, value):
    with endpoint.wire(params=[(name, value)]) as mine, endpoint.wire() as other:
        mine.query(f"set {name} to " + ("on" if name == "geqo" else "'4MB'"))
        mine.query(f"select set_config('{name}', null, false)")
        for _ in range(2):
            assert mine.value(f"show {name}") == value
            other.query("select 1")
        mine.query("begin")
        mine.query(f"select set_config('{name}', null, true)")
        mine.query("commit")
        assert mine.value(f"show {name}") == value


@pytest.mark.parametrize("refused, name, value", [
    ("set schema default", "search_path", "other"), ("set session schema default;", "search_path", "other"),
    ("/* x */ set role default", "role", "none")])
def test_a_reset_that_is_a_syntax_error_resets_nothing(endpoint, refused, name, value):
    """ROLE and SCHEMA are the two that take no DEFAULT."""
    with endpoint.wire(params=[(name, "app")]) as mine:
        mine.query(f"set {name} to {value}")
        assert mine.ask(m.Q(refused)) == "E(42601) Z(I)"
        for _ in range(3):
            assert mine.value(f"show {name}") == value


@pytest.mark.parametrize("ends,value", [("commit; select 1/0", "mine"), ("rollback; select 1/0", ""),
                                        ("savepoint s; commit; select 1/0", "mine")])
@pytest.mark.parametrize("name", ["my.tenant", "application_name"])
def test_what_a_transaction_has_set_is_known_when_the_string_that_ends_it_fails(endpoint, name, ends, value):
    with endpoint.wire() as mine, endpoint.wire() as other:
        mine.query(f"begin; set {name} = 'mine'")
        assert "E(22012)" in mine.ask(m.Q(ends))
        other.query(f"set {name} = 'other'")
        assert (mine.value(f"select current_setting('{name}', true)") or "") == value
        assert other.value(f"select current_setting('{name}')") == "other"


# What sets is a prepared statement or a function, and other statements of its string end the transaction or set, too.
SETS = "select set_config('work_mem', '3MB', false), set_config('my.tenant', 'mine', false), set_config('role', 'app2', false)"
MIXED = ["{x}; commit; select 1/0", "begin; {x}; commit; select 1/0", "begin; {x}; commit and chain; select 1/0",
         "rollback; begin; {x}; commit; select 1/0", "begin; set work_mem = '5MB'; rollback; {x}", "reset work_mem; {x}",
         "reset all; {x}", "set work_mem = '5MB'; {x}", "begin; {x}; rollback; select 1", "begin; savepoint s; {x}; rollback to s; commit",
         "set work_mem = '5MB'; {x}; set work_mem = '6MB'", "begin; {x}; savepoint s; select 1/0|rollback to s; commit", ";{x}",
         "; ;{x};;", "/* ; */ ; {x}", ";set my.tenant = 'mine'; {x}"]


@pytest.fixture(scope="module")
def setter(cluster):
    cluster.execute("grant app2 to app; create function set_named() returns void language plpgsql as $$ begin perform "
                    "set_config('work_mem', '3MB', false), set_config('my.tenant', 'mine', false); end $$", "app")
    yield
    cluster.execute("drop function set_named(); revoke app2 from app", "app")


@pytest.mark.parametrize("prepared", ["by SQL", "by Parse", "a function"])
@pytest.mark.parametrize("text", MIXED)
def test_what_a_string_sets_in_any_order_is_its_clients_alone(setter, cluster, shared, text, prepared):
    def heard(where):
        with where.wire() as mine, where.wire() as other:
            if prepared == "by SQL":
                mine.query(f"prepare x as {SETS}")
            elif prepared == "by Parse":
                mine.ask(m.P("x", SETS) + m.S)
            else:
                other.query("select set_named(); reset all")
            for part in text.replace("{x}", "select set_named()" if prepared == "a function" else "execute x").split("|"):
                mine.ask(m.Q(part))
            mine.ask(m.Q("rollback"))
            asked = "select current_setting('work_mem'), coalesce(current_setting('my.tenant', true), ''), current_user"
            seen = other.query(asked)
            other.query("set my.tenant = 'other'")
            return seen, mine.query(asked)

    assert heard(shared("mixed", max_size=1)) == heard(Direct(cluster))


def test_empty_statements_in_front_change_nothing(cluster, shared):
    def heard(where):
        with where.wire() as mine, where.wire() as other:
            answers = [mine.ask(m.Q(sql)) for sql in (
                "prepare a as select 1", ";execute a", "; explain execute a", ";set my.tenant = 'x'", ";deallocate a", "execute a",
                "set work_mem = '2MB'", "prepare b as select 1", ";discard all", "execute b")]
            other.query("set my.tenant = 'other'")
            return [a for a in answers if "EXPLAIN" not in a], mine.query(
                "select current_setting('work_mem'), coalesce(current_setting('my.tenant', true), '')")

    assert heard(shared("mixed", max_size=1)) == heard(Direct(cluster))


def test_a_savepoint_of_a_string_that_failed_is_still_one(endpoint):
    with endpoint.wire() as mine, endpoint.wire() as other:
        mine.query("begin; set my.tenant = 'mine'")
        assert mine.ask(m.Q("savepoint s; select 1/0")) == "C(SAVEPOINT) E(22012) Z(E)"
        mine.query("rollback to s")
        mine.query("commit")
        other.query("set my.tenant = 'other'")
        assert mine.value("select current_setting('my.tenant', true)") == "mine"


def extended(sql):
    return m.P("", sql) + m.B() + m.E() + m.S


# Prepared by SQL, where the server alone knows what the name stands for; then run and dropped. Which messages are extended.
RUNS = {"EXECUTE": "execute p", "EXPLAIN ANALYZE EXECUTE": "explain analyze execute p",
        "CREATE TABLE AS EXECUTE": "create temporary table t as execute p; drop table t",
        "CREATE TABLE AS EXECUTE, alone": "create table kept as execute p"}


@pytest.mark.parametrize("setting", ["work_mem", "my.tenant"])
@pytest.mark.parametrize("way", ["eee", "ese", "ees", "block"])
@pytest.mark.parametrize("run", RUNS)
def test_what_a_statement_prepared_by_sql_sets_is_its_clients_alone(cluster, start, setting, way, run):
    endpoint = start(max_size=1, audit_every=0)
    texts = [f"prepare p as select set_config('{setting}', '3MB', false)", *RUNS[run].split("; "), "deallocate p"]
    modes = {"eee": "e" * 9, "ese": "es" + "e" * 9, "ees": "e" * (len(texts) - 1) + "s", "block": "e" * 9}[way]
    with endpoint.wire() as mine, endpoint.wire() as other:
        if way == "block":
            mine.query("begin")
        for text, mode in zip(texts, modes):
            assert "E(" not in mine.ask(extended(text) if mode == "e" else m.Q(text)), text
        if way == "block":
            mine.query("commit")
        if "kept" in RUNS[run]:
            mine.query("drop table kept")
        assert_defaults(other)
        assert show(mine, setting) == "3MB"


def test_set_local_and_savepoints(endpoint):
    with endpoint.wire() as mine, endpoint.wire() as other:
        mine.query("begin")
        mine.query("set local work_mem to '3MB'")
        assert mine.value("show work_mem") == "3MB"
        mine.query("commit")
        assert_defaults(other)
        assert_defaults(mine)
        mine.query("begin")
        mine.query("set work_mem to '2MB'")
        mine.query("savepoint a")
        mine.query("set work_mem to '3MB'")
        mine.query("rollback to a")
        mine.query("commit")
        assert_defaults(other)
        assert mine.value("show work_mem") == "2MB"


def test_a_set_that_fails_changes_nothing(endpoint):
    with endpoint.wire() as mine, endpoint.wire() as other:
        mine.query("set work_mem to '2MB'")
        assert mine.ask(m.Q("set work_mem to 'many'")) == "E(22023) Z(I)"
        assert mine.ask(m.Q("set log_statement to 'all'")) == "E(42501) Z(I)"
        assert_defaults(other)
        assert mine.value("show work_mem") == "2MB"


def test_two_time_zones_in_turn(endpoint):
    """Each statement lands on the other client's backend; each always sees its own."""
    with endpoint.wire(params=[("TimeZone", "Asia/Tokyo")]) as first, endpoint.wire() as second:
        second.query("set timezone to 'America/Lima'")
        for _ in range(repetitions(300, least=50)):
            assert first.value("show timezone") == "Asia/Tokyo"
            assert second.value("show timezone") == "America/Lima"


def test_a_search_path_stays_byte_identical(endpoint):
    """A known bug elsewhere: quotes grew each time the value was applied again."""
    with endpoint.wire() as mine, endpoint.wire() as other:
        mine.query("""set search_path to 'a b', '"x"', 'C''d'""")
        value = mine.value("show search_path")
        for _ in range(repetitions(200, least=30)):
            assert other.value("show search_path") == '"$user", public'
            assert mine.value("show search_path") == value


def test_the_client_hears_of_parameters_exactly_when_its_own_change(endpoint):
    with endpoint.wire() as mine, endpoint.wire() as other:
        assert mine.ask(m.Q("set timezone to 'Asia/Tokyo'")) == "C(SET) S(TimeZone=Asia/Tokyo) Z(I)"
        for _ in range(3):
            assert other.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"
            assert mine.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"
        assert mine.ask(m.Q("set timezone to 'Asia/Tokyo'")) in ("C(SET) Z(I)", "C(SET) S(TimeZone=Asia/Tokyo) Z(I)")
        assert other.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"


def test_settings_and_prepared_statements_together(endpoint):
    """What must be applied and what must be parsed go out before the same first statement."""
    with endpoint.wire() as mine, endpoint.wire() as other:
        mine.query("set my.tenant to 't1'")
        other.query("set my.tenant to 't2'")
        for wire in (mine, other):
            assert wire.ask(m.P("s", "select current_setting('my.tenant') || $1") + m.S) == "1 Z(I)"
        for _ in range(20):
            assert mine.ask(m.B("", "s", ("!",)) + m.E() + m.S) == "2 D(t1!) C(SELECT 1) Z(I)"
            assert other.ask(m.B("", "s", ("!",)) + m.E() + m.S) == "2 D(t2!) C(SELECT 1) Z(I)"


def test_search_path_decides_what_a_statement_means(endpoint, admin):
    """Two clients prepare one text; the tables that it names are different ones."""
    with admin.cursor() as cursor:
        for schema in ("sa", "sb"):
            cursor.execute(f"create schema {schema} authorization app; create table {schema}.t (v text);"
                           f"alter table {schema}.t owner to app; insert into {schema}.t values ('{schema}')")
    try:
        with endpoint.wire(params=[("search_path", "sa")]) as mine, endpoint.wire() as other:
            other.query("set search_path to sb")
            for wire in (mine, other):
                assert wire.ask(m.P("s", "select * from t") + m.S) == "1 Z(I)"
            for _ in range(5):
                assert mine.ask(m.B("", "s") + m.E() + m.S) == "2 D(sa) C(SELECT 1) Z(I)"
                assert other.ask(m.B("", "s") + m.E() + m.S) == "2 D(sb) C(SELECT 1) Z(I)"
    finally:
        with admin.cursor() as cursor:
            cursor.execute("drop schema sa cascade; drop schema sb cascade")


def test_a_reload_of_the_server_reaches_clients_of_idle_backends(own_cluster, start):
    """E05, F3: ParameterStatus may arrive at any time, on an idle backend too."""
    proxy = start(own_cluster, max_size=1)
    with proxy.wire() as wire:
        assert wire.value("show timezone") == "UTC"
        own_cluster.execute("alter system set timezone to 'Asia/Tokyo'")
        own_cluster.execute("select pg_reload_conf()")
        until(lambda: wire.value("show timezone") == "Asia/Tokyo", "the server's new value")
        until(lambda: (wire.query("select 1"), wire.parameters["TimeZone"])[1] == "Asia/Tokyo", "the client heard it")


# --- Defaults of roles and databases

@pytest.fixture
def defaults(cluster):
    yield lambda what: cluster.execute(what, "app")
    cluster.execute("alter role app reset all; alter database app reset all; "
                    "alter role app in database app reset all", "app")


@pytest.mark.own
@pytest.mark.parametrize("whose", ["role app", "database app", "role app in database app"])
def test_a_new_default_reaches_the_next_client_and_not_what_a_client_has_set(start, defaults, whose):
    endpoint = start(max_size=1)
    with endpoint.wire(params=[("options", "-c lock_timeout=7s")]) as brought, endpoint.wire() as own:
        assert brought.value("show lock_timeout") == "7s"
        assert own.ask(m.Q("set lock_timeout to '8s'")) == "C(SET) Z(I)"
        defaults(f"alter {whose} set lock_timeout to '9s'")
        # Done on a direct connection: backends that are opened from here on have it.
        with endpoint.wire() as wire:
            backend = wire.value("select pg_backend_pid()")
            wire.send(m.Q(f"select pg_terminate_backend({backend})"))
            while wire.receive().kind != "EOF":
                pass
        with endpoint.wire() as fresh:
            assert fresh.value("show lock_timeout") == "9s"
        assert brought.value("show lock_timeout") == "7s"
        assert own.value("show lock_timeout") == "8s"


# --- What it costs

@pytest.fixture
def relayed(start, cluster):
    """One backend behind a relay that counts."""
    with Relay(cluster.host, cluster.port) as relay:
        yield start(max_size=1, audit_every=0, role_check_interval="0s",
                    changes={"databases": {"app": {"port": relay.port}}}), relay


def rest(endpoint, wire):
    """Until pgweir has asked what it wants to know of a database."""
    for _ in range(2):
        wire.value("select 1")
        until(lambda: endpoint.metric("pgweir_backends", database="app", state="borrowed") == 0, "the backend back")


@pytest.mark.own
def test_settings_go_out_in_the_same_write_as_the_next_statement(relayed):
    endpoint, relay = relayed
    with endpoint.wire() as first, endpoint.wire() as second:
        rest(endpoint, first)
        for wire, size in ((first, "3MB"), (second, "5MB")):
            assert wire.ask(m.Q(f"set work_mem to '{size}'")) == "C(SET) Z(I)"
            assert wire.ask(m.Q(f"set my.tenant to '{size}'")) == "C(SET) Z(I)"
        relay.take_flights()
        for wire, size in ((first, "3MB"), (second, "5MB"), (first, "3MB")):
            assert wire.value("select current_setting('work_mem') || current_setting('my.tenant')") == size + size
            flights = relay.take_flights()
            assert len(flights) == 1, flights
            assert b"set_config" in flights[0] and b"select current_setting" in flights[0], flights


@pytest.mark.own
def test_a_backend_that_has_them_already_is_told_nothing(relayed):
    endpoint, relay = relayed
    params = [("options", "-c work_mem=3MB -c my.tenant=t")]
    with endpoint.wire(params=params) as first, endpoint.wire(params=params) as second:
        assert first.value("show work_mem") == "3MB"
        rest(endpoint, first)
        applied = endpoint.metric("pgweir_settings_applied_total")
        relay.take_flights()
        for wire in (second, first, second):
            assert wire.value("show my.tenant") == "t"
            assert relay.take_flights() == [m.Q("show my.tenant")]
        assert endpoint.metric("pgweir_settings_applied_total") == applied


# --- When the backend refuses them

@pytest.mark.parametrize("max_size", [1, 2])
def test_a_refused_setting_lets_no_statement_run_under_another_clients(start, max_size):
    """temp_buffers, after the backend has had temporary tables. The statement used to run as the last client's tenant
    while the refusal was still on its way."""
    endpoint = start(max_size=max_size)
    with endpoint.wire() as tenant_a, endpoint.wire() as tenant_b:
        assert tenant_b.ask(m.Q("set temp_buffers to '16MB'")) == "C(SET) Z(I)"
        assert tenant_b.ask(m.Q("set my.tenant to 'b'")) == "C(SET) Z(I)"
        for sql in ("set my.tenant to 'a'", "create temp table t(a int)", "insert into t values (1)", "drop table t"):
            assert tenant_a.ask(m.Q(sql)).endswith("Z(I)")
        assert tenant_b.value("show my.tenant") == "b"
        assert tenant_b.value("show temp_buffers") == "16MB"
        assert tenant_a.value("show my.tenant") == "a"


@pytest.fixture
def boss(cluster):
    """A role of app's that may set what app may not."""
    cluster.execute("create role boss superuser; grant boss to app")
    yield "boss"
    cluster.execute("drop role boss")


@pytest.mark.parametrize("keeps_role", [True, False])
def test_what_only_another_role_may_set_follows_and_is_taken_back(start, boss, keeps_role):
    """Its client was closed, or the next one that got the same backend."""
    endpoint = start(max_size=1)
    with endpoint.wire() as owner, endpoint.wire() as other:
        owner.query(f"set role {boss}")
        owner.query("set session_replication_role to replica")
        owner.query("set work_mem to '3MB'")
        if not keeps_role:
            owner.query("reset role")
        for _ in range(3):
            assert other.value("show session_replication_role") == "origin"
            assert other.value("select current_user") == "app"
            assert other.value("show work_mem") == "4MB"
            assert owner.value("show session_replication_role") == "replica"
            assert owner.value("select current_user") == (boss if keeps_role else "app")
            assert owner.value("show work_mem") == "3MB"
        if endpoint.kind == "pgweir":
            assert endpoint.metric("pgweir_backend_closes_total") == 0


def test_what_nobody_may_set_any_more_closes_its_client(start, boss, cluster):
    endpoint = start(max_size=1)
    with endpoint.wire() as owner, endpoint.wire() as other:
        owner.query(f"set role {boss}")
        owner.query("set session_replication_role to replica")
        owner.query("reset role")
        assert other.value("show session_replication_role") == "origin"
        cluster.execute("revoke boss from app")
        if endpoint.kind == "pgweir":
            owner.send(m.Q("select 1"))
            assert owner.until_eof()[0].sqlstate == "42501"
        assert other.value("show session_replication_role") == "origin"


BEHIND_DISCARD_ALL = {
    "a second one": (["discard all", "discard all", "show work_mem"],
                     "C(DISCARD ALL) 1 2 C(DISCARD ALL) 1 2 D(3MB) C(SHOW)"),
    "VACUUM": (["discard all", "vacuum behind_discard_all", "show work_mem"], "C(DISCARD ALL) 1 2 C(VACUUM) 1 2 D(3MB) C(SHOW)"),
    "what sees the settings": (["discard all", "show work_mem"], "C(DISCARD ALL) 1 2 D(3MB) C(SHOW)"),
    "an error": (["discard all", "select 1/0", "show work_mem"], "C(DISCARD ALL) 1 E(22012)"),
    "its own error": (["select 1", "discard all", "show work_mem"], "D(1) C(SELECT 1) 1 2 E(25001)"),
}


@pytest.mark.parametrize("delivery", ["one write", "with Flush", "byte by byte"])
@pytest.mark.parametrize("case", BEHIND_DISCARD_ALL)
def test_a_pipeline_goes_on_behind_discard_all(start, case, delivery):
    """By a client with startup parameters: they are restored where nothing of the client's can notice."""
    statements, expected = BEHIND_DISCARD_ALL[case]
    endpoint = start(max_size=1)
    each = [m.P("", sql) + m.B() + m.E() + (m.H if delivery == "with Flush" else b"") for sql in statements]
    with endpoint.wire(params=[("options", "-c work_mem=3MB")]) as wire, endpoint.wire() as other:
        wire.query("create table behind_discard_all()")
        for _ in range(2):
            wire.query("set work_mem to '5MB'")
            if delivery == "with Flush":
                for message in each:
                    wire.send(message)
                wire.send(m.S)
            else:
                wire.send(b"".join(each) + m.S, "bytes" if delivery == "byte by byte" else "whole")
            heard = " ".join(str(message) for message in wire.until_ready())
            assert heard == f"1 2 {expected} Z(I)"
            after = "5MB" if case == "its own error" else "3MB"
            assert wire.value("show work_mem") == after
            assert other.value("show work_mem") == "4MB"
        wire.query("drop table behind_discard_all")


@pytest.mark.parametrize("resets", ["reset timezone", "reset all", "set timezone to default", "set time zone local", "reset app.tenant"])
def test_what_restores_a_startup_setting_takes_no_snapshot(cluster, shared, resets):
    """It stands behind the client's RESET, which may come before the first query of its transaction."""
    heard = []
    for endpoint in (Direct(cluster), shared("one", max_size=1)):
        with endpoint.wire(params=[("TimeZone", "Europe/Paris"), ("work_mem", "3MB"), ("app.tenant", "7")]) as wire:
            each = ["begin", resets, "set transaction isolation level serializable", "show timezone", "show app.tenant", "rollback"]
            heard.append([wire.ask(m.Q(sql)) for sql in each])
            heard[-1] += [wire.ask(m.P("", sql) + m.B() + m.E() + m.S) for sql in each]
    assert heard[0] == heard[1]


@pytest.mark.parametrize("mine, theirs", [("ISO", "SQL, DMY"), ("ISO", "ISO, DMY"), ("DMY", "German")])
def test_half_a_date_style_at_startup_has_the_servers_other_half(cluster, shared, mine, theirs):
    """pgjdbc brings `ISO`."""
    shown = "select current_setting('datestyle') || ' ' || '01/02/2026'::date"
    pooled = shared("one", max_size=1)
    with pooled.wire() as other:
        other.query(f"set datestyle to '{theirs}'")
        with Direct(cluster).wire(params=[("DateStyle", mine)]) as direct, pooled.wire(params=[("DateStyle", mine)]) as wire:
            assert wire.value(shown) == direct.value(shown)
            other.query("select 1")
            assert wire.value(shown) == direct.value(shown)


# Commands that commit at once what ran before them in the same pipeline, whatever fails before its Sync.
AT_ONCE = {
    "DISCARD ALL": ["discard all"],
    "DISCARD ALL after a SET": ["set work_mem to '5MB'", "discard all"],
    "VACUUM after a SET": ["set work_mem to '5MB'", "vacuum at_once"],
    "CREATE INDEX CONCURRENTLY after a SET": ["set work_mem to '5MB'", "create index concurrently on at_once (a)"],
    "CREATE INDEX after a SET": ["set work_mem to '5MB'", "create index on at_once (a)"],
    "ALTER TABLE after a RESET": ["reset work_mem", "alter table at_once add b int"],
}


@pytest.mark.parametrize("way", AT_ONCE)
def test_what_a_pipeline_has_committed_stays_when_it_fails_later(cluster, shared, way):
    pooled = shared("one", max_size=1)
    seen = []
    for endpoint in (Direct(cluster), pooled):
        with endpoint.wire() as client, pooled.wire() as other:
            client.query("drop table if exists at_once; create table at_once (a int)")
            client.query("set work_mem to '3MB'")
            client.ask(b"".join(m.P("", sql) + m.B() + m.E() for sql in [*AT_ONCE[way], "select 1/0"]) + m.S)
            other.query("set work_mem to '7MB'")  # on the same connection, where there is a pool
            seen.append(client.value("show work_mem"))
            client.query("drop table at_once")
    assert seen[1] == seen[0]
