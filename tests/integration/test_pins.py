"""A session keeps its backend only while it really must, for a reason that can be seen."""

import psycopg2
import pytest

from harness import messages as m
from harness.waiting import until

# What is done, the reason, what undoes it.
PINS = {
    "temporary table": ("create temp table pinned(a int)", "temporary_object", "drop table pinned"),
    "temporary view": ("create temp view pinned as select 1", "temporary_object", "drop view pinned"),
    "temporary sequence": ("create temp sequence pinned", "temporary_object", "discard temp"),
    "temporary function": ("create function pg_temp.pinned() returns int language sql return 1", "temporary_object",
                           "drop function pg_temp.pinned()"),
    "temporary type": ("create type pg_temp.pinned as enum ('a')", "temporary_object", "drop type pg_temp.pinned"),
    "SELECT INTO": ("select 1 as a into temp pinned", "temporary_object", "discard all"),
    "search_path": ("set search_path to pg_temp; create table pinned(a int)", "temporary_object",
                    "drop table pinned; reset search_path"),
    "search_path, in capitals": ("set search_path to PG_TEMP; create table pinned(a int)", "temporary_object",
                                 "drop table pinned; reset search_path"),
    "search_path by a function": ("select set_config('search_path', 'Pg_Temp', false); create table pinned(a int)",
                                  "temporary_object", "drop table pinned; reset search_path"),
    "search_path by the same message": ("select 1, set_config('search_path', 'pg_temp', false);create table pinned(a int)",
                                        "temporary_object", "drop table pinned; reset search_path"),
    "search_path by a row of settings": ("update pg_settings set setting = 'pg_temp' where name = 'search_path';"
                                         "create table pinned(a int)", "temporary_object",
                                         "drop table pinned; reset search_path"),
    "temporary table by an escaped name": ('create table U&"pg\\005ftemp".pinned(a int)', "temporary_object",
                                           "drop table pinned"),
    "advisory lock by an escaped name": ("select U&\"pg!005fadvisory_lock\" uescape '!' (1)", "advisory_lock",
                                         "select pg_advisory_unlock(1)"),
    "advisory lock": ("select pg_advisory_lock(1)", "advisory_lock", "select pg_advisory_unlock(1)"),
    "shared advisory lock": ("select pg_try_advisory_lock_shared(1)", "advisory_lock",
                             "select pg_advisory_unlock_shared(1)"),
    "advisory lock, taken twice": ("select pg_advisory_lock(1), pg_advisory_lock(1)", "advisory_lock",
                                   "select pg_advisory_unlock(1), pg_advisory_unlock(1)"),
    "all advisory locks": ("select pg_advisory_lock(1), pg_advisory_lock(2)", "advisory_lock",
                           "select pg_advisory_unlock_all()"),
    "cursor": ("begin; declare pinned cursor with hold for select 1; commit", "holdable_cursor", "close pinned"),
    "all cursors": ("begin; declare pinned cursor with hold for select 1; commit", "holdable_cursor", "close all"),
    "PREPARE in a DO block": ("do $$ begin execute 'prepare pinned as select 1'; end $$", "sql_prepare",
                              "deallocate pinned"),
    "LISTEN in a DO block": ("do $$ begin listen pinned; end $$", "listen", "do $$ begin unlisten pinned; end $$"),
    "in a DO block": ("do $$ begin create temp table pinned(a int); end $$", "temporary_object", "drop table pinned"),
    "dropped in a DO block": ("create temp table pinned(a int)", "temporary_object",
                              "do $$ begin drop table pinned; end $$"),
}

NO_PINS = {
    "dropped in its transaction": "begin; create temp table pinned(a int); drop table pinned; commit",
    "dropped by its commit": "begin; create temp table pinned(a int) on commit drop; commit",
    "rolled back": "begin; create temp table pinned(a int); rollback",
    "behind a savepoint": "begin; savepoint s; create temp table pinned(a int); rollback to s; commit",
    "a failed statement": "create temp table pinned(a no_such_type)",
    "a lock of the transaction": "select pg_advisory_xact_lock(1)",
    "locked and unlocked": "begin; select pg_advisory_lock(1); select pg_advisory_unlock(1); commit",
    "a cursor of the transaction": "begin; declare pinned cursor for select 1; commit",
    "nextval": "select nextval('pins')",
    "SET": "set work_mem to '3MB'; reset work_mem",
    "PREPARE": "prepare pinned as select 1",
    "a literal": "select 'create temp table', 'pg_advisory_lock(1)'",
}


@pytest.fixture(scope="module", autouse=True)
def sequence(cluster):
    cluster.execute("create sequence pins", "app")
    cluster.execute("grant all on sequence pins to public", "app")
    yield
    cluster.execute("drop sequence pins", "app")


@pytest.fixture
def proxy(shared):
    return shared("pins", max_size=2)


def pinned(proxy, reason):
    return proxy.metric("pgweir_pinned_sessions", database="app", reason=reason)


def run(wire, sql):
    """As separate messages, because a string is one transaction."""
    for statement in [sql] if "$$" in sql else sql.split("; "):
        wire.ask(m.Q(statement))


@pytest.mark.own
@pytest.mark.parametrize("name", PINS)
def test_pinned_while_it_lasts(proxy, name):
    make, reason, undo = PINS[name]
    before = proxy.metric("pgweir_pins_total", database="app", reason=reason)
    ended = proxy.metric("pgweir_pin_seconds_count", database="app")
    with proxy.wire() as wire:
        run(wire, make)
        until(lambda: pinned(proxy, reason) == 1, f"a pin for {reason}")
        assert proxy.metric("pgweir_pins_total", database="app", reason=reason) == before + 1
        backend = wire.value("select pg_backend_pid()")
        assert [wire.value("select pg_backend_pid()") for _ in range(3)] == [backend] * 3
        run(wire, undo)
        until(lambda: pinned(proxy, reason) == 0, "the end of the pin")
    assert proxy.metric("pgweir_pin_seconds_count", database="app") == ended + 1
    assert any(f'"reason": "{reason}"' in line or f'"reason":"{reason}"' in line
               for line in proxy.log_text().splitlines() if "session_pinned" in line)


@pytest.mark.own
def test_a_temporary_table_by_the_default_search_path(start, cluster):
    """Nobody has set it: it comes with the login."""
    cluster.execute("alter role app set search_path = pg_temp, public")
    try:
        proxy = start(max_size=2)
        with proxy.wire() as wire:
            wire.query("create table pinned as select 'mine' as a")
            until(lambda: pinned(proxy, "temporary_object") == 1, "a pin for the table")
            with proxy.wire() as other:
                assert other.ask(m.Q("select a from pinned")).startswith("E(42P01)")
            wire.query("drop table pinned")
            until(lambda: pinned(proxy, "temporary_object") == 0, "the end of the pin")
    finally:
        cluster.execute("alter role app reset search_path")


@pytest.mark.own
def test_a_trigger_that_comes_after_others_were_looked_at(start, cluster):
    """Its function has been there before, so that nothing but the trigger is new."""
    cluster.execute("create table locked(a int); alter table locked owner to app; create function locking() returns trigger"
                    " language plpgsql as $$ begin perform pg_advisory_lock(4713); return new; end $$", "app")
    try:
        proxy = start(max_size=2)
        with proxy.wire() as wire:
            wire.query("insert into locked values (1)")
            wire.query("create trigger locking before insert on locked for each row execute function locking()")
            wire.query("insert into locked values (2)")
            until(lambda: pinned(proxy, "advisory_lock") == 1, "a pin for the lock")
    finally:
        cluster.execute("drop table locked; drop function locking()", "app")


@pytest.mark.own
def test_a_cursor_is_closed_by_a_message_as_well(proxy):
    """libpq's PQclosePortal."""
    with proxy.wire() as wire:
        run(wire, "begin; declare pinned cursor with hold for select 1; commit")
        until(lambda: pinned(proxy, "holdable_cursor") == 1, "a pin for the cursor")
        assert wire.ask(m.CP("pinned") + m.S) == "3 Z(I)"
        until(lambda: pinned(proxy, "holdable_cursor") == 0, "the end of the pin")


@pytest.mark.own
@pytest.mark.parametrize("name", NO_PINS)
def test_not_pinned(proxy, name):
    before = proxy.metric("pgweir_pins_total", database="app")
    with proxy.wire() as wire, proxy.wire() as other:
        run(wire, NO_PINS[name])
        assert other.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"
        until(lambda: proxy.metric("pgweir_backends", database="app", state="borrowed") == 0, "the backend back")
    assert proxy.metric("pgweir_pins_total", database="app") == before


@pytest.mark.own
def test_the_log_has_no_literal_and_no_name(proxy):
    with proxy.wire() as wire:
        run(wire, "create temp table secret_name as select 'secret literal'")
        until(lambda: pinned(proxy, "temporary_object") == 1, "the pin")
    lines = [line for line in proxy.log_text().splitlines() if "session_pinned" in line]
    assert "CREATE TEMP TABLE" in lines[-1]
    assert not any("secret" in line for line in lines)


@pytest.mark.own
def test_a_notice_tells_the_client(start):
    proxy = start(max_size=1, pin_notice=True)
    with proxy.wire() as wire:
        wire.ask(m.Q("select pg_advisory_lock(1)"))
        heard = wire.receive()
        assert heard.kind == "N" and "advisory lock" in heard.fields()["M"]


@pytest.mark.own
def test_sequence_values_are_never_another_clients(start):
    proxy = start(max_size=1)
    with proxy.wire() as first, proxy.wire() as second:
        first.ask(m.Q("select nextval('pins')"))
        assert second.ask(m.Q("select currval('pins')")).endswith("E(55000) Z(I)")
        assert second.ask(m.Q("select lastval()")).endswith("E(55000) Z(I)")
        # The pool has learned: from now on whoever takes a value keeps its backend.
        value = first.value("select nextval('pins')")
        until(lambda: pinned(proxy, "sequence_value") == 1, "the pin")
        assert first.value("select currval('pins')") == value
        assert first.ask(m.Q("discard sequences")) == "C(DISCARD SEQUENCES) Z(I)"
        assert second.ask(m.Q("select lastval()")).endswith("E(55000) Z(I)")


@pytest.mark.own
def test_an_older_value_is_not_shown_as_the_last(start):
    """A pool that has not learnt lets a client take values on several connections; only one has the last."""
    proxy = start(max_size=2)
    with proxy.wire() as client, proxy.wire() as second, proxy.wire() as third:
        holders = {}
        for holder in (second, third):
            holder.ask(m.Q("begin"))
            holders[holder.value("select pg_backend_pid()")] = holder
        one, other = holders
        for free in (one, other):
            holders[free].ask(m.Q("rollback"))
            assert client.value("select pg_backend_pid() from (select nextval('pins')) as taken") == free
            holders[free].ask(m.Q("begin; select 1"))
        holders[one].ask(m.Q("rollback"))
        assert client.ask(m.Q("select lastval()")).endswith("E(55000) Z(I)")


@pytest.mark.own
def test_a_value_that_has_been_asked_for_stays(start):
    proxy = start(max_size=2)
    with proxy.wire() as first, proxy.wire() as second:
        value = first.value("select nextval('pins')")
        assert first.value("select currval('pins')") == value
        for _ in range(3):
            second.query("select nextval('pins')")
            assert first.value("select currval('pins')") == value


@pytest.mark.own
@pytest.mark.parametrize("statement", ["select setval('pins', 40)", "select nextval('pins')"])
def test_a_value_that_is_taken_behind_a_discard_in_one_string_is_kept(start, statement):
    """lastval() does not show what setval() has set, so that it cannot tell whether there is a value."""
    proxy = start(max_size=1, sequence_values="pin")
    with proxy.wire() as first, proxy.wire() as second:
        first.ask(m.Q(f"discard sequences; set work_mem = '5MB'; {statement}"))
        assert first.value("select currval('pins')")
        until(lambda: pinned(proxy, "sequence_value") == 1, "the pin")
        assert first.ask(m.Q("discard sequences")) == "C(DISCARD SEQUENCES) Z(I)"
        assert second.ask(m.Q("select lastval()")).endswith("E(55000) Z(I)")


@pytest.mark.own
def test_a_value_that_a_function_has_set_is_never_another_clients(cluster, start):
    cluster.execute("create or replace function set_pins() returns void language plpgsql as $$ begin "
                    "perform setval('pins', 41); end $$", "app")
    proxy = start(max_size=1, sequence_values="pin", audit_every=0)
    with proxy.wire() as first, proxy.wire() as second:
        for _ in range(3):
            first.ask(m.Q("select set_pins()"))
            assert second.ask(m.Q("select currval('pins')")).endswith("E(55000) Z(I)")


@pytest.mark.own
@pytest.mark.parametrize("seeding", ["set seed to 0.5", "select setseed(0.5)", "do $$ begin perform setseed(0.5); end $$"])
def test_a_seed_is_its_clients_alone(start, seeding):
    """RESET refuses it from PostgreSQL 18 on; it restarts random(), which nobody can replay."""
    proxy = start(max_size=2)
    with proxy.wire() as first, proxy.wire() as second:
        assert not first.ask(m.Q(seeding)).startswith("E")
        until(lambda: pinned(proxy, "session_function") == 1, "the pin")
        assert second.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"
        numbers = [first.value("select random()") for _ in range(3)]
        assert first.ask(m.Q("select setseed(0.5)")).endswith("Z(I)")
        assert [first.value("select random()") for _ in range(3)] == numbers


@pytest.mark.own
def test_sequence_values_pin_from_the_start(start):
    proxy = start(max_size=2, sequence_values="pin")
    with proxy.wire() as first, proxy.wire() as second:
        value = first.value("select nextval('pins')")
        assert second.value("select nextval('pins')") != value
        assert first.value("select currval('pins')") == value


@pytest.mark.own
@pytest.mark.parametrize("setting", ["work_mem to '3MB'", "session authorization app", "role app", "role none"])
def test_an_audit_of_clean_backends_finds_nothing(start, setting):
    proxy = start(max_size=1, audit_every=1)
    with proxy.wire() as wire:
        assert wire.ask(m.Q(f"set {setting}")) == "C(SET) Z(I)"
        assert wire.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"
        until(lambda: proxy.metric("pgweir_audits_total", database="app") >= 2, "audits")
        assert proxy.metric("pgweir_audit_findings_total", database="app") == 0


@pytest.fixture
def blind_spot(cluster):
    """A function that is changed where pgweir cannot see it is judged by its old source for up to a minute: what it
    leaves until then only an audit finds."""
    def replace(body):
        cluster.execute(f"create or replace function blind_spot() returns bool language sql as '{body}'", "app")

    replace("select true")
    yield lambda: replace("select pg_try_advisory_lock(4712)")
    cluster.execute("drop function blind_spot()", "app")


@pytest.mark.own
@pytest.mark.parametrize("close", [True, False], ids=["closing", "counting"])
def test_an_audit_finds_what_nobody_has_seen(start, blind_spot, close):
    proxy = start(max_size=1, audit_every=1, audit_close=close)
    with proxy.wire() as wire:
        backend = wire.value("select pg_backend_pid()")
        assert wire.ask(m.Q("select blind_spot()")) == "T D(t) C(SELECT 1) Z(I)"
        until(lambda: proxy.metric("pgweir_audits_total", database="app") >= 1, "its source has been read")
        blind_spot()
        assert wire.ask(m.Q("select blind_spot()")) == "T D(t) C(SELECT 1) Z(I)"
        until(lambda: proxy.metric("pgweir_audit_findings_total", database="app") == 1, "the finding")
        assert (wire.value("select pg_backend_pid()") != backend) == close
    assert any("audit_finding" in line and "advisory_lock" in line for line in proxy.log_text().splitlines())


# What the server does not show, by a function of an extension and by a text that is put together.
HIDDEN = {"isn_weak": ("select isn_weak(true)", "select isn_weak()", "f"),
          "setseed by a text": ("select seed_by_text(0.5)", "select random() = 0.9851677175347999", "f")}


@pytest.mark.parametrize("way", HIDDEN)
def test_isn_weak_and_setseed_by_a_text_pin(cluster, start, way):
    cluster.execute("create extension if not exists isn", "app")
    cluster.execute("create or replace function seed_by_text(f float8) returns void language plpgsql as $$ begin "
                    "execute format('select setseed(%s)', f); end $$", "app")
    act, probe, clean = HIDDEN[way]
    endpoint = start(max_size=2, audit_every=0)
    with endpoint.wire() as mine:
        mine.query(act)
        until(lambda: pinned(endpoint, "session_function") == 1, "the client is pinned")
        for _ in range(3):
            with endpoint.wire() as other:
                assert other.value(probe) == clean
    with endpoint.wire() as other:
        assert other.value(probe) == clean


# What keeps a value in a variable of the language, and what asks for it there.
GLOBALS = {"plperl": ("$_SHARED{tenant} = $_[0]; return $_SHARED{tenant};", "return $_SHARED{tenant};"),
           "plpython3u": ("GD['tenant'] = value\nreturn value", "return GD.get('tenant')"),
           "pltcl": ("global tenant; set tenant $1; return $tenant",
                     "global tenant; if {[info exists tenant]} {return $tenant} else {return_null}")}


@pytest.mark.parametrize("language", GLOBALS)
def test_a_variable_that_a_language_keeps_for_the_session_pins(cluster, start, language):
    put, get = GLOBALS[language]
    try:
        cluster.execute(f"create extension if not exists {language}", "app")
    except (psycopg2.errors.UndefinedFile, psycopg2.errors.FeatureNotSupported) as error:
        pytest.skip(f"this PostgreSQL cannot load it: {error}")
    cluster.execute(f"create or replace function keep_{language}(value text) returns text language {language} as $${put}$$", "app")
    cluster.execute(f"create or replace function kept_{language}() returns text language {language} as $${get}$$", "app")
    endpoint = start(max_size=2, audit_every=0)
    with endpoint.wire() as mine:
        assert mine.value(f"select keep_{language}('mine')") == "mine"
        until(lambda: pinned(endpoint, "session_function") == 1, "the client is pinned")
        for _ in range(3):
            with endpoint.wire() as other:
                assert other.value(f"select kept_{language}()") is None
        assert mine.value(f"select kept_{language}()") == "mine"
    with endpoint.wire() as other:
        assert other.value(f"select kept_{language}()") is None
