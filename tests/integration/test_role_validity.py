"""VALID UNTIL, NOLOGIN and DROP ROLE keep clients out, whatever server connections are still there (CVE-2025-2291)."""

import itertools

import psycopg2
import pytest

from harness import messages as m
from harness import tls
from harness.waiting import until
from harness.wire import LoginFailed, tls_context

pytestmark = pytest.mark.own

PASSWORD = "canary-2b7f91-mortal"
numbers = itertools.count()


@pytest.fixture
def role(cluster):
    name = f"mortal{next(numbers)}"
    cluster.execute(f"create role {name} login password '{PASSWORD}'")
    yield name
    if cluster.execute(f"select 1 from pg_roles where rolname = '{name}'"):
        cluster.execute(f"drop role {name}")


def changes(role, user=None, **pool):
    user = {"password": PASSWORD} if user is None else user
    return {"users": {role: user}, "databases": {"app": {"users": [role]}, "other": {"users": ["app"]}},
            "pool": {"role_check_interval": "1s", **pool}}


def answer(proxy, role, password=PASSWORD, **options):
    """None: it got in, and could work."""
    try:
        with proxy.wire(role, password=password, **options) as wire:
            assert wire.value("select current_user") == role
    except LoginFailed as failed:
        return failed.answer.sqlstate, failed.answer.text


def login(proxy, role):
    """The same of a login alone."""
    try:
        proxy.wire(role, password=PASSWORD).terminate()
    except LoginFailed as failed:
        return failed.answer.sqlstate, failed.answer.text


def refusal(role):
    return "28P01", f'password authentication failed for user "{role}"'


def until_refused(proxy, role):
    until(lambda: login(proxy, role) == refusal(role), "its clients are refused")


def until_admitted(proxy, role):
    until(lambda: answer(proxy, role) is None, "its clients are let in again")


def warm(proxy, role):
    return proxy.metric("pgweir_backends", database="app", user=role, state="idle")


def test_a_client_is_refused_once_the_time_is_over_although_the_pool_is_warm(start, cluster, role):
    """The server is asked beforehand, so that the moment itself is kept, not only the round of asking."""
    cluster.execute(f"do $$ begin execute format('alter role {role} valid until %L', now() + interval '2 s'); end $$")
    proxy = start(changes=changes(role, role_check_interval="1h"))
    old = proxy.wire(role, password=PASSWORD)
    assert old.value("select 1") == "1"
    until_refused(proxy, role)
    assert old.value("select 2") == "2", "who is in stays in"
    until(lambda: warm(proxy, role) >= 1, "the pool is warm")
    refused = [event for event in proxy.log_events() if event["event"] == "role_refused"]
    assert "expired" in refused[0]["problem"] and refused[0]["user"] == role
    assert PASSWORD not in proxy.log_text()
    old.terminate()


def test_the_steps_are_those_of_a_wrong_password(start, cluster, role):
    cluster.execute(f"alter role {role} valid until 'infinity'")
    proxy = start(changes=changes(role))
    assert answer(proxy, role) is None
    cluster.execute(f"alter role {role} valid until '2001-01-01'")
    until_refused(proxy, role)

    def heard(password):
        with proxy.socket() as wire:
            with pytest.raises(LoginFailed):
                wire.login(role, "app", password)
            return [str(message) for message in wire.heard], wire.heard[-1].body
    assert heard(PASSWORD) == heard("wrong")


@pytest.mark.parametrize("dead,alive", [
    ("valid until '2001-01-01'", "valid until '2999-01-01'"), ("valid until '-infinity'", "valid until 'infinity'"),
    ("nologin", "login")])
def test_alter_role_shuts_out_and_lets_in_again(start, cluster, role, dead, alive):
    proxy = start(changes=changes(role))
    assert answer(proxy, role) is None
    cluster.execute(f"alter role {role} {dead}")
    until_refused(proxy, role)
    until(lambda: warm(proxy, role) >= 1, "the pool is warm")
    cluster.execute(f"alter role {role} {alive}")
    until_admitted(proxy, role)


@pytest.mark.parametrize("end", ["drop role {}", "alter role {0} rename to {0}_old"])
def test_a_role_that_is_gone_lets_nobody_in(start, cluster, role, end):
    proxy = start(changes=changes(role))
    assert answer(proxy, role) is None
    cluster.execute(end.format(role))
    until_refused(proxy, role)
    until(lambda: warm(proxy, role) >= 1, "the pool is warm")
    cluster.execute(f"drop role if exists {role}_old")


def test_without_a_server_connection_the_server_decides(start, cluster, role):
    """There is nobody to ask then but by a login, so that what is known must not keep anybody out for ever."""
    proxy = start(changes=changes(role, min_size=0, idle_timeout="3s"))
    assert answer(proxy, role) is None
    cluster.execute(f"alter role {role} valid until '2001-01-01'")
    until_refused(proxy, role)
    until(lambda: proxy.metric("pgweir_backends", user=role) == 0, "the server connections are closed", timeout=20)
    assert login(proxy, role) == refusal(role)
    cluster.execute(f"alter role {role} valid until '2999-01-01'")
    until_admitted(proxy, role)
    until(lambda: warm(proxy, role) >= 1, "there is one again")


def test_a_pool_that_is_never_idle_asks_nevertheless(start, cluster, role):
    proxy = start(max_size=1, changes=changes(role))
    holders = [proxy.wire(role, password=PASSWORD) for _ in range(3)]
    cluster.execute(f"alter role {role} valid until '2001-01-01'")

    for wire in holders:
        wire.send(m.Q("select pg_sleep(0.05)"))

    def refused_under_load():
        for wire in holders:  # one has it, the others wait: it goes from hand to hand
            wire.until_ready()
            wire.send(m.Q("select pg_sleep(0.05)"))
        return login(proxy, role) == refusal(role)

    until(refused_under_load, "its clients are refused", timeout=20)
    for wire in holders:
        wire.until_ready()
        wire.terminate()


def answer_in_time(wire, sql):
    """The row that answers it; None where the client's own statement_timeout ended it."""
    wire.send(m.Q(sql))
    answers = wire.until_ready()
    errors = [each.sqlstate for each in answers if each.kind == "E"]
    assert errors in ([], ["57014"]), errors
    return None if errors else next(each.values() for each in answers if each.kind == "D")


def test_nothing_of_a_clients_is_in_force_when_the_server_is_asked(start, cluster, admin, role):
    """A search_path with a pg_roles and a date_part of its own, a role, and a timeout that would end the question."""
    with admin.cursor() as cursor:
        cursor.execute(f"""create schema {role}_trap; grant usage on schema {role}_trap to public; grant team to {role};
            create view {role}_trap.pg_roles as select '{role}'::name rolname, true rolcanlogin, null::timestamptz rolvaliduntil;
            grant select on {role}_trap.pg_roles to public;""")
    try:
        proxy = start(max_size=1, changes=changes(role))
        with proxy.wire(role, password=PASSWORD) as wire:
            wire.query(f"set search_path to {role}_trap, pg_catalog; set role team; set timezone to 'Asia/Tokyo'; set statement_timeout to 1")
            cluster.execute(f"alter role {role} valid until '2001-01-01'")
            until(lambda: login(proxy, role) == refusal(role), "its clients are refused")
            answers = until(lambda: answer_in_time(wire, "select current_setting('search_path'), current_user, current_setting('timezone')"),
                            "the client's own statement ends within its millisecond")
            assert answers == [f"{role}_trap, pg_catalog", "team", "Asia/Tokyo"]
    finally:
        with admin.cursor() as cursor:
            cursor.execute(f"drop schema {role}_trap cascade; revoke team from {role}")


def test_the_pools_size_holds_while_it_is_asked(start, cluster, watch, role):
    proxy = start(max_size=2, changes=changes(role, role_check_interval="100ms"))
    with watch(users=(role,)) as seen, proxy.wire(role, password=PASSWORD) as wire:
        for number in range(500):
            assert wire.value(f"select {number}") == str(number)
        assert wire.query("set application_name to 'kept'; select 1") == [["1"]]
        until(lambda: proxy.metric("pgweir_backends", user=role, state="idle") >= 1, "idle")
    assert seen.maximum <= 2, seen.worst


def test_asking_does_not_keep_a_server_connection_from_being_idle(start, cluster, watch, role):
    proxy = start(changes=changes(role, min_size=0, idle_timeout="2s", role_check_interval="200ms"))
    assert answer(proxy, role) is None
    with watch(users=(role,)) as seen:
        until(lambda: seen.count() == 0, "the server connection is closed for its idle time", timeout=20)


def test_a_verifier_in_the_file_is_no_way_around(start, cluster, role):
    stored, = cluster.execute(f"select rolpassword from pg_authid where rolname = '{role}'")[0]
    proxy = start(changes=changes(role, {"scram_verifier": stored}))
    assert answer(proxy, role) is None
    cluster.execute(f"alter role {role} valid until '2001-01-01'")
    until_refused(proxy, role)
    cluster.execute(f"alter role {role} valid until 'infinity'")
    until_admitted(proxy, role)


def test_a_certificate_has_no_end_but_the_role(start, cluster, certificates, role):
    """PostgreSQL looks at VALID UNTIL for passwords only."""
    pair = certificates.ca.client(f"shown-{role}", role)
    proxy = start(changes={**changes(role, {"password": PASSWORD, "certificate": role}),
                           **tls.listen(certificates.server, client_ca_file=certificates.ca.cert)})
    context = tls_context(certificates.ca.cert, client=pair)
    assert answer(proxy, role, tls=context) is None
    cluster.execute(f"alter role {role} valid until '2001-01-01'")
    until(lambda: '"role_changed"' in proxy.log_text(), "pgweir knows")
    assert answer(proxy, role, tls=context) is None
    cluster.execute(f"alter role {role} nologin")
    expected = "28000", f'role "{role}" is not permitted to log in'
    until(lambda: answer(proxy, role, tls=context) == expected, "it is refused")


def test_it_can_be_switched_off_and_on_by_a_reload(start, cluster, role):
    proxy = start(changes=changes(role, role_check_interval="0s"))
    cluster.execute(f"alter role {role} nologin")
    assert answer(proxy, role) is None
    proxy.reload({"pool": {"role_check_interval": "1s"}})
    until_refused(proxy, role)


def test_psycopg2_is_told_too(start, cluster, role):
    proxy = start(changes=changes(role))
    cluster.execute(f"alter role {role} valid until '2001-01-01'")
    until_refused(proxy, role)
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host=proxy.host, port=proxy.port, user=role, password=PASSWORD, dbname="app")


def test_clients_that_are_in_go_on_with_the_server_connections_that_there_are(start, cluster, role):
    """A login that the server refuses is no reason to send anybody away who can wait for one of those."""
    proxy = start(max_size=3, changes=changes(role, role_check_interval="0s", max_lifetime="0s", idle_timeout="0s"))
    holder, waiter = (proxy.wire(role, password=PASSWORD) for _ in range(2))
    holder.query("begin")
    cluster.execute(f"alter role {role} nologin")
    waiter.send(m.Q("select 1"))
    until(lambda: proxy.metric("pgweir_backend_logins_total", user=role, result="refused") >= 1, "another is refused")
    holder.query("commit")
    assert " ".join(str(x) for x in waiter.until_ready()) == "T D(1) C(SELECT 1) Z(I)"
    holder.terminate()
    waiter.terminate()


def test_what_the_server_said_to_one_client_keeps_out_the_next(start, cluster, role):
    """The pool has lost its connections before anybody was asked: the first client hears it from the server."""
    proxy = start(changes=changes(role, min_size=0, idle_timeout="100ms", role_check_interval="1h"))
    assert answer(proxy, role) is None
    cluster.execute(f"alter role {role} valid until '2001-01-01'")
    until(lambda: proxy.metric("pgweir_backends", user=role) == 0, "the server connection is closed", timeout=20)
    with proxy.wire(role, password=PASSWORD) as wire:
        wire.send(m.Q("select 1"))
        refused = wire.until_eof()[0]
        assert refused.sqlstate == "57P03" and "password authentication failed" in refused.text
    assert login(proxy, role) == refusal(role)
    cluster.execute(f"alter role {role} valid until 'infinity'")
    until_admitted(proxy, role)
