"""deploy/quickstart.sh with programs that are built already: what it shows, and that nothing remains of it."""

import re
import signal

import pytest

from harness import descendants
from harness.processes import unprivileged_user
from harness.quickstart import Quickstart, listens

pytestmark = pytest.mark.own

CLIENTS = 200  # four times as many as its PostgreSQL takes
STAYS = "Ctrl-C stops everything."


@pytest.fixture
def make():
    """Factory of quick starts. Whatever they start is found again, however it has detached itself."""
    made = []

    def factory(user=None):
        made.append(Quickstart(user))
        return made[-1]

    with descendants.adopted():
        yield factory
        for quickstart in made:
            quickstart.remove()


@pytest.fixture(params=["caller", "unprivileged"])
def quickstart(request, make):
    user = unprivileged_user() if request.param == "unprivileged" else None
    if request.param == "unprivileged" and user is None:
        pytest.skip("the caller is unprivileged already")
    return make(user)


def nothing_remains(quickstart, state, ports=()):
    assert not quickstart.living()
    assert not state.exists() and not quickstart.note.exists()
    assert not [port for port in ports if listens(port)]


def served(output):
    """The two columns of the table's line."""
    line = re.search(r"^\W*served\W+(\d+)\W+(\d+)\W*$", output.replace(",", ""), re.MULTILINE)
    assert line, output
    return [int(number) for number in line.groups()]


def run_once(quickstart):
    quickstart.start("--once", "--clients", str(CLIENTS))
    state, ports = quickstart.state(), quickstart.ports()
    assert quickstart.end() == 0, quickstart.output()
    directly, through_pgweir = served(quickstart.output())
    assert 0 < directly <= 50 and through_pgweir == CLIENTS
    nothing_remains(quickstart, state, ports)
    return state


def test_once_shows_both_bursts_and_leaves_nothing_also_the_second_time(quickstart):
    assert run_once(quickstart) != run_once(quickstart)


def test_once_tells_by_its_exit_code_that_not_all_were_served(make):
    quickstart = make()
    bench = quickstart.binaries / "pgweir-bench"
    bench.rename(f"{bench}.whole")
    bench.write_text('#!/bin/sh\n"$0.whole" "$@"\n[ "$1" != burst ]\n')
    bench.chmod(0o755)
    assert quickstart.start("--once", "--clients", "20").end() == 1
    assert served(quickstart.output()) == [20, 20]


def test_ctrl_c_ends_one_that_stays_up(quickstart):
    quickstart.start("--clients", "20").printed(STAYS)
    state, ports = quickstart.state(), quickstart.ports()
    assert all(listens(port) for port in ports) and quickstart.living()
    quickstart.ctrl_c()
    assert quickstart.end() == 0, quickstart.output()
    nothing_remains(quickstart, state, ports)


@pytest.mark.parametrize("moment", ["Creating a private PostgreSQL cluster.", "The same burst on pgweir"])
def test_ctrl_c_in_the_middle(make, moment):
    quickstart = make().start("--once")
    state = quickstart.state()
    quickstart.printed(moment)
    quickstart.ctrl_c()
    assert quickstart.end() == 130, quickstart.output()
    nothing_remains(quickstart, state)


def test_a_second_one_is_refused_and_does_not_disturb_the_first(make):
    quickstart = make().start("--clients", "20")
    quickstart.printed(STAYS)
    state, ports = quickstart.state(), quickstart.ports()
    assert quickstart.start("--once").end() == 1 and "another quickstart" in quickstart.output()
    assert all(listens(port) for port in ports) and quickstart.state() == state
    first = quickstart.processes[0]
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    nothing_remains(quickstart, state, ports)


def test_the_next_one_cleans_up_after_one_that_was_killed(make):
    quickstart = make().start("--clients", "20")
    quickstart.printed(STAYS)
    state, ports = quickstart.state(), quickstart.ports()
    quickstart.processes[0].kill()
    quickstart.end()
    assert all(listens(port) for port in ports)
    assert quickstart.start("--once", "--clients", "20").end() == 0, quickstart.output()
    assert "was killed" in quickstart.output()
    nothing_remains(quickstart, state, ports)


def test_a_pgweir_that_ends_is_told_and_leaves_nothing(make):
    quickstart = make()
    (quickstart.binaries / "pgweir").write_text("#!/bin/sh\necho out of order\nexit 1\n")
    state = quickstart.start("--once").state()
    assert quickstart.end() == 1 and "pgweir has ended: out of order" in quickstart.output()
    nothing_remains(quickstart, state)
