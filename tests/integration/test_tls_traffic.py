"""What goes through TLS between a client and pgweir comes out as it went in, however the network cuts it up."""

import hashlib
import io
import os
import socket
import ssl
import struct

import psycopg
import pytest

from harness import messages as m
from harness import processes, tls
from harness.cluster import USERS
from harness.link import Link
from harness.waiting import repetitions, seconds, until
from harness.wire import Wire, tls_context
from proof.pipeline_script import LAST
from test_narrow_links import SHORT

pytestmark = pytest.mark.own

NARROW = 2304  # the least that Linux grants
PLAINTEXT_MAX = 8192
RECORD_OVERHEAD_MAX = 24  # TLS 1.2: nonce and tag; TLS 1.3: type and tag
PLACES = 300_000
ROW = f"select string_agg(lpad(g::text, 7, '0'), '' order by g) from generate_series(1, {PLACES}) g"
VALUE = "".join(f"{number:07d}" for number in range(1, PLACES + 1))


@pytest.fixture
def endpoint(shared, certificates):
    return shared("tls", max_size=2, changes=tls.listen(certificates.server, "require"))


@pytest.fixture
def link(endpoint):
    """Factory: link(bite=1) is a relay in front of pgweir."""
    made = []

    def factory(**options):
        made.append(Link(endpoint.host, endpoint.port, **options))
        return made[-1]

    yield factory
    for each in made:
        each.close()


def through(link, narrow=None, context=None):
    """A client of a relay, logged in through TLS."""
    wire = Wire(processes.LOOPBACK, link.port, narrow=narrow).start_tls(context)
    return wire.login("app", "app", USERS["app"])


def connect(endpoint, port=None):
    """A connection of psycopg 3, which is libpq's."""
    address = {**endpoint.address(), "sslmode": "require", "port": port or endpoint.port}
    return psycopg.connect(**address, autocommit=True)


def play(wire, script):
    """The raw answer to a script of one flight."""
    already = len(wire.raw)
    wire.send(script)
    while wire.buffer or not wire.raw.endswith(LAST):  # to the last message, or the next answer would begin with ours
        wire.receive(seconds(20))
    return wire.raw[already:]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_records_are_small(link, version):
    """libpq may wait for ever behind a record that is larger than its buffer."""
    records, heard = link(), []
    records.to_client = lambda connection, data: heard.append(data) or data
    with through(records, context=tls_context(version=version)) as wire:
        assert wire.value(ROW, timeout=seconds(20)) == VALUE
    sizes = tls.record_sizes(b"".join(heard)[1:])  # behind the answer to SSLRequest
    assert PLAINTEXT_MAX < max(sizes) <= PLAINTEXT_MAX + RECORD_OVERHEAD_MAX
    assert sum(sizes) > len(VALUE)


def test_large_messages_both_ways(endpoint):
    with endpoint.wire(tls=tls_context()) as wire:
        assert wire.value(ROW, timeout=seconds(20)) == VALUE
        digest = hashlib.md5(VALUE.encode()).hexdigest()
        assert wire.ask(m.P("", "select md5($1)") + m.B("", "", (VALUE,)) + m.E() + m.S, timeout=seconds(20)) == \
            f"1 2 D({digest}) C(SELECT 1) Z(I)"


def test_many_small_rows(endpoint):
    count = repetitions(200_000)
    with endpoint.wire(tls=tls_context()) as wire:
        rows = wire.query(f"select g from generate_series(1, {count}) g", timeout=seconds(20))
        assert rows == [[str(number)] for number in range(1, count + 1)]


def test_copy_both_ways(endpoint, admin):
    lines = "".join(f"{number}\tv{number:060d}\n" for number in range(repetitions(100_000)))
    with connect(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("create table tls_copy (id int, v text)")
        try:
            with cursor.copy("copy tls_copy from stdin") as copy:
                for at in range(0, len(lines), 77_777):
                    copy.write(lines[at:at + 77_777])
            out = io.BytesIO()
            with cursor.copy("copy (select * from tls_copy order by id) to stdout") as copy:
                for data in copy:
                    out.write(data)
            assert out.getvalue().decode() == lines
        finally:
            cursor.execute("drop table tls_copy")


@pytest.mark.parametrize("narrow", [None, NARROW])
def test_a_pipeline_that_is_longer_than_all_buffers(endpoint, link, narrow):
    """libpq writes and reads at once; on a narrow link hardly a write is taken whole, on either side."""
    count = repetitions(300)
    with connect(endpoint, link(narrow=narrow).port) as connection, connection.pipeline():
        cursors = [connection.cursor().execute("select %s::text || repeat('x', %s)", (str(n), n * 37 % 9000))
                   for n in range(count)]
        for n, cursor in enumerate(cursors):
            assert cursor.fetchone()[0] == str(n) + "x" * (n * 37 % 9000)


@pytest.mark.parametrize("bite, narrow", [(1, None), (7, None), (1000, NARROW), (65536, NARROW)])
def test_every_kind_of_message_on_a_link_that_cuts(link, direct, admin, pipe_rows, bite, narrow):
    """The handshake, too, arrives in such pieces, in both directions."""
    with direct.wire() as wire:
        theirs = play(wire, SHORT)
        wire.query(f"truncate {pipe_rows}")
    with through(link(bite=bite, narrow=narrow), narrow) as wire:
        assert play(wire, SHORT) == theirs


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_statements_that_are_cut_in_records(endpoint, version):
    """A record may end anywhere in a message; several may come in one segment, or one in several."""
    burst = m.P("s", "select $1::text") + m.B("", "s", ("value",)) + m.E() + m.CS("s") + m.S
    with endpoint.wire(tls=tls_context(version=version)) as wire:
        for at in range(1, len(burst), 3):
            wire.send(burst[:at])  # a record
            wire.send(burst[at:])
            assert " ".join(str(x) for x in wire.until_ready()) == "1 2 D(value) C(SELECT 1) 3 Z(I)"
        wire.send(burst, "bytes")
        assert " ".join(str(x) for x in wire.until_ready()) == "1 2 D(value) C(SELECT 1) 3 Z(I)"


def test_a_statement_right_behind_the_login(endpoint):
    """Bytes that come in one read with the end of a handshake or of a login are not left lying."""
    startup = m.startup([("user", "app"), ("database", "app")])
    for _ in range(repetitions(50)):
        with endpoint.socket() as wire:
            wire.start_tls(tls_context(version=ssl.TLSVersion.TLSv1_3))
            wire.send(startup)
            wire.authenticate("app", USERS["app"])
            assert wire.value("select 1") == "1"


def test_a_slow_reader_is_waited_for(endpoint, link):
    """What it does not take waits here, and TLS's own buffer is offered again as it was."""
    size = 1_500_000
    held = link(narrow=NARROW)
    with through(held, NARROW) as wire:
        wire.send(m.Q(f"select repeat('a', {size}); select repeat('b', {size}); select 'end'"))
        answer = wire.until_ready(seconds(60))
        values = [x.values()[0] for x in answer if x.kind == "D"]
        assert values == ["a" * size, "b" * size, "end"]


def test_the_end_of_a_client_is_noticed(endpoint):
    """With TLS's close_notify or without it, a client that closes has left."""
    closed = endpoint.metric("pgweir_clients_ended_total", reason="client_closed")
    polite = endpoint.wire(tls=tls_context())
    polite.sock.unwrap()  # waits for the answer, which pgweir gives when it closes
    rude = endpoint.wire(tls=tls_context())
    rude.close()
    until(lambda: endpoint.metric("pgweir_clients_ended_total", reason="client_closed") == closed + 2,
          "both have left")


def reset_after_goodbye(wire):
    """Closes with TLS's close_notify and with TCP's reset behind it."""
    raw = socket.socket(fileno=os.dup(wire.sock.fileno()))
    wire.sock.setblocking(False)
    try:
        wire.sock.unwrap()
    except (ssl.SSLError, OSError):
        pass
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(wire.sock.detach())
    raw.close()


@pytest.mark.parametrize("logs_in", [False, True])
def test_a_client_that_says_goodbye_and_is_gone(endpoint, logs_in):
    """What is still to be written to it fails; once OpenSSL called that an end of the stream, and the worker tried for
    ever."""
    for _ in range(10):
        wire = Wire(processes.LOOPBACK, endpoint.port).start_tls()
        if logs_in:
            wire.login("app", "app", USERS["app"])
            wire.send(m.Q("select pg_sleep(0.05)"))
        else:
            wire.send(m.startup([("user", "app"), ("database", "app")]))
        reset_after_goodbye(wire)
        with endpoint.wire(tls=tls_context()) as other:
            assert other.ask(m.Q("select 1")) == "T D(1) C(SELECT 1) Z(I)"
