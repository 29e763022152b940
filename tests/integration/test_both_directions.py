"""H2: both directions at once. Whoever writes may have to wait until somebody reads, and then everything goes on."""

import re

import pytest

from harness import messages as m
from harness.waiting import repetitions, seconds, until
from proof.pump import Pump, ends_with

OVER = m.message(b"D", b"\0\1\0\0\0\4over") + m.message(b"C", b"SELECT 1\0") + m.message(b"Z", b"I")
MARKED = m.Q("select 'over'")
MIB = 1 << 20

# More than the kernel's buffers take in both directions together: four to send of 4 MiB, four to receive of 6 to 32 MiB.
ROWS, WIDTH = 12_000, 10_000

STORM = f"""create table storm (id int, filling text);
create function storm_notice() returns trigger language plpgsql as
$$ begin raise notice 'row % %', new.id, repeat('n', {WIDTH}); return new; end $$;
create trigger storm_notice before insert on storm for each row execute function storm_notice();
grant all on storm to public"""


@pytest.fixture(scope="module", autouse=True)
def table(cluster):
    cluster.execute(STORM, "app")
    yield
    cluster.execute("drop table storm; drop function storm_notice()", "app")


@pytest.fixture
def endpoint(shared):
    return shared("two", max_size=2, changes={"workers": 1})


@pytest.mark.parametrize("reluctant, megabytes", [(False, 64), (True, 12)], ids=["eager", "reluctant"])
def test_megabytes_in_each_direction(endpoint, reluctant, megabytes):
    """Statements of 100 kB, each with a row of 100 kB; the reluctant client reads only while it cannot write."""
    count = repetitions(megabytes * 10, least=100)
    text = "t" * 100_000
    with endpoint.wire() as wire:
        pump = Pump(wire, m.Q(f"select '{text}'") * count + MARKED, reluctant=reluctant)
        assert pump.until(ends_with(OVER)).count(b"t" * 100_000) == count


def storm():
    """A COPY IN, each row of which is answered by a NOTICE of the same size."""
    data = b"".join(m.d(f"{number}\t{'r' * WIDTH}\n") for number in range(ROWS))
    return m.Q("copy storm from stdin") + data + m.c + MARKED


def assert_complete(answer):
    numbers = re.findall(rb"Mrow (\d+) n{%d}\0" % WIDTH, answer)
    assert numbers == [str(number).encode() for number in range(ROWS)]
    assert f"COPY {ROWS}\0".encode() in answer and answer.endswith(OVER)


def test_a_storm_of_notices_that_is_read(endpoint):
    with endpoint.wire() as wire:
        assert_complete(Pump(wire, storm()).until(ends_with(OVER)))


def test_a_storm_of_notices_that_is_not_read(endpoint, cluster):
    """The client first sends for as long as anybody takes it, as libpq's COPY does in blocking mode. Everything waits for it
    then, but nobody else: another client of the same thread is served. When it reads, nothing is missing."""
    with endpoint.wire() as wire, endpoint.wire() as other:
        pump = Pump(wire, storm())
        pump.write_until_blocked()
        assert not pump.all_sent, "the storm is smaller than the buffers"
        for number in range(100):
            assert other.value(f"select {number}") == str(number)
        assert_complete(pump.until(ends_with(OVER)))


@pytest.mark.parametrize("leave", ["abort", "close"])
def test_who_leaves_in_the_storm_leaves_nothing(shared, cluster, watch, leave):
    endpoint = shared("one", max_size=1)
    cluster.execute("truncate storm", "app")
    wire = endpoint.wire()
    pump = Pump(wire, storm())
    pump.write_until_blocked()
    getattr(wire, leave)()
    with watch() as seen, endpoint.wire() as other:
        assert other.ask(m.Q("select count(*) from storm"), timeout=seconds(5)) == "T D(0) C(SELECT 1) Z(I)"
        until(lambda: all(row[2] == "idle" for row in seen.now()), "nothing runs on", timeout=2)
