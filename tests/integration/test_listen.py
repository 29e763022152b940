"""LISTEN and NOTIFY: every listener gets what it would get on a connection of its own, and holds no backend."""

import random
import select
import threading

import pytest

from harness import messages as m
from harness.crowd import in_background, together
from harness.proxy import DIRECT
from harness.waiting import repetitions, seconds, until
from harness.wire import EOF, Silence

own = pytest.mark.own

HUB = "select pid from pg_stat_activity where application_name = 'pgweir listen' and usename = any(%s)"


class Listener:
    """A raw client that keeps the notifications that it hears, wherever they come, as (channel, payload)."""

    def __init__(self, wire):
        self.wire, self.got, self.fences = wire, [], 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.terminate()

    def keep(self, message):
        assert message is not EOF, f"closed; heard {self.got}"
        if message.kind == "A":
            channel, payload = message.body[4:].split(b"\0")[:2]
            self.got.append((channel.decode("utf-8", "replace"), payload.decode("utf-8", "replace")))
        return message.kind != "A"

    def ask(self, data):
        """Sends and returns the answer up to ReadyForQuery without the notifications, in notation."""
        self.wire.send(data)
        return " ".join(str(x) for x in self.wire.until_ready() if self.keep(x))

    def query(self, sql):
        answer = self.ask(m.Q(sql))
        assert "E(" not in answer, f"{sql!r}: {answer}"
        return answer

    def wait(self, count, timeout=None):
        """Until that many notifications have come, in all."""
        while len(self.got) < count:
            message = self.wire.receive(timeout)
            assert not self.keep(message), f"{message} came unasked"
        return self.got

    def wait_unless(self, count, over):
        """The same, or until the event is set."""
        while len(self.got) < count and not over.is_set():
            try:
                self.wait(len(self.got) + 1, timeout=0.2)
            except Silence:
                pass

    def fence(self, notify):
        """All that was ever heard, once everything that was notified before this call has come."""
        self.fences += 1
        mark = ("test_fence", f"{id(self)} {self.fences}")
        self.query("listen test_fence")
        notify(*mark)
        while mark not in self.got:
            assert not self.keep(self.wire.receive())
        self.query("unlisten test_fence")
        return [heard for heard in self.got if heard[0] != "test_fence"]


@pytest.fixture
def notify(admin):
    """notify(channel, payload) on a direct connection; returns when it is committed."""
    def send(channel, payload=""):
        with admin.cursor() as cursor:
            cursor.execute("select pg_notify(%s, %s)", (channel, payload))
    return send


@pytest.fixture
def endpoint(shared):
    return shared("one", max_size=1)


def hub_pids(admin, users=("app",)):
    with admin.cursor() as cursor:
        cursor.execute(HUB, (list(users),))
        return [pid for (pid,) in cursor.fetchall()]


# --- Who gets what

@pytest.mark.parametrize("payload", ["", "7", "with 'quotes' and \"more\"", "x" * 7999, "zwölf €"])
def test_an_idle_client_gets_a_notification(endpoint, notify, payload):
    with Listener(endpoint.wire()) as client:
        assert client.query("listen jobs") == "C(LISTEN) Z(I)"
        notify("jobs", payload)
        assert client.wait(1) == [("jobs", payload)]
        notify("jobs", payload)
        assert client.wait(2)[1] == ("jobs", payload)
        assert client.query("select 1") == "T D(1) C(SELECT 1) Z(I)"
        assert client.fence(notify) == [("jobs", payload)] * 2


def test_notifications_reach_exactly_those_who_listen(endpoint, notify):
    with Listener(endpoint.wire()) as a, Listener(endpoint.wire()) as b, Listener(endpoint.wire()) as both, \
            Listener(endpoint.wire()) as nobody:
        a.query("listen a")
        b.query("listen b")
        both.query("listen b")
        both.query("listen a")
        for i in range(5):
            notify("a", str(i))
            notify("b", str(i))
            notify("c", str(i))
        assert a.fence(notify) == [("a", str(i)) for i in range(5)]
        assert b.fence(notify) == [("b", str(i)) for i in range(5)]
        assert both.fence(notify) == [(channel, str(i)) for i in range(5) for channel in "ab"]
        assert nobody.fence(notify) == []


def test_another_user_hears_it_and_another_database_does_not(shared, notify):
    proxy = shared("one", max_size=1)
    with Listener(proxy.wire(user="app2")) as other_user, \
            Listener(proxy.wire(database="other")) as other_database, Listener(proxy.wire()) as witness:
        for client in (other_user, other_database, witness):
            client.query("listen jobs")
        notify("jobs", "1")
        assert other_user.fence(notify) == [("jobs", "1")]
        assert witness.fence(notify) == [("jobs", "1")]
        with Listener(proxy.wire(database="other")) as there:
            there.query("notify jobs, 'here'")
        assert other_database.wait(1) == [("jobs", "here")]


def test_a_client_hears_itself_once(endpoint, notify):
    with Listener(endpoint.wire()) as client:
        client.query("listen jobs")
        client.query("notify jobs, '1'")
        assert client.wait(1) == [("jobs", "1")]
        client.query("begin")
        client.query("notify jobs, '2'; notify jobs, '2'; notify jobs, '3'")
        client.query("commit")
        client.query("select pg_notify('jobs', '4')")
        assert client.fence(notify) == [("jobs", n) for n in "1234"]


def test_a_client_hears_itself_before_it_is_ready_again(endpoint):
    """As directly: many programs look for notifications when a statement is done, and at no other time."""
    with Listener(endpoint.wire()) as client:
        client.query("listen jobs")
        for i in range(repetitions(50)):
            client.query(f"notify jobs, '{i}'")
            assert len(client.got) == i + 1
        client.query("begin; notify jobs, 'x'")
        client.query("commit")
        assert client.got[-1] == ("jobs", "x")


def test_a_client_hears_what_its_trigger_says_before_it_is_ready_again(endpoint):
    with Listener(endpoint.wire()) as client:
        client.query("create table listen_trigger (a int)")
        client.query("create function listen_trigger() returns trigger language plpgsql as "
                     "$$ begin perform pg_notify('jobs', new.a::text); return new; end $$")
        client.query("create trigger t before insert on listen_trigger for each row execute function listen_trigger()")
        try:
            client.query("listen jobs")
            for i in range(10):
                client.query(f"insert into listen_trigger values ({i})")
                assert client.got[-1] == ("jobs", str(i))
        finally:
            client.query("drop table listen_trigger; drop function listen_trigger")


def test_a_client_that_polls_finds_what_was_committed_before(endpoint, notify):
    """Whatever it asks, and by whatever protocol: libpq's manual suggests an empty query."""
    polls = [m.Q("select 1"), m.Q(""), m.P("", "select 1") + m.B() + m.E() + m.S]
    with Listener(endpoint.wire()) as client:
        client.query("set application_name to 'it has settings'")
        client.query("listen jobs")
        for i in range(repetitions(100)):
            notify("jobs", str(i))
            client.ask(polls[i % 3])
            assert client.got[-1] == ("jobs", str(i))
        client.query("begin")
        notify("jobs", "x")
        client.query("commit")
        assert client.got[-1] == ("jobs", "x")


def test_notifications_of_one_transaction_keep_their_order_and_those_of_a_rolled_back_one_do_not_come(endpoint,
                                                                                                     notify):
    with Listener(endpoint.wire()) as client, Listener(endpoint.wire()) as other:
        client.query("listen a")
        client.query("listen b")
        other.query("begin; notify b, '1'; notify a, '2'; notify b, '3'; notify b, '1'; commit")
        other.query("begin; notify a, 'never'; rollback")
        other.query("begin; savepoint s; notify a, 'never'; rollback to s; notify a, '4'; commit")
        assert client.fence(notify) == [("b", "1"), ("a", "2"), ("b", "3"), ("a", "4")]


@pytest.mark.parametrize("name,sql", [
    ("jobs", "JOBS"), ("My Jobs", '"My Jobs"'), ('a"b', '"a""b"'), ("*", '"*"'), ("select", '"select"'),
    ("zwölf", '"zwölf"'), ("x" * 63, "X" * 70), ("listen", "listen"), ("s;'", '"s;\'"')])
def test_names_are_the_servers(endpoint, notify, name, sql):
    with Listener(endpoint.wire()) as client:
        assert client.query(f"listen {sql}").endswith("C(LISTEN) Z(I)")
        notify(name, "1")
        assert client.wait(1) == [(name, "1")]
        client.query(f"UNLISTEN {sql};")
        notify(name, "2")
        assert client.fence(notify) == [(name, "1")]


@pytest.mark.parametrize("sql", ["listen select", "listen 'jobs'", "listen", "listen a.b", "listen *", "unlisten",
                                 'listen ""', "listen a b", "listen left"])
def test_what_the_server_refuses_is_refused(endpoint, notify, sql):
    with Listener(endpoint.wire()) as client:
        assert client.ask(m.Q(sql)) == "E(42601) Z(I)"
        client.query("begin")
        client.ask(m.Q("select 1/0"))
        assert client.ask(m.Q("listen jobs")) == "E(25P02) Z(E)"
        client.query("rollback")
        notify("jobs", "1")
        assert client.fence(notify) == []


def test_each_client_hears_in_its_own_encoding(endpoint, notify):
    with Listener(endpoint.wire()) as utf8, Listener(endpoint.wire()) as latin1:
        latin1.query("set client_encoding to latin1")
        for client in (utf8, latin1):
            client.query("listen jobs")
        notify("jobs", "ä")
        raw = {client: client.wire.receive() for client in (utf8, latin1)}
        assert raw[utf8].body[4:] == b"jobs\0\xc3\xa4\0"
        assert raw[latin1].body[4:] == b"jobs\0\xe4\0"
        latin1.query("set client_encoding to utf8")
        notify("jobs", "ö")
        assert latin1.wait(1) == [("jobs", "ö")]


def test_a_channel_that_another_encoding_writes_otherwise_ends_its_client_at_once(endpoint):
    """Nothing else may come that would wake the session: it once held its ReadyForQuery, and its backend, for ever."""
    with endpoint.wire() as wire:
        assert wire.ask(m.Q('listen "größe"')) == "C(LISTEN) Z(I)"
        wire.send(m.Q("set client_encoding to latin1"))
        last = wire.until_eof()[-2]
        assert last.kind == "E" and last.sqlstate == "08006", last
    with endpoint.wire() as other:
        assert other.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"


# --- When LISTEN and UNLISTEN take effect

# Statements one after the other, and the channels that are listened to after them.
SCRIPTS = {
    "a LISTEN": (["listen a"], "a"),
    "a LISTEN twice": (["listen a", "listen a"], "a"),
    "an UNLISTEN": (["listen a", "listen b", "unlisten a"], "b"),
    "an UNLISTEN of nothing": (["unlisten a", "listen b"], "b"),
    "UNLISTEN *": (["listen a", "listen b", "unlisten *"], ""),
    "DISCARD ALL": (["listen a", "discard all", "listen b"], "b"),
    "a commit": (["begin", "listen a", "select 1", "commit"], "a"),
    "an END": (["begin", "listen a", "end"], "a"),
    "a rollback": (["begin", "listen a", "rollback"], ""),
    "a rollback that keeps what was": (["listen a", "begin", "unlisten a", "listen b", "rollback"], "a"),
    "a commit of an UNLISTEN": (["listen a", "listen b", "begin", "unlisten a", "commit"], "b"),
    "a commit of UNLISTEN *": (["listen a", "begin", "listen b", "unlisten *", "listen c", "commit"], "c"),
    "a failed transaction": (["begin", "listen a", "select 1/0", "commit"], ""),
    "a failed statement outside": (["listen a", "select 1/0"], "a"),
    "a savepoint rolled back": (["begin", "listen a", "savepoint s", "listen b", "rollback to s", "listen c",
                                 "commit"], "ac"),
    "a savepoint released": (["begin", "savepoint s", "listen a", "release s", "commit"], "a"),
    "an UNLISTEN rolled back to a savepoint": (["listen a", "listen b", "begin", "unlisten a", "savepoint s",
                                                "unlisten *", "rollback to savepoint s", "commit"], "b"),
    "a failure behind a savepoint": (["begin", "listen a", "savepoint s", "listen b", "select 1/0",
                                      "rollback to s", "commit"], "a"),
    "nested savepoints": (["begin", "savepoint s", "listen a", "savepoint s", "listen b", "rollback to s",
                           "release s", "commit"], "a"),
    "a chain": (["begin", "listen a", "commit and chain", "listen b", "rollback"], "a"),
    "a deferred failure": (["create temp table t (x int unique deferrable initially deferred)", "begin", "listen a",
                            "insert into t values (1), (1)", "commit", "drop table t"], ""),
    "a LISTEN in a function": (["do $$ begin execute 'listen a'; end $$"], "a"),
    "a LISTEN in a function, rolled back": (["begin", "do $$ begin execute 'listen a'; end $$", "rollback"], ""),
}

# The same for query strings of several statements, which only the simple protocol has.
STRINGS = {
    "two LISTENs": (["listen a; listen b"], "ab"),
    "a whole transaction": (["begin; listen a; commit"], "a"),
    "two transactions": (["begin; listen a; commit; begin; listen b; rollback"], "a"),
    "an error at the end": (["listen a; select 1/0"], ""),
    "an error behind a commit": (["begin; listen a; commit; listen b; select 1/0"], "a"),
    "a transaction left open": (["begin; listen a", "commit"], "a"),
    "a transaction left open, and rolled back": (["listen a; begin; listen b", "rollback"], ""),
    "UNLISTEN and LISTEN": (["listen a; listen b", "unlisten a; listen c"], "bc"),
    "UNLISTEN * and LISTEN": (["listen a", "unlisten *; listen b; select 1"], "b"),
}


def extended(sql):
    return m.P("", sql) + m.B() + m.DP() + m.E() + m.S


def listening(client, notify):
    for channel in "abc":
        notify(channel, "x")
    heard = client.fence(notify)
    assert all(payload == "x" for _, payload in heard)
    return "".join(channel for channel, _ in heard)


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("protocol", ["simple", "extended"])
def test_a_client_listens_to_what_its_transactions_say(endpoint, notify, name, protocol):
    statements, channels = SCRIPTS[name]
    with Listener(endpoint.wire()) as client:
        for sql in statements:
            client.ask(m.Q(sql) if protocol == "simple" else extended(sql))
        assert listening(client, notify) == channels
    # And the next one to nothing.
    with Listener(endpoint.wire()) as client:
        assert client.wire.query("select pg_listening_channels()") == []
        client.got.clear()
        assert listening(client, notify) == ""


@pytest.mark.parametrize("name", STRINGS)
def test_a_client_listens_to_what_its_query_strings_say(endpoint, notify, name):
    strings, channels = STRINGS[name]
    with Listener(endpoint.wire()) as client:
        for string in strings:
            client.ask(m.Q(string))
        assert listening(client, notify) == channels


def test_the_extended_protocol_answers_as_the_server_does(endpoint, notify):
    with Listener(endpoint.wire()) as client:
        assert client.ask(extended("listen a")) == "1 2 n C(LISTEN) Z(I)"
        assert client.ask(m.P("l", "listen b") + m.DS("l") + m.S) == "1 t() n Z(I)"
        for _ in range(2):
            assert client.ask(m.B("", "l") + m.E() + m.S) == "2 C(LISTEN) Z(I)"
        pipeline = m.P("", "listen c") + m.B() + m.E() + m.P("", "select 7") + m.B() + m.E() + m.S
        assert client.ask(pipeline) == "1 2 C(LISTEN) 1 2 D(7) C(SELECT 1) Z(I)"
        failing = m.P("", "unlisten *") + m.B() + m.E() + m.P("", "select 1/0") + m.B() + m.E() + m.S
        assert client.ask(failing) == "1 2 C(UNLISTEN) 1 E(22012) Z(I)"
        assert listening(client, notify) == "abc"
        whole = b"".join(m.P("", sql) + m.B() + m.E() for sql in ("begin", "unlisten a", "listen d", "commit")) + m.S
        assert client.ask(whole) == "1 2 C(BEGIN) 1 2 C(UNLISTEN) 1 2 C(LISTEN) 1 2 C(COMMIT) Z(I)"
        client.got.clear()
        notify("d", "x")
        assert listening(client, notify) == "dbc"


def test_a_client_sees_the_channels_that_it_listens_to(endpoint):
    with Listener(endpoint.wire()) as client, Listener(endpoint.wire()) as other:
        client.query("listen a")
        client.query("begin; listen b; commit")
        asked = "select c from pg_listening_channels() c order by c"
        assert client.wire.query(asked) == [["a"], ["b"]]
        assert other.wire.query(asked) == []
        client.query("unlisten a")
        assert client.wire.query(asked) == [["b"]]


def test_nothing_from_before_the_commit_is_heard(endpoint, notify):
    """LISTEN in a transaction begins with its commit; the same for one that somebody else listens to already."""
    with Listener(endpoint.wire()) as other:
        for round_ in range(repetitions(10)):
            with Listener(endpoint.wire()) as client:
                notify("jobs", "before LISTEN")
                client.query("begin")
                client.query("listen jobs")
                notify("jobs", "before COMMIT")
                client.query("commit")
                notify("jobs", "after")
                assert client.fence(notify) == [("jobs", "after")]
            if round_ == 4:
                other.query("listen jobs")


def test_a_batch_that_begins_a_transaction_and_listens(endpoint, notify):
    """As JDBC sends it with autocommit off."""
    with Listener(endpoint.wire()) as client:
        batch = m.P("", "begin") + m.B() + m.E(rows=0) + m.P("", "listen jobs") + m.B() + m.E() + m.S
        assert client.ask(batch) == "1 2 C(BEGIN) 1 2 C(LISTEN) Z(T)"
        notify("jobs", "before COMMIT")
        client.ask(extended("commit"))
        notify("jobs", "after")
        assert client.fence(notify) == [("jobs", "after")]


@own
@pytest.mark.parametrize("batches", [
    [m.Q("begin"), extended("commit") + extended("listen jobs")],
    [m.Q("begin"), m.P("", "rollback") + m.B() + m.E() + m.P("", "listen jobs") + m.B() + m.E() + m.S],
    [m.Q("begin"), m.Q("commit") + m.Q("listen jobs")],
    [m.Q("begin"), m.Q("rollback; listen jobs")],
    [m.Q("select 1") + extended("listen jobs")],
    [m.Q("begin"), m.P("", "commit") + m.B() + m.E() + m.Q("listen jobs"), m.S],
])
def test_a_listen_behind_the_end_of_a_transaction_keeps_no_backend(start, notify, batches):
    proxy = start(max_size=1)
    with Listener(proxy.wire()) as client, proxy.wire() as other:
        for batch in batches:
            client.wire.send(batch)
            for _ in range(sum(batch.count(end) for end in (m.S, b"Q\0\0"))):
                client.wire.until_ready()
        assert other.value("select 7") == "7"
        assert other.query("select pg_listening_channels()") == []
        notify("jobs", "1")
        assert client.wait(1) == [("jobs", "1")]


@pytest.mark.parametrize("unlisten", ["unlisten jobs", "unlisten jobs; select 1", "begin; unlisten jobs; commit"])
def test_all_between_a_listen_and_an_unlisten_is_heard_and_nothing_else(endpoint, notify, unlisten):
    """The first of them needs no backend. What was committed before the others is the client's all the same."""
    with Listener(endpoint.wire()) as other, Listener(endpoint.wire()) as client:
        other.query("listen jobs")
        for i in range(repetitions(100)):
            notify("jobs", f"before {i}")
            client.query("listen jobs")
            notify("jobs", f"between {i}")
            client.query(unlisten)
            notify("jobs", f"after {i}")
        assert client.fence(notify) == [("jobs", f"between {i}") for i in range(repetitions(100))]


def test_discard_all_ends_listening_although_its_batch_fails_later(endpoint, notify):
    with Listener(endpoint.wire()) as client:
        client.query("listen jobs")
        assert "E(34000)" in client.ask(m.P("", "discard all") + m.B() + m.E() + m.E("nosuch") + m.S)
        notify("jobs", "1")
        assert client.fence(notify) == []


def test_a_batch_that_has_to_wait_twice_is_answered(endpoint):
    """First for what was notified before, then for what DISCARD ALL does."""
    with Listener(endpoint.wire()) as client:
        for _ in range(repetitions(100)):
            client.query("listen jobs")
            client.ask(extended("discard all"))


# --- Notifications and transactions of the listener

@pytest.mark.parametrize("end", ["commit", "rollback", "select 1/0; rollback"])
def test_a_notification_waits_until_the_listeners_transaction_is_over(start, notify, end):
    endpoint = start(max_size=2)
    with Listener(endpoint.wire()) as client, Listener(endpoint.wire()) as witness:
        for listener in (client, witness):
            listener.query("listen jobs")
        client.query("begin")
        notify("jobs", "1")
        assert witness.fence(notify) == [("jobs", "1")]
        for _ in range(5):
            client.query("select 1")
        assert client.got == []
        for sql in end.split("; "):
            client.ask(m.Q(sql))
        assert client.wait(1) == [("jobs", "1")]


def test_what_came_during_a_transaction_that_unlistens_is_dropped(start, notify):
    endpoint = start(max_size=2)
    with Listener(endpoint.wire()) as client, Listener(endpoint.wire()) as witness:
        for listener in (client, witness):
            listener.query("listen jobs")
        client.query("listen other")
        client.query("begin")
        client.query("unlisten jobs")
        # What is notified until the hub has answered to the BEGIN counts as before it. The hub answers in turn.
        assert witness.fence(notify) == []
        notify("jobs", "1")
        notify("other", "2")
        assert witness.fence(notify) == [("jobs", "1")]
        client.query("commit")
        assert client.fence(notify) == [("other", "2")]


def test_notifications_do_not_come_between_the_rows_of_an_answer(start, notify):
    endpoint = start(max_size=2)
    with Listener(endpoint.wire()) as client:
        client.query("listen jobs")
        client.wire.send(m.Q("select i, pg_sleep(0.002) from generate_series(1, 100) i"))
        kinds = [client.wire.receive().kind]  # the answer has begun
        for i in range(20):
            notify("jobs", str(i))
        while kinds[-1] != "Z":
            message = client.wire.receive()
            kinds.append(message.kind)
            client.keep(message)
        answer = "".join(kinds)
        assert "DA" not in answer and "TA" not in answer, answer
        client.wait(20)
        assert client.got == [("jobs", str(i)) for i in range(20)]


# --- Without holding a backend

def test_fifty_listeners_share_one_connection_to_the_server(start, notify, watch):
    with watch(users=("md5app",)) as seen:
        before = seen.count()
        endpoint = start(max_size=1)
        listeners = [Listener(endpoint.wire(user="md5app")) for _ in range(50)]
        try:
            for i, client in enumerate(listeners):
                client.query(f"listen mine_{i}")
                client.query("listen everybody")
            with endpoint.wire(user="md5app") as worker:
                assert worker.value("select 7") == "7"
            for i in range(50):
                notify(f"mine_{i}", str(i))
            notify("everybody", "x")
            for i, client in enumerate(listeners):
                assert client.wait(2) == [(f"mine_{i}", str(i)), ("everybody", "x")]
            if not DIRECT:
                assert seen.maximum <= before + 2, seen.worst
        finally:
            for client in listeners:
                client.wire.terminate()


@own
def test_listen_needs_no_backend(start, notify):
    """It is answered, and notifications come, while the only backend is in somebody else's transaction."""
    proxy = start(max_size=1)
    with proxy.wire() as busy, Listener(proxy.wire()) as client:
        busy.query("begin")
        client.query("listen jobs")
        notify("jobs", "1")
        assert client.wait(1) == [("jobs", "1")]
        client.query("unlisten jobs")
        client.query("listen more")
        notify("more", "2")
        assert client.wait(2)[1] == ("more", "2")
        busy.query("commit")


@own
def test_a_listen_in_a_transaction_gives_its_backend_back(start, notify):
    proxy = start(max_size=1)
    with Listener(proxy.wire()) as client, proxy.wire() as other:
        client.query("begin")
        client.query("listen jobs")
        client.query("commit")
        assert other.value("select 7") == "7"
        assert other.query("select pg_listening_channels()") == []
        notify("jobs", "1")
        assert client.wait(1) == [("jobs", "1")]
        assert other.value("select 8") == "8"


def test_many_channels(endpoint, notify):
    count = 300
    with Listener(endpoint.wire()) as client:
        for i in range(count):
            client.query(f"listen channel_{i}")
        client.query("; ".join(f"notify channel_{i}, '{i}'" for i in range(count)))
        assert client.wait(count) == [(f"channel_{i}", str(i)) for i in range(count)]
        client.query("unlisten *")
        client.query("; ".join(f"notify channel_{i}, '{i}'" for i in range(count)))
        assert len(client.fence(notify)) == count


# --- Clients that leave, do not read, or lose the server

@pytest.mark.parametrize("leave", ["terminate", "abort", "close"])
def test_a_client_that_leaves_takes_nothing_along(endpoint, notify, leave):
    with Listener(endpoint.wire()) as stays:
        stays.query("listen jobs")
        for i in range(repetitions(20)):
            leaves = Listener(endpoint.wire())
            leaves.query("listen jobs")
            leaves.query(f"listen mine_{i}")
            if i % 2:
                leaves.query("begin")
            getattr(leaves.wire, leave)()
            notify("jobs", str(i))
            notify(f"mine_{i}", "nobody")
        assert stays.fence(notify) == [("jobs", str(i)) for i in range(repetitions(20))]


def test_a_client_that_does_not_read_keeps_nobody_else_waiting(endpoint, notify, admin):
    with Listener(endpoint.wire()) as deaf, Listener(endpoint.wire()) as client:
        deaf.query("listen jobs")
        client.query("listen jobs")
        count = 300
        with admin.cursor() as cursor:
            cursor.execute("select count(pg_notify('jobs', i || repeat('x', 7000))) from generate_series(1, %s) i",
                           (count,))
        assert [payload.rstrip("x") for _, payload in client.wait(count)] == [str(i) for i in range(1, count + 1)]
        assert client.query("select 1") == "T D(1) C(SELECT 1) Z(I)"
        # It gets everything as well, as soon as it reads.
        assert len(deaf.wait(count)) == count


@own
def test_when_the_listening_connection_is_lost_its_clients_are_told(start, admin, notify):
    """They may have missed something: a silent gap would be worse than a broken connection."""
    proxy = start(max_size=2)
    with Listener(proxy.wire(user="md5app")) as client, Listener(proxy.wire(user="md5app")) as other, proxy.wire(user="md5app") as bystander:
        client.query("listen jobs")
        other.query("begin")
        other.query("listen jobs")
        other.query("commit")
        (pid,) = until(lambda: hub_pids(admin, ["md5app"]), "the pool listens")
        with admin.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(%s)", (pid,))
        for listener in (client, other):
            last = listener.wire.until_eof()
            assert [str(x) for x in last] == ["E(FATAL 08006)", "EOF"], [str(x) for x in last]
        assert bystander.value("select 7") == "7"
        with Listener(proxy.wire(user="md5app")) as again:
            again.query("listen jobs")
            assert hub_pids(admin, ["md5app"]) != [pid]
            notify("jobs", "1")
            assert again.wait(1) == [("jobs", "1")]


@own
def test_a_listener_in_a_transaction_learns_of_the_loss_too(start, admin):
    proxy = start(max_size=2)
    with Listener(proxy.wire(user="md5app")) as client:
        client.query("listen jobs")
        client.query("begin")
        client.query("select 1")
        (pid,) = until(lambda: hub_pids(admin, ["md5app"]), "the pool listens")
        with admin.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(%s)", (pid,))
        assert "E(FATAL 08006)" in [str(x) for x in client.wire.until_eof()]


@own
def test_listeners_survive_a_lost_pool_backend(start, admin, notify):
    proxy = start(max_size=1)
    with Listener(proxy.wire()) as client:
        client.query("listen jobs")
        pid = int(client.wire.value("select pg_backend_pid()"))
        with admin.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(%s)", (pid,))
        notify("jobs", "1")
        assert client.wait(1) == [("jobs", "1")]


@own
def test_a_server_that_restarts_is_listened_to_again(start, own_cluster):
    proxy = start(cluster=own_cluster, max_size=2)
    client = Listener(proxy.wire())
    client.query("listen jobs")
    own_cluster.stop()
    assert "E(FATAL 08006)" in [str(x) for x in client.wire.until_eof()]
    client.wire.close()
    own_cluster.start()
    until(proxy.ready, "pgweir is ready")
    with Listener(proxy.wire()) as again:
        again.query("listen jobs")
        own_cluster.execute("notify jobs, '1'", database="app")
        assert again.wait(1) == [("jobs", "1")]


@own
def test_draining_closes_idle_listeners(start):
    proxy = start(max_size=1)
    client = Listener(proxy.wire())
    client.query("listen jobs")
    proxy.stop()
    assert [str(x) for x in client.wire.until_eof()] == ["E(FATAL 57P01)", "EOF"]


@own
def test_a_client_that_never_takes_its_notifications_is_closed(start, admin, notify):
    """What it may have waiting is limited; the rest of the pool does not notice."""
    proxy = start(max_size=2)
    with Listener(proxy.wire()) as client, Listener(proxy.wire()) as other:
        client.query("listen jobs")
        other.query("listen jobs")
        client.query("begin")
        with admin.cursor() as cursor:
            cursor.execute("select count(pg_notify('jobs', i || repeat('x', 7900))) from generate_series(1, 2300) i")
        assert "E(FATAL 54000)" in [str(x) for x in client.wire.until_eof()]
        assert len(other.wait(2300, timeout=seconds(30))) == 2300
        assert other.query("select 1") == "T D(1) C(SELECT 1) Z(I)"


@own
def test_metrics_tell_of_listeners(start, notify):
    proxy = start(max_size=1)
    labels = {"database": "app", "user": "app"}
    with Listener(proxy.wire()) as client, Listener(proxy.wire()) as other:
        client.query("listen jobs")
        client.query("listen more")
        other.query("listen jobs")
        notify("jobs", "1")
        client.wait(1)
        other.wait(1)
        seen = {name: proxy.metric(f"pgweir_{name}", **labels) for name in (
            "listen_connections", "listen_channels", "listen_clients", "notifications_total",
            "notifications_delivered_total", "listen_losses_total")}
        assert list(seen.values()) == [1, 2, 2, 1, 2, 0], seen
        assert proxy.metric("pgweir_pins_total", reason="listen", **labels) == 0


# --- Together

def test_a_stream_of_notifications_reaches_clients_that_come_and_go_exactly_once(start, admin):
    endpoint = start(max_size=2)
    count = repetitions(5000, least=1000)
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"seed {seed}")
    begun, done, over = [0], [0], threading.Event()

    def notifier():
        with endpoint.wire() as wire:
            for n in range(1, count + 1):
                begun[0] = n
                wire.query(f"notify stream, '{n}'")
                done[0] = n
        over.set()

    def stays(client):
        client.wait(count, timeout=seconds(60))
        return [int(payload) for _, payload in client.got] == list(range(1, count + 1))

    def passes(number):
        """LISTEN, a while, UNLISTEN or good-bye; counts what certainly had to come."""
        choose, rounds, owed = random.Random(f"{seed} {number}"), 0, 0
        while not over.is_set():
            with Listener(endpoint.wire()) as client:
                for _ in range(choose.randrange(1, 6)):
                    client.got.clear()
                    before = done[0]
                    in_transaction = choose.random() < 0.3
                    for sql in (["begin", "listen stream", "commit"] if in_transaction else ["listen stream"]):
                        client.query(sql)
                    first = begun[0] + 1
                    client.wait_unless(choose.randrange(0, 20), over)
                    last = done[0]
                    client.query(choose.choice(["unlisten stream", "unlisten *"]))
                    after = begun[0]
                    got = [int(payload) for _, payload in client.got]
                    assert got == list(range(got[0], got[-1] + 1)) if got else True, (seed, number, got)
                    assert all(before < n <= after for n in got), (seed, number, before, after, got)
                    must = range(first, last + 1)
                    assert not must or set(must) <= set(got), (seed, number, first, last, got)
                    rounds, owed = rounds + 1, owed + len(must)
        return rounds, owed

    listeners = [Listener(endpoint.wire()) for _ in range(5)]
    try:
        for client in listeners:
            client.query("listen stream")
        notifying = in_background(notifier)
        staying = [in_background(stays, client) for client in listeners]
        passing = together(passes, range(4))
        notifying.result(seconds(60))
        assert all(future.result(seconds(60)) for future in staying)
        assert sum(rounds for rounds, _ in passing) > 10 and sum(owed for _, owed in passing) > 10, passing
    finally:
        over.set()
        for client in listeners:
            client.wire.terminate()


# --- A driver

def test_psycopg2_as_its_manual_says(endpoint):
    listener, notifier = endpoint.psycopg2(), endpoint.psycopg2()
    try:
        for connection in (listener, notifier):
            connection.autocommit = True
        listener.cursor().execute("LISTEN test")
        notifier.cursor().execute("NOTIFY test, 'hello'")
        assert select.select([listener], [], [], seconds(10))[0]
        listener.poll()
        assert [(note.channel, note.payload) for note in listener.notifies] == [("test", "hello")]
        # In a transaction, which is psycopg2's default.
        listener.notifies.clear()
        listener.autocommit = False
        listener.cursor().execute("LISTEN more")
        listener.commit()
        notifier.cursor().execute("NOTIFY more, 'again'")
        until(lambda: listener.poll() or listener.notifies, "a notification")
        assert [(note.channel, note.payload) for note in listener.notifies] == [("more", "again")]
    finally:
        listener.close()
        notifier.close()


@own
@pytest.mark.parametrize("failing", ["select 1/0", "rollback to nowhere", "select nothing"])
def test_a_listen_that_an_error_skips_leaves_nothing_behind(start, failing):
    """The hub had been asked for its channel; the next LISTEN took that for an answer of its own, and pinned."""
    endpoint = start(max_size=1)
    with endpoint.wire() as wire, endpoint.wire() as other:
        listen = m.B() + m.E() + m.S
        wire.send(m.P("", failing) + m.B() + m.E() + m.P("", "listen skipped") + listen)
        assert "E(" in " ".join(str(x) for x in wire.until_ready())
        with Listener(wire) as listener:
            assert listener.ask(m.P("", "listen wanted") + listen) == "1 2 C(LISTEN) Z(I)"
            other.query("notify skipped, 'x'")
            other.query("notify wanted, 'y'")
            assert listener.wait(1) == [("wanted", "y")]
            assert endpoint.metric("pgweir_pins_total", reason="listen") == 0
