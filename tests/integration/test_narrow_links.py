"""Networks that take and give little at a time, on both sides of pgweir: no read brings a whole message, hardly a write is
taken whole, and the answers are PostgreSQL's own, byte by byte."""

import hashlib
import socket

import pytest

from harness import messages as m
from harness.link import Link
from harness.waiting import FACTOR, repetitions, seconds
from proof.pipeline_play import assert_same, play, rows_of
from proof.pipeline_script import END, Script
from proof.seeds import new_seed

pytestmark = pytest.mark.own

NARROW = 2304  # the least that Linux grants
BITES = {"bytes": 1, "crumbs": 7, "pieces": 1000}


@pytest.fixture(scope="module")
def links(cluster):
    """Links to the server, narrow, by how much they pass on at once."""
    open_links = {name: Link(cluster.host, cluster.port, bite=bite, narrow=NARROW) for name, bite in BITES.items()}
    yield open_links
    for link in open_links.values():
        link.close()


@pytest.fixture
def endpoint(shared, links):
    return lambda name: shared(name, max_size=1, changes={"databases": {"app": {"port": links[name].port}}})


# All kinds of messages in one script, none of them large.
SHORT = (m.Q("select 1; select 'two', 3") + m.P("s", "select $1::text, $2::int") + m.DS("s") + m.B("", "s", ("v", 7)) +
         m.DP() + m.E() + m.S + m.P("", "select generate_series(1, 9)") + m.B("po") + m.E("po", 4) + m.E("po", 4) +
         m.CP("po") + m.H + m.E("po") + m.S + m.Q("begin; set local work_mem to '1MB'; show work_mem; commit") +
         m.Q("copy pipe_rows from stdin") + m.d("1\ta\n2\tb\n") + m.c + m.Q("copy pipe_rows to stdout") +
         m.Q("selekt") + m.P("", "select 1/0") + m.B() + m.E() + m.P() + m.S + m.F(1317, ("four",)) + m.CS("s") +
         m.Q("set timezone to 'Asia/Tokyo'") + m.Q("do $$ begin raise notice 'heard'; end $$") +
         m.Q("deallocate all") + END)


@pytest.mark.parametrize("how", ["bytes", "crumbs"])
def test_every_kind_of_message_in_bytes(endpoint, direct, admin, pipe_rows, how):
    """In both directions and on both sides: the link to the server passes on as little as the client sends and reads."""
    theirs = play(direct, SHORT)
    rows_of(admin, pipe_rows)
    bite = BITES[how]
    assert_same(play(endpoint(how), SHORT, narrow=NARROW, bite=bite, piece=lambda: bite), theirs)


def test_every_split_of_a_burst(endpoint, direct):
    """Three messages in two writes, the second of which is sent when the first must have been read."""
    burst = m.P("s", "select $1::text") + m.B("", "s", ("value",)) + m.E() + m.CS("s") + m.S
    answer = "1 2 D(value) C(SELECT 1) 3 Z(I)"
    with endpoint("pieces").wire() as wire, direct.wire() as reference:
        assert reference.ask(burst) == answer
        for at in range(1, len(burst), 1 if FACTOR == 1 else 7):
            # The answer to a first, whole statement comes when pgweir has read the write that ends in a part of the next.
            wire.send(m.Q("select 'first'") + burst[:at])
            assert " ".join(str(x) for x in wire.until_ready()) == "T D(first) C(SELECT 1) Z(I)"
            assert wire.ask(burst[at:]) == answer


# Where it is narrow. Beside a wide side that brings much at once, the writes to the narrow one are hardly ever taken whole.
SIDES = {"client": {"narrow": NARROW, "server": None}, "server": {"narrow": None, "server": "pieces"},
         "both": {"narrow": NARROW, "server": "pieces"}}


@pytest.fixture(params=SIDES)
def sides(request, endpoint, shared):
    """(endpoint, narrow) for a client of it."""
    side = SIDES[request.param]
    return endpoint(side["server"]) if side["server"] else shared("wide", max_size=1), side["narrow"]


@pytest.mark.parametrize("reader", ["eager", "reluctant"])
def test_random_pipelines(sides, direct, admin, pipe_rows, reader):
    """Rows and statements of up to 100 kB through buffers of 2."""
    endpoint, narrow = sides
    script = Script(new_seed(), repetitions(300, least=100), pipe_rows)
    theirs = play(direct, script.data)
    rows = rows_of(admin, pipe_rows)
    options = {"bite": 1500 if narrow else 1 << 18, "reluctant": reader == "reluctant", "patience": 60}
    assert_same(play(endpoint, script.data, narrow=narrow, **options), theirs)
    assert rows_of(admin, pipe_rows) == rows


PLACES = 300_000
ROW = f"select string_agg(lpad(g::text, 7, '0'), '' order by g) from generate_series(1, {PLACES}) g"


def test_large_messages(sides):
    """2 MB there and back, each byte of which tells its place: what waits is far more than what is taken."""
    endpoint, narrow = sides
    value = "".join(f"{number:07d}" for number in range(1, PLACES + 1))
    with endpoint.wire(narrow=narrow) as wire:
        assert wire.ask(m.Q(ROW), timeout=seconds(20)) == f"T D({value}) C(SELECT 1) Z(I)"
        digest = hashlib.md5(value.encode()).hexdigest()
        assert wire.ask(m.P("", "select md5($1)") + m.B("", "", (value,)) + m.E() + m.S, timeout=seconds(20)) == \
            f"1 2 D({digest}) C(SELECT 1) Z(I)"


def test_urgent_data_is_no_part_of_the_stream(shared, direct):
    """TCP sends it out of band, and PostgreSQL does not look at it."""
    query = m.Q("select 'in band'")
    for endpoint in (direct, shared("plain", max_size=1)):
        with endpoint.wire() as wire:
            for at in range(0, len(query), 5):
                wire.send(query[:at])
                wire.sock.send(b"!", socket.MSG_OOB)
                wire.send(query[at:])
                assert " ".join(str(x) for x in wire.until_ready()) == "T D(in band) C(SELECT 1) Z(I)"
