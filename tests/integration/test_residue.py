"""B12: buffers are used again, their old contents are not. One client fills every buffer there is with a byte that nobody
else uses; it must never turn up in what others hear, or in what goes to the server for them."""

import pytest

from harness import messages as m
from harness.cluster import USERS
from harness.relay import Relay
from harness.waiting import repetitions, until
from harness.wire import LoginFailed
from proof.pipeline_play import assert_same, play
from proof.pipeline_script import END, setup

pytestmark = pytest.mark.own

MARK = "\x7f"
SIZES = [1, 7, 100, 1000, 5000, 16_000, 65_000, 66_000, 300_000]


@pytest.fixture(scope="module", autouse=True)
def table(cluster):
    cluster.execute(setup("pipe_rows"), "app")
    yield
    cluster.execute("drop table pipe_rows", "app")


def fill(proxy):
    """Everything that a client may say and hear, full of it: statements, values, names, settings, rows, COPY both ways,
    notices, errors, and what is left when it vanishes in the middle of a message."""
    for size in SIZES:
        text = MARK * size
        with proxy.wire(params=[("application_name", MARK * min(size, 60))]) as wire:
            for data in (m.Q(f"select '{text}'"), m.Q(f"select {MARK}"), m.Q(f"set my.mark to '{text[:900]}'"),
                         m.P("", "select $1::text") + m.B("", "", (text,)) + m.DP() + m.E() + m.S,
                         m.P(text[:60], f"select '{text}'") + m.B(text[:60], text[:60]) + m.E(text[:60]) + m.S,
                         m.Q(f"do $$ begin raise notice '{text}'; raise exception '{text}'; end $$"),
                         m.Q("copy pipe_rows from stdin") + m.d(f"1\t{text}\n") + m.c,
                         m.Q("copy pipe_rows to stdout"), m.Q("delete from pipe_rows")):
                wire.send(data)
                wire.until_ready()
        for cut in (m.Q(f"select '{text}'"), m.P("", f"select '{text}'"), m.startup([("user", text[:60])])):
            wire = proxy.socket() if cut[0] == 0 else proxy.wire()
            wire.send(cut[:-1])
            wire.abort()


# Short messages of every kind, which use a little of each buffer.
QUIET = (m.Q("select 'q', 1") + m.P("s", "select $1::text") + m.DS("s") + m.B("po", "s", ("v",)) + m.DP("po") +
         m.E("po") + m.CP("po") + m.S + m.Q("begin; set local work_mem to '1MB'; show work_mem; commit") +
         m.Q("select 1/0") + m.P("", "selekt") + m.B() + m.S + m.Q("copy pipe_rows from stdin") + m.d("1\ta\n") +
         m.f("no") + m.Q("copy pipe_rows to stdout") + m.F(1317, ("four",)) + m.Q("set timezone to 'Asia/Tokyo'") +
         m.Q("show timezone") + m.Q("do $$ begin raise notice 'n'; end $$") + m.Q("") + m.S + m.Q("prepare p as select 7") +
         m.Q("execute p") + m.Q("discard all") + m.Q("listen quiet") + m.Q("unlisten *") + m.Q("reset all") + END)


def all_is_over(proxy, relay):
    """Nothing of a client that is gone is still on its way to the server."""
    ours = proxy.metric("pgweir_backends", database="app") + proxy.metric("pgweir_listen_connections", database="app")
    busy = sum(proxy.metric("pgweir_backends", state=state) for state in ("borrowed", "opening", "leaving"))
    return proxy.metric("pgweir_clients") == 0 and busy == 0 and relay.connections() == ours


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_of_one_client_reaches_another(start, cluster, direct, workers):
    theirs = play(direct, QUIET)
    with Relay(cluster.host, cluster.port) as relay:
        proxy = start(max_size=1, changes={"workers": workers, "databases": {"app": {"port": relay.port}}})
        play(proxy, QUIET)  # pgweir asks what it wants to know of the database
        for _ in range(repetitions(4, least=1)):
            fill(proxy)
            until(lambda: all_is_over(proxy, relay), "the relay has passed on all")
            assert MARK.encode() in b"".join(relay.take_flights()), "it went by"
            for _ in range(2 * workers):
                assert_same(play(proxy, QUIET), theirs)
            assert MARK.encode() not in b"".join(relay.take_flights())


def test_nothing_of_one_client_reaches_whoever_is_refused(start):
    """Its login is answered by pgweir alone."""
    proxy = start(max_size=1)
    fill(proxy)
    for user, database, password in (("nobody", "app", "x"), ("app", "app", "wrong"), ("app2", "other", USERS["app2"])):
        with proxy.socket() as wire:
            with pytest.raises(LoginFailed):
                wire.login(user, database, password)
            assert wire.raw and MARK.encode() not in wire.raw
    with proxy.socket() as wire:
        wire.send(m.startup([("user", "app")], major=4))
        assert MARK.encode() not in b"".join(x.body for x in wire.until_eof())
