"""D13: statements, values and names of every size around the buffers that they pass through, up to the largest."""

import re
import resource

import pytest

from harness import messages as m
from harness.waiting import FACTOR, seconds
from harness.wire import EOF
from proof.pump import Pump, ends_with

KIB, MIB = 1 << 10, 1 << 20
BUFFER = 64 * KIB  # what pgweir reads at once
KEPT = 16 * KIB  # of a batch, so that it can be sent again
LARGEST = 64 * MIB  # a Parse is kept whole up to here


def around(size):
    return [size // 2, *range(size - 6, size + 7), 4 * size]


# The whole Parse or Bind is that long, from its type to its last byte.
SIZES = sorted({*around(BUFFER), *around(KEPT)})
HUGE = LARGEST - 1000 if FACTOR == 1 else LARGEST // 8


@pytest.fixture
def endpoint(shared):
    return shared("one", max_size=1)


def padded(make, size):
    """make(filling) with as much of it as makes the message `size` bytes long."""
    filling = "x" * (size - len(make("")))
    message = make(filling)
    assert len(message) == size
    return message, len(filling)


def parse(name, filling):
    return m.P(name, f"select length('{filling}')")


def bind(name, filling):
    return m.B("", name, (filling,))


@pytest.mark.parametrize("size", SIZES)
def test_a_parse_and_a_bind(endpoint, size):
    with endpoint.wire() as wire:
        for name in ("", "s"):
            data, length = padded(lambda filling: parse(name, filling), size)
            answer = f"1 2 D({length}) C(SELECT 1) Z(I)"
            assert wire.ask(data + m.B("", name) + m.E() + m.S) == answer
            # As the second message of a write, so that it does not begin where the buffer does.
            assert wire.ask(m.CS(name) + data + m.B("", name) + m.E() + m.S) == f"3 {answer}"
            assert wire.ask(m.CS(name) + m.P(name, "select length($1::text)") + m.S) == "3 1 Z(I)"
            data, length = padded(lambda filling: bind(name, filling), size)
            assert wire.ask(data + m.E() + m.S) == f"2 D({length}) C(SELECT 1) Z(I)"
            assert wire.ask(data + m.E() + data + m.E() + m.S) == f"2 D({length}) C(SELECT 1) " * 2 + "Z(I)"


@pytest.mark.parametrize("size", SIZES)
def test_a_query_and_a_row(endpoint, size):
    with endpoint.wire() as wire:
        data, length = padded(lambda filling: m.Q(f"select length('{filling}')"), size)
        assert wire.ask(data) == f"T D({length}) C(SELECT 1) Z(I)"
        # A DataRow of one column has 11 bytes beside the value.
        wire.send(m.Q(f"select repeat('r', {size - 11})"))
        assert [len(x.body) + 5 for x in wire.until_ready() if x.kind == "D"] == [size]


@pytest.mark.parametrize("length", [1, 62, 63, 64, 1000, 8000])
def test_a_name(endpoint, direct, length):
    """Of a statement and of a portal: whatever PostgreSQL makes of one, it is the same through pgweir."""
    name, portal = "n" * length, "p" * length
    messages = [m.P(name, "select 5") + m.B(portal, name) + m.DP(portal) + m.E(portal) + m.S, m.DS(name) + m.S,
                m.B("", name) + m.E() + m.S, m.P(name, "select 6") + m.S, m.CS(name) + m.CP(portal) + m.S,
                m.B("", name) + m.S]
    with endpoint.wire() as wire, direct.wire() as reference:
        for data in messages:
            assert wire.ask(data) == reference.ask(data)


@pytest.mark.parametrize("length", [KEPT, BUFFER - 20, BUFFER, BUFFER + 1, MIB])
@pytest.mark.parametrize("how", ["whole", "halves"])
def test_a_name_of_which_no_buffer_holds_all(endpoint, how, length):
    """PostgreSQL takes the first 63 bytes of it; pgweir may not find the other name of that Bind and say so."""
    with endpoint.wire() as wire:
        for data in (m.P("n" * length, "select 5"), m.B("p" * length, "n" * length), m.B("", "n" * length)):
            wire.send(data + m.S, how)
            answer = " ".join(str(x) for x in wire.until_ready())
            assert answer in ("1 Z(I)", "2 Z(I)", "E(26000) Z(I)", "E(08P01) Z(I)"), answer
        assert wire.ask(m.B("", "n" * 63) + m.E() + m.S) == "2 D(5) C(SELECT 1) Z(I)"


def test_several_large_ones_in_a_pipeline(endpoint):
    """Larger than any buffer together, each of a size that leaves the next one's header across its end."""
    with endpoint.wire() as wire:
        data, answer = b"", ""
        for number, size in enumerate(range(BUFFER - 12, BUFFER + 12)):
            one, length = padded(lambda filling: parse(f"s{number}", filling), size)
            data += one + m.B("", f"s{number}") + m.E()
            answer += f"1 2 D({length}) C(SELECT 1) "
        assert wire.ask(data + m.S, timeout=seconds(20)) == answer + "Z(I)"


@pytest.mark.parametrize("what", ["Parse", "Bind", "Query", "row"])
def test_the_largest(endpoint, what):
    with endpoint.wire() as wire:
        if what == "Parse":
            data, length = padded(lambda filling: parse("s", filling), HUGE)
            assert wire.ask(data + m.B("", "s") + m.E() + m.CS("s") + m.S, timeout=seconds(30)) == \
                f"1 2 D({length}) C(SELECT 1) 3 Z(I)"
        elif what == "Bind":
            assert wire.ask(m.P("s", "select length($1::text)") + m.S) == "1 Z(I)"
            data, length = padded(lambda filling: bind("s", filling), HUGE * 2)
            assert wire.ask(data + m.E() + m.S, timeout=seconds(30)) == f"2 D({length}) C(SELECT 1) Z(I)"
        elif what == "Query":
            data, length = padded(lambda filling: m.Q(f"select length('{filling}')"), HUGE)
            assert wire.ask(data, timeout=seconds(30)) == f"T D({length}) C(SELECT 1) Z(I)"
        else:
            assert row_of(wire, HUGE)
        assert wire.value("select 1") == "1"


def row_of(wire, length):
    """Asks for a value of this length, and finds it whole."""
    answer = Pump(wire, m.Q(f"select repeat('r', {length})")).until(ends_with(m.message(b"Z", b"I")))
    wire.sock.setblocking(True)
    return answer.count(b"r" * length) == 1 and b"r" * (length + 1) not in answer


@pytest.mark.own
@pytest.mark.skipif(FACTOR != 1, reason="a sanitizer needs too long for it")
def test_a_parse_that_is_too_large_ends_its_client_alone(endpoint):
    with endpoint.wire() as other:
        pid = other.value("select pg_backend_pid()")
        wire = endpoint.wire()
        data, _ = padded(lambda filling: parse("s", filling), LARGEST + 100)
        try:
            wire.send(data)
        except OSError:
            pass  # it may be refused by its header already
        told = wire.receive(seconds(10))
        assert str(told) == "E(FATAL 54000)" and wire.receive() is EOF
        assert other.value("select pg_backend_pid()") == pid


@pytest.mark.own
@pytest.mark.skipif(FACTOR != 1, reason="a sanitizer keeps memory of its own")
def test_what_streams_through_takes_no_memory(start):
    """A Bind of 128 MiB and a row of 64 MiB are never held."""
    proxy = start(max_size=1)
    with proxy.wire() as wire:
        assert wire.ask(m.P("s", "select length($1::text)") + m.S) == "1 Z(I)"
        before = memory(proxy)
        assert wire.ask(m.B("", "s", ("y" * 2 * LARGEST,)) + m.E() + m.S, timeout=seconds(30)) == \
            f"2 D({2 * LARGEST}) C(SELECT 1) Z(I)"
        assert row_of(wire, LARGEST)
        assert memory(proxy) - before < 8 * MIB


@pytest.mark.own
@pytest.mark.skipif(FACTOR != 1, reason="a sanitizer ends a process that is refused memory")
def test_a_client_that_leaves_what_there_is_no_memory_for_ends_alone(start):
    """The server lists a setting of 20 MiB when it is asked what the client has left."""
    proxy = start(max_size=1)
    with proxy.wire() as other:
        other.query("select 1")
        limit_memory(proxy, 14 * MIB)
        for _ in range(3):
            wire = proxy.wire()
            wire.ask(m.Q("do $$ begin perform set_config('my.huge', repeat('h', 20 * 1024 * 1024), false); end $$"))
            wire.sock.close()
            assert other.value("select 1", timeout=seconds(10)) == "1"


@pytest.mark.own
@pytest.mark.skipif(FACTOR != 1, reason="a sanitizer ends a process that is refused memory")
def test_a_client_for_whose_message_there_is_no_memory_ends_alone(start):
    proxy = start(max_size=2)
    with proxy.wire() as other, proxy.wire() as wire:
        other.query("select 1")
        wire.query("select 1")
        limit_memory(proxy, 16 * MIB)
        data, _ = padded(lambda filling: parse("s", filling), LARGEST - 100)
        try:
            wire.send(data)
        except OSError:
            pass  # it is closed by then
        with pytest.raises((ConnectionError, AssertionError)):
            assert wire.receive(seconds(10)) is not EOF
        assert other.value("select 1") == "1"
        resource.prlimit(proxy.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert proxy.metric("pgweir_clients_ended_total", reason="out_of_memory") == 1
        with proxy.wire() as another:
            assert another.value("select 1") == "1"


def limit_memory(proxy, room):
    with open(f"/proc/{proxy.process.pid}/status") as status:
        now = int(re.search(r"VmSize:\s+(\d+) kB", status.read())[1]) * 1024
    resource.prlimit(proxy.process.pid, resource.RLIMIT_AS, (now + room, resource.RLIM_INFINITY))


def memory(proxy):
    with open(f"/proc/{proxy.process.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) * 1024


def test_a_row_that_breaks_off_is_not_filled_up_with_an_error(start, admin):
    """A client that reads its row to the end must not take the reason for a part of it."""
    endpoint = start(max_size=1)
    wire = endpoint.wire()
    pid = int(wire.value("select pg_backend_pid()"))
    wire.send(m.Q("select repeat('v', 60 * 1024 * 1024)"))
    heard = wire.sock.recv(100_000)
    with admin.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", (pid,))
    wire.sock.settimeout(seconds(10))
    while data := wire.sock.recv(1 << 20):
        heard += data
    row = heard[heard.index(b"vvvv"):]
    assert 0 < len(row) < 60 * MIB and not row.strip(b"v"), row.strip(b"v")[:200]


LONG = "z" * 300_000
BESIDE = {
    "its value": f"set app.long = '{LONG}'",
    "set_config": f"select set_config('app.long', '{LONG}', false) is not null",
    "beside other text": f"set app.long = 'short'; select length('{LONG}')",
    "bound": m.P("", "select length(set_config('app.long', $1, false))") + m.B("", "", (LONG,)) + m.E() + m.S,
    "bound beside other values": m.P("", "select set_config($1, $2, false), length($3)") +
                                 m.B("", "", ("app.long", "short", LONG)) + m.E() + m.S,
}


@pytest.mark.parametrize("step", [1448, 16 * KIB, 1000 * KIB])
@pytest.mark.parametrize("name", BESIDE)
def test_a_setting_in_a_long_text(shared, name, step):
    """However it is cut on its way: what it sets follows the client to another backend."""
    endpoint = shared("one", max_size=1)
    sent = BESIDE[name] if isinstance(BESIDE[name], bytes) else m.Q(BESIDE[name])
    with endpoint.wire() as wire, endpoint.wire() as other:
        for begin in range(0, len(sent), step):
            wire.send(sent[begin:begin + step])
        wire.until_ready(seconds(10))
        other.query("set app.long = 'foreign'")
        length = len(LONG) if name in ("its value", "set_config", "bound") else len("short")
        assert wire.value("select length(current_setting('app.long'))") == str(length)


@pytest.mark.parametrize("sql", ["execute named; select length('LONG')", "select length('LONG'); deallocate named"])
def test_a_statement_by_name_in_a_long_text(start, sql):
    """Its backend is another client's by then."""
    endpoint = start(max_size=2)
    with endpoint.wire() as wire, endpoint.wire() as other:
        wire.query("prepare named as select 7")
        other.query("begin")
        assert "E(" not in wire.ask(m.Q(sql.replace("LONG", LONG)))
        other.query("commit")
        assert wire.ask(m.Q("execute named")).startswith("E(26000" if "deallocate" in sql else "T D(7)")


def test_a_name_that_a_function_is_given_in_a_long_text(start, cluster):
    cluster.execute("create function sets_named(text, name text, value text) returns text language sql as"
                    " $$ select set_config(name, value, false) $$", "app")
    try:
        endpoint = start(max_size=1)
        with endpoint.wire() as wire, endpoint.wire() as other:
            wire.query(f"select sets_named('{LONG}', 'app.long', 'mine')")
            other.query("select 1")
            assert wire.value("select current_setting('app.long')") == "mine"
    finally:
        cluster.execute("drop function sets_named(text, text, text)", "app")
