"""Users who are not in the file: they tell their password through TLS, and the server judges it."""

import itertools
import struct
import subprocess
import time

import psycopg2
import pytest

from harness import messages as m
from harness import tls
from harness.crowd import together
from harness.waiting import hold, repetitions, seconds, until
from harness.wire import EOF, LoginFailed, tls_context

pytestmark = pytest.mark.own

MARK = "canary-2b7f91"
numbers = itertools.count()


class Role:
    """A role of the server that no file names."""

    def __init__(self, cluster, name, password):
        self.cluster, self.name, self.password = cluster, name, password
        cluster.execute(f"create role {name} login password '{password}'")

    def alter(self, what):
        self.cluster.execute(f"alter role {self.name} {what}")

    def change_password(self, password):
        self.alter(f"password '{password}'")
        self.password = password

    def remove(self):
        if self.cluster.execute(f"select 1 from pg_roles where rolname = '{self.name}'"):
            self.cluster.execute(f"drop role {self.name}")


@pytest.fixture
def role(cluster):
    number = next(numbers)
    made = Role(cluster, f"pass{number}", f"{MARK}-pass{number}")
    yield made
    made.remove()


@pytest.fixture
def changes(certificates):
    def make(pass_through=None, **pool):
        passing = {"users": ["pass*", "ghost*"], **(pass_through or {})}
        return {**tls.listen(certificates.server), "databases": {"app": {"pass_through": passing}}, "pool": pool}
    return make


@pytest.fixture
def secure(certificates):
    return tls_context(certificates.ca.cert)


def answer(proxy, secure, name, password, database="app", query="select current_user"):
    """None: it got in, and is who it says."""
    try:
        with proxy.wire(name, database, password, tls=secure) as wire:
            if query:
                assert wire.value(query) == name
    except LoginFailed as failed:
        return failed.answer.sqlstate, failed.answer.text


def wrong(name):
    return "28P01", f'password authentication failed for user "{name}"'


def judged(proxy, result=None):
    events = [event for event in proxy.log_events() if event["event"] == "password_judged"]
    return [event for event in events if result in (None, event["result"])]


def test_the_servers_word_lets_in_and_keeps_out(start, changes, secure, role):
    proxy = start(changes=changes())
    assert answer(proxy, secure, role.name, "wrong") == wrong(role.name)
    assert proxy.metric("pgweir_pool_limit", user=role.name) == 0, "no pool, and no label, of an unproved name"
    assert answer(proxy, secure, role.name, role.password) is None
    assert answer(proxy, secure, role.name, role.password) is None
    assert len(judged(proxy, "right")) == 1, "the second time it was known"
    assert answer(proxy, secure, role.name, "") == wrong(role.name)
    assert answer(proxy, secure, role.name, role.password + "x") == wrong(role.name)
    assert proxy.metric("pgweir_pool_limit", user=role.name, limit="max_size") == 20
    assert MARK not in proxy.log_text() and MARK not in proxy.http("/metrics")[1]


def test_psql_and_psycopg2(start, changes, role, certificates):
    proxy = start(changes=changes())
    options = dict(host=proxy.host, port=proxy.port, user=role.name, dbname="app", sslmode="verify-ca",
                   sslrootcert=str(certificates.ca.cert))
    with psycopg2.connect(password=role.password, **options) as connection, connection.cursor() as cursor:
        cursor.execute("select current_user, 42")
        assert cursor.fetchone() == (role.name, 42)
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed for user"):
        psycopg2.connect(password="wrong", **options)
    url = f"postgresql://{role.name}:{role.password}@{proxy.host}:{proxy.port}/app?sslmode=require"
    done = subprocess.run(["psql", "-XAtc", "select session_user", url], capture_output=True, text=True, timeout=seconds(30))
    assert (done.stdout.strip(), done.returncode) == (role.name, 0), done.stderr


@pytest.mark.parametrize("how", ["whole", "halves", "bytes"])
def test_a_long_password_in_any_portions(start, changes, secure, role, how):
    role.change_password(MARK + "x" * 4096)
    proxy = start(changes=changes())
    with proxy.wire(role.name, password=role.password, tls=secure, how=how) as wire:
        assert wire.value("select current_user") == role.name
    assert answer(proxy, secure, role.name, role.password[:-1]) == wrong(role.name)


def test_in_plain_text_nobody_is_asked_for_a_password(start, changes, role):
    proxy = start(changes=changes())
    for name in (role.name, "ghost"):
        with proxy.socket() as wire:
            with pytest.raises(LoginFailed) as caught:
                wire.login(name, "app", role.password)
            assert caught.value.answer.sqlstate == "28000" and "SSL" in caught.value.answer.text
            assert [x.kind for x in wire.heard] == ["E"]


def test_who_is_in_no_pattern_takes_the_steps_of_a_wrong_password_as_ever(start, changes, secure):
    proxy = start(changes=changes())

    def heard(name, database="app"):
        wire = proxy.socket().start_tls(secure)
        with pytest.raises(LoginFailed):
            wire.login(name, database, "wrong")
        return [(x.kind, struct.unpack_from("!I", x.body)[0] if x.kind == "R" else x.sqlstate) for x in wire.heard]
    listed = heard("app")
    assert listed[0] == ("R", 10)
    assert heard("nobody") == listed
    assert heard("pass0", "other") == listed, "that database does not take such users"
    assert heard("ghost" + "x" * 60) == listed, "the server would cut the name"


def test_existing_and_missing_roles_take_the_same_steps(start, changes, secure, role):
    proxy = start(changes=changes())

    def heard(name):
        wire = proxy.socket().start_tls(secure)
        with pytest.raises(LoginFailed):
            wire.login(name, "app", "wrong")
        return [str(x) for x in wire.heard], wire.heard[-1].text.replace(name, "NAME")
    assert heard(role.name) == heard("ghost") == (["R(3)", "E(FATAL 28P01)"], 'password authentication failed for user "NAME"')


def test_a_user_of_the_file_goes_by_the_file(start, changes, secure, cluster):
    """Whatever the patterns say; and the console's users have to be in it."""
    proxy = start(changes={**changes({"users": ["*"]}), "admin": {"console_users": ["app", "chief"]}})
    with proxy.wire("app", tls=secure) as wire:
        assert [x.body[:4] for x in wire.heard if x.kind == "R"][0] == struct.pack("!I", 10)
    cluster.execute(f"create role chief login password '{MARK}-chief'")
    try:
        for database in ("app", "pgweir", "pgbouncer"):
            assert answer(proxy, secure, "chief", f"{MARK}-chief", database) == wrong("chief")
    finally:
        cluster.execute("drop role chief")


@pytest.mark.parametrize("state", ["warm", "full", "cold"])
def test_a_thousand_wrong_passwords_against_a_pool(start, changes, secure, watch, role, state):
    """CVE-2025-46801 of Pgpool: connections that are there let in nobody."""
    proxy = start(changes=changes(max_size=2))
    holders = []
    if state != "cold":
        assert answer(proxy, secure, role.name, role.password) is None
    if state == "full":
        holders = [proxy.wire(role.name, password=role.password, tls=secure) for _ in range(2)]
        for wire in holders:
            wire.query("begin")
    count = repetitions(1000 if state == "warm" else 100, least=40)
    if state == "full":
        # None is free to be given up: they wait for a place like anybody, and are not let in meanwhile.
        waiting = [proxy.socket().start_tls(secure) for _ in range(8)]
        for number, wire in enumerate(waiting):
            wire.send(m.startup([("user", role.name), ("database", "app")]))
            assert str(wire.receive()) == "R(3)"
            wire.send(m.p(m.cstr(f"wrong {number}")))
        hold(lambda: proxy.metric("pgweir_backends", user=role.name) == 2, "none is replaced", 0.5)
        for wire in holders:
            wire.query("commit")
            wire.terminate()
        for wire in waiting:
            assert wire.receive(timeout=seconds(20)).sqlstate == "28P01"
        return
    with watch(users=(role.name,)) as seen:
        results = together(lambda number: answer(proxy, secure, role.name, f"wrong {number}"), range(count), threads=16)
        assert set(results) == {wrong(role.name)}
    assert seen.maximum <= 2, seen.worst
    assert answer(proxy, secure, role.name, role.password) is None


def test_the_same_wrong_password_again_and_again_costs_the_server_little(start, changes, secure, role):
    proxy = start(changes=changes())
    began = time.monotonic()
    results = together(lambda _: answer(proxy, secure, role.name, "yesterday's"), range(repetitions(300, least=40)), threads=16)
    assert set(results) == {wrong(role.name)}
    assert len(judged(proxy)) <= 1 + (time.monotonic() - began) / 5


def test_a_storm_of_the_right_password_is_one_login_to_judge_it(start, changes, secure, watch, role):
    proxy = start(changes=changes(max_size=3))
    with watch(users=(role.name,)) as seen:
        results = together(lambda _: answer(proxy, secure, role.name, role.password), range(repetitions(200, least=40)), threads=32)
    assert set(results) == {None}
    assert seen.maximum <= 3, seen.worst
    assert len(judged(proxy)) == 1
    assert proxy.metric("pgweir_passwords_judged_total", result="right") == 1
    assert proxy.metric("pgweir_passwords_judged_total", result="known") < len(results)


def test_many_names_and_passwords_at_once_stay_within_the_limits(start, changes, secure, cluster, watch):
    roles = [Role(cluster, f"pass_many{number}", f"{MARK}-many{number}") for number in range(4)]
    proxy = start(changes=changes({"max_unproven": 2, "recheck": "1s"}, max_size=2, max_logins=1))

    def work(number):
        role = roles[number % 4]
        if number % 3 == 0:
            assert answer(proxy, secure, role.name, f"wrong {number}") == wrong(role.name)
            assert answer(proxy, secure, f"ghost{number}", "wrong") == wrong(f"ghost{number}")
        else:
            assert answer(proxy, secure, role.name, role.password) is None
    watchers = [watch(users=(role.name,)) for role in roles]
    try:
        for watcher in watchers:
            watcher.__enter__()
        together(work, range(repetitions(200, least=40)), threads=16)
    finally:
        for watcher in watchers:
            watcher.__exit__()
        for role in roles:
            role.remove()
    assert max(watcher.maximum for watcher in watchers) <= 2


def test_a_changed_password_proves_itself_and_the_old_one_ends(start, changes, secure, role):
    proxy = start(changes=changes({"recheck": "2s"}))
    old, running = role.password, proxy.wire(role.name, password=role.password, tls=secure)
    assert answer(proxy, secure, role.name, old) is None
    role.change_password(f"{MARK}-new")
    assert answer(proxy, secure, role.name, role.password) is None
    assert answer(proxy, secure, role.name, old) == wrong(role.name), "at once, for the new one has taken its place"
    assert running.value("select 1") == "1"
    role.change_password(f"{MARK}-newer")
    until(lambda: answer(proxy, secure, role.name, f"{MARK}-new") == wrong(role.name), "it is judged again")
    assert answer(proxy, secure, role.name, role.password) is None
    running.terminate()


def test_a_full_pool_does_not_keep_a_new_password_out(start, changes, secure, watch, role):
    """An idle connection makes room for the login that judges it."""
    proxy = start(changes=changes(max_size=1))
    assert answer(proxy, secure, role.name, role.password) is None
    with watch(users=(role.name,)) as seen:
        role.change_password(f"{MARK}-new")
        assert answer(proxy, secure, role.name, role.password) is None
    assert seen.maximum <= 1, seen.worst


def test_when_all_is_lent_out_the_known_password_is_enough(start, changes, secure, role):
    proxy = start(changes=changes({"recheck": "10m"}, max_size=1))
    with proxy.wire(role.name, password=role.password, tls=secure) as holder:
        holder.query("begin")
        assert answer(proxy, secure, role.name, role.password, query=None) is None
        other = proxy.socket().start_tls(secure)
        other.send(m.startup([("user", role.name), ("database", "app")]))
        assert str(other.receive()) == "R(3)"
        other.send(m.p(m.cstr("another")))
        hold(lambda: not judged(proxy, "wrong"), "it waits for a place", 0.3)
        holder.query("commit")
        assert other.receive(timeout=seconds(20)).sqlstate == "28P01"
        other.close()


@pytest.mark.parametrize("dead,alive", [("valid until '2001-01-01'", "valid until 'infinity'"), ("nologin", "login")])
def test_a_role_that_may_not_log_in_any_more(start, changes, secure, role, dead, alive):
    """Noticed by asking the server about the role, long before the password would be judged again."""
    proxy = start(changes=changes({"recheck": "1h"}, role_check_interval="500ms"))
    with proxy.wire(role.name, password=role.password, tls=secure) as running:
        role.alter(dead)
        until(lambda: answer(proxy, secure, role.name, role.password, query=None) == wrong(role.name), "it is kept out")
        assert running.value("select 1") == "1"
    role.alter(alive)
    until(lambda: answer(proxy, secure, role.name, role.password, query=None) is None, "it is let in again", timeout=20)


def test_a_role_that_is_gone(start, changes, secure, role):
    proxy = start(changes=changes({"recheck": "1s"}))
    assert answer(proxy, secure, role.name, role.password) is None
    role.remove()
    until(lambda: answer(proxy, secure, role.name, role.password, query=None) == wrong(role.name), "it is kept out")


def test_without_the_server_nobody_new_comes_in(start, changes, secure, own_cluster):
    role = Role(own_cluster, "pass_outage", f"{MARK}-outage")
    proxy = start(cluster=own_cluster, changes=changes({"recheck": "500ms"}))
    assert answer(proxy, secure, role.name, role.password) is None
    own_cluster.stop()

    def refused():
        found = answer(proxy, secure, role.name, role.password, query=None)
        return found and found[0] == "57P03" and found[1].startswith("the password cannot be checked: ")
    until(refused, "it cannot be checked")
    assert answer(proxy, secure, "ghost", "x")[0] == "57P03"
    own_cluster.start()
    until(lambda: answer(proxy, secure, role.name, role.password) is None, "the server is back")


@pytest.mark.parametrize("method", ["trust", "password", "md5"])
def test_only_a_password_that_the_server_has_asked_for_is_proved(start, changes, secure, own_cluster, method):
    """A server that trusts pgweir's address would take any password, and pgweir's word for who it is. Told in clear
    text it is only where that is allowed."""
    own_cluster.execute("set password_encryption = 'md5'; create role pass_hba login password 'canary-2b7f91-hba'")
    hba = own_cluster.data / "pg_hba.conf"
    hba.write_text(f"host all pass_hba 127.0.0.1/32 {method}\n" + hba.read_text())
    own_cluster.execute("select pg_reload_conf()")
    proxy = start(cluster=own_cluster, changes=changes())
    for password in ("wrong", "canary-2b7f91-hba"):
        until(lambda: (answer(proxy, secure, "pass_hba", password) or ("in",))[0] != "28000", "the server has read its file")
        found = answer(proxy, secure, "pass_hba", password)
        if method == "md5":
            assert found == (wrong("pass_hba") if password == "wrong" else None)
        else:
            assert found[0] == "57P03", found
    assert proxy.metric("pgweir_pool_limit", user="pass_hba") == (0 if method != "md5" else proxy.metric("pgweir_pool_limit", user="pass_hba"))


def test_users_share_nothing(start, changes, secure, cluster):
    one, two = (Role(cluster, f"pass_share{number}", f"{MARK}-share{number}") for number in range(2))
    proxy = start(max_size=1, changes=changes())
    try:
        assert answer(proxy, secure, one.name, one.password) is None
        assert answer(proxy, secure, two.name, one.password) == wrong(two.name), "another's password"
        assert answer(proxy, secure, two.name, two.password) is None
        assert answer(proxy, secure, one.name, two.password) == wrong(one.name)
        first = proxy.wire(one.name, password=one.password, tls=secure, params=[("application_name", "theirs")])
        second = proxy.wire(two.name, password=two.password, tls=secure)
        first.query("set app.secret = 'mine'")
        assert second.query("select current_user, session_user, current_setting('app.secret', true), "
                            "current_setting('application_name')") == [[two.name, two.name, None, ""]]
        for wire in (first, second):
            wire.terminate()
    finally:
        one.remove()
        two.remove()


def test_nothing_of_the_clients_is_applied_before_its_password_was_right(start, changes, secure, role):
    proxy = start(changes=changes())
    wire = proxy.socket().start_tls(secure)
    with pytest.raises(LoginFailed) as caught:
        wire.login(role.name, "app", "wrong", params=[("search_path", "x"), ("no_such_setting", "1"), ("options", "-c broken")])
    assert caught.value.answer.sqlstate == "28P01"
    with pytest.raises(LoginFailed) as caught:
        proxy.wire(role.name, password=role.password, tls=secure, params=[("no_such_setting", "1")])
    assert caught.value.answer.sqlstate == "42704"


def test_a_query_in_place_of_the_password(start, changes, secure, role):
    proxy = start(changes=changes())
    wire = proxy.socket().start_tls(secure)
    wire.send(m.startup([("user", role.name), ("database", "app")]) + m.Q("select 1"))
    heard = wire.until_eof()
    assert str(heard[0]) == "R(3)" and heard[1].sqlstate == "08P01" and heard[-1] is EOF


def test_cancel_and_listen_and_the_console(start, changes, secure, role):
    proxy = start(changes={**changes(), "admin": {"console_users": ["app"]}})
    with proxy.wire(role.name, password=role.password, tls=secure) as wire:
        wire.send(m.Q("select pg_sleep(300)"))
        until(lambda: proxy.metric("pgweir_backends", user=role.name, state="borrowed") == 1, "it runs")
        time_began = time.monotonic()
        proxy.cancel(wire)
        assert "57014" in " ".join(str(x) for x in wire.until_ready())
        assert time.monotonic() - time_began < seconds(20)
        wire.query("listen news")
        with proxy.wire(role.name, password=role.password, tls=secure) as other:
            other.query("notify news, 'x'")
        assert str(wire.receive()).startswith("A(news")
        with proxy.wire("app", "pgweir") as console:
            assert [role.name] == [row[1] for row in console.query("show pools") if row[1] == role.name]
            assert role.name in [row[0] for row in console.query("show users")]
            assert MARK not in str(console.query("show config"))


def test_a_reload_switches_it_off_and_on(start, changes, secure, role):
    proxy = start(changes=changes())
    running = proxy.wire(role.name, password=role.password, tls=secure)
    running.query("begin")
    proxy.reload({"databases": {"app": {"pass_through": None}}})
    until(lambda: answer(proxy, secure, role.name, role.password, query=None) == wrong(role.name), "it is off")
    assert "databases.app.pass_through.users" in proxy.log_text()
    assert running.value("select 1") == "1", "who is in may finish"
    running.query("commit")
    running.terminate()
    until(lambda: proxy.metric("pgweir_backends", user=role.name) == 0, "its pool is gone")
    proxy.reload({"databases": {"app": {"pass_through": {"users": [role.name]}}}})
    until(lambda: answer(proxy, secure, role.name, role.password) is None, "it is on")


def test_a_user_who_comes_into_the_file_goes_by_it(start, changes, secure, role):
    proxy = start(changes=changes())
    assert answer(proxy, secure, role.name, role.password) is None
    proxy.reload({"users": {role.name: {"password": "the file's"}}, "databases": {"app": {"users": None}, "other": {"users": ["app"]}}})
    until(lambda: answer(proxy, secure, role.name, role.password, query=None) == wrong(role.name), "the file's word counts")
    proxy.reload({"users": {role.name: None}})
    until(lambda: answer(proxy, secure, role.name, role.password) is None, "the server's word counts")
    assert answer(proxy, secure, role.name, "the file's") == wrong(role.name)


def test_a_pool_that_nobody_uses_goes_and_forgets(start, changes, secure, watch, role):
    proxy = start(changes=changes({"forget_after": "1s", "recheck": "1h"}))
    with watch(users=(role.name,)) as seen:
        with proxy.wire(role.name, password=role.password, tls=secure) as wire:
            hold(lambda: seen.count() == 1, "a client keeps it", 2.5)
            assert wire.value("select 1") == "1"
        until(lambda: seen.count() == 0 and proxy.metric("pgweir_pool_limit", user=role.name) == 0, "it is gone")
    assert len(judged(proxy)) == 1
    assert answer(proxy, secure, role.name, role.password) is None
    assert len(judged(proxy)) == 2


def test_a_client_that_leaves_while_its_password_is_judged(start, changes, secure, watch, role):
    proxy = start(changes=changes(max_size=1))
    with proxy.wire(role.name, password=role.password, tls=secure) as holder:
        holder.query("begin")
        for number in range(4):
            wire = proxy.socket().start_tls(secure)
            wire.send(m.startup([("user", role.name), ("database", "app")]))
            wire.receive()
            wire.send(m.p(m.cstr(f"guess {number}")))
            until(lambda: proxy.metric("pgweir_passwords_under_way") == number + 1, "it waits for a place")
            wire.abort()
        holder.query("commit")
    until(lambda: len(judged(proxy, "wrong")) == 4, "they have been judged")
    assert answer(proxy, secure, role.name, role.password) is None


def test_one_users_full_pool_is_nobody_elses_trouble(start, changes, secure, cluster, role):
    """Passwords that wait for a place in it are not so many that no other user's can be judged."""
    other = Role(cluster, "pass_other", f"{MARK}-other")
    proxy = start(changes=changes({"max_unproven": 2}, max_size=1, max_logins=1))
    waiting = []
    try:
        with proxy.wire(role.name, password=role.password, tls=secure) as holder:
            holder.query("begin")
            for number in range(4):
                wire = proxy.socket().start_tls(secure)
                waiting.append(wire)
                wire.send(m.startup([("user", role.name), ("database", "app")]))
                wire.receive()
                wire.send(m.p(m.cstr(f"guess {number}")))
            until(lambda: proxy.metric("pgweir_passwords_under_way") == 1, "one waits for a place")
            assert answer(proxy, secure, other.name, other.password) is None
            assert proxy.metric("pgweir_passwords_under_way") == 1
            holder.query("commit")
        for wire in waiting:
            assert wire.receive(timeout=seconds(20)).sqlstate == "28P01"
    finally:
        other.remove()


def test_draining_ends_those_that_wait(start, changes, secure, role):
    proxy = start(changes=changes(max_size=1))
    holder = proxy.wire(role.name, password=role.password, tls=secure)
    holder.query("begin")
    waiting = proxy.socket().start_tls(secure)
    waiting.send(m.startup([("user", role.name), ("database", "app")]))
    waiting.receive()
    waiting.send(m.p(m.cstr("another")))
    proxy.signal(15)
    assert waiting.receive(timeout=seconds(20)).sqlstate == "57P01"
    holder.terminate()
    until(lambda: proxy.process.poll() is not None, "it has ended")


def test_whoever_guesses_waits(start, changes, secure, role):
    proxy = start(changes={**changes(), "timeouts": {"failed_login": "1h"}})
    for number in range(3):
        assert answer(proxy, secure, role.name, f"wrong {number}") == wrong(role.name)
    began = time.monotonic()
    assert answer(proxy, secure, role.name, "wrong again") == wrong(role.name)
    assert time.monotonic() - began >= 0.1
    assert answer(proxy, secure, role.name, role.password) is None


def test_any_database_by_the_star(start, changes, certificates, secure, role, cluster):
    proxy = start(changes={**changes(), "databases": {"other": None, "*": {
        "host": cluster.host, "port": cluster.port, "users": ["app"], "pass_through": {"users": ["*"]}}}})
    assert answer(proxy, secure, role.name, role.password, "other") is None
    missing = answer(proxy, secure, role.name, role.password, "no_such_database")
    assert missing[0] == "57P03" and 'database "no_such_database" does not exist' in missing[1]
    assert proxy.metric("pgweir_pool_limit", database="no_such_database") == 0
