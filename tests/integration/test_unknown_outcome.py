"""A connection to the server that breaks while a commit is under way: the client is told that it broke, never that the
commit succeeded, and pgweir does not do it again."""

import contextlib

import psycopg2
import pytest

from harness import messages as m
from harness.crowd import in_background, together
from harness.link import Link
from harness.waiting import seconds, until
from harness.wire import EOF

pytestmark = pytest.mark.own

TABLE = "create table outcomes (id int, note text default 'x'); grant all on outcomes to public"
PREPARED = m.P("s", "insert into outcomes values ($1) returning *") + m.S


def run(sql):
    return m.P("", sql) + m.B() + m.E()


# What comes before, the messages that commit, and what would say that they have, if it is more than ReadyForQuery.
COMMITS = {
    "COMMIT": (lambda id: m.Q(f"begin; insert into outcomes values ({id})"), lambda id: m.Q("commit"), "C(COMMIT)"),
    "an extended COMMIT": (lambda id: run("begin") + run(f"insert into outcomes values ({id})") + m.S,
                           lambda id: run("commit") + m.S, "C(COMMIT)"),
    "a Sync": (lambda id: run(f"insert into outcomes values ({id})") + m.H, lambda id: m.S, None),
    "a statement": (lambda id: None, lambda id: m.Q(f"insert into outcomes values ({id})"), "C(INSERT 0 1)"),
    "a string": (lambda id: None, lambda id: m.Q(f"begin; insert into outcomes values ({id}); commit"), "C(COMMIT)"),
    "a prepared statement": (lambda id: PREPARED, lambda id: m.B("", "s", (id,)) + m.E() + m.S, None),
    "the end of a COPY": (lambda id: m.Q("copy outcomes (id) from stdin"), lambda id: m.d(f"{id}\n") + m.c, "C(COPY 1)"),
}
LAST = {"a Sync": "C", "the end of a COPY": "G"}  # of the answer to what comes before


class Client:
    """One that has everything ready and only to commit."""

    def __init__(self, endpoint, how, id):
        before, commit, self.success = COMMITS[how]
        self.wire, self.commit = endpoint.wire(), commit(id)
        if before(id):
            self.wire.send(before(id))
            while (kind := self.wire.receive().kind) != LAST.get(how, "Z"):
                assert kind not in ("E", "EOF")

    def hears_of_the_loss(self):
        """To the end: one error and no success."""
        answer = self.wire.until_eof(seconds(10))
        assert not [x for x in answer if x.kind == "Z" or str(x) == self.success], answer
        [told] = [x for x in answer if x.kind == "E"]
        assert answer[-1] is EOF
        self.wire.close()
        return told


@pytest.fixture(scope="module")
def table(cluster):
    cluster.execute(TABLE, "app")
    yield lambda id: cluster.execute(f"select count(*) from outcomes where id = {id}", "app")[0][0]
    cluster.execute("drop table outcomes", "app")


@pytest.fixture
def link(cluster):
    with Link(cluster.host, cluster.port) as link:
        yield link


def swallow(connection, data):
    """Loses what comes by, and the connection with it."""
    connection.cut()
    return None


def through(start, link, **options):
    """No question of the pool's own is under way when the link breaks."""
    return start(max_size=1, role_check_interval="0s", changes={"databases": {"app": {"port": link.port}}}, **options)


@pytest.mark.parametrize("how", COMMITS)
def test_the_answer_is_lost(start, table, link, how):
    """The server has committed; what it says about that does not arrive."""
    proxy = through(start, link)
    client = Client(proxy, how, id := 100 + list(COMMITS).index(how))

    link.to_client = swallow
    client.wire.send(client.commit)
    error = client.hears_of_the_loss()
    assert str(error) == "E(FATAL 08006)" and "may or may not" in error.text
    link.to_client = lambda connection, data: data
    assert table(id) == 1
    with proxy.wire() as other:
        assert other.value(f"select count(*) from outcomes where id = {id}") == "1"
    assert table(id) == 1


@pytest.mark.parametrize("how", COMMITS)
def test_the_question_is_lost(start, table, link, how):
    """It has left pgweir, and does not reach the server. To pgweir and to its client both look the same."""
    proxy = through(start, link)
    client = Client(proxy, how, id := 200 + list(COMMITS).index(how))

    link.to_server = swallow
    client.wire.send(client.commit)
    error = client.hears_of_the_loss()
    assert str(error) == "E(FATAL 08006)" and "may or may not" in error.text
    link.to_server = lambda connection, data: data
    with proxy.wire() as other:
        assert other.value(f"select count(*) from outcomes where id = {id}") == "0"


def test_a_transaction_in_which_nothing_was_under_way_is_known_to_be_lost(start, table, link):
    proxy = through(start, link)
    with proxy.wire() as wire:
        wire.query("begin; insert into outcomes values (300)")
        link.cut()
        error = wire.receive()
        assert str(error) == "E(FATAL 08006)" and "may or may not" not in error.text
        assert wire.receive() is EOF
    assert table(300) == 0


def commit_until_lost(cluster):
    """Its commits begin to wait when what a reload has set holds."""
    with contextlib.suppress(psycopg2.Error):
        connection = cluster.connect("app")
        while True:
            connection.cursor().execute("insert into outcomes values (-1)")


@pytest.mark.parametrize("mode", ["immediate", "fast"])
def test_the_server_stops_in_the_middle_of_commits(own_cluster, start, mode):
    """They wait for a standby that is not there: written, but not acknowledged. After the restart each is done once, and
    nobody was told so."""
    own_cluster.execute(TABLE, "app")
    own_cluster.execute("alter database app set synchronous_commit to on")
    own_cluster.execute("alter system set synchronous_standby_names to nobody")
    proxy = start(own_cluster, max_size=len(COMMITS))
    clients = [Client(proxy, how, id) for id, how in enumerate(COMMITS)]
    own_cluster.execute("select pg_reload_conf()")
    probe = in_background(commit_until_lost, own_cluster)
    waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
    until(lambda: own_cluster.execute(waiting)[0][0] == 1, "commits wait")
    for client in clients:
        client.wire.send(client.commit)
    until(lambda: own_cluster.execute(waiting)[0][0] == 1 + len(clients), "all commits are under way")
    own_cluster.stop(mode)
    probe.result(seconds(10))
    errors = together(Client.hears_of_the_loss, clients)
    assert {str(error) for error in errors} <= {"E(FATAL 08006)", "E(FATAL 57P01)", "E(FATAL 57P02)"}
    assert all("may or may not" in error.text for error in errors if error.sqlstate == "08006")
    own_cluster.start()
    done = "select id, count(*) from outcomes where id >= 0 group by id order by id"
    each_once = [(id, 1) for id in range(len(COMMITS))]
    assert own_cluster.execute(done, "app") == each_once
    with proxy.wire() as other:
        assert len(other.query("select * from outcomes where id >= 0")) == len(COMMITS)
    assert own_cluster.execute(done, "app") == each_once
