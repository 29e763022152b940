"""bench/compare's counts of instructions: exact, or none at all; and the scripts of its loads."""

import itertools
import pathlib
import re
import struct
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))

from compare import cases, instructions, pgbench, scripts, trials, wire  # noqa: E402
from compare.processes import Trouble  # noqa: E402


def windows(noise):
    """Of a system that needs 1,000 for a transaction and 70 around a window."""
    return lambda length: 70 + 1000 * length + next(noise)


def test_what_timers_add_now_and_then_is_in_no_figure():
    noise = itertools.cycle([5, 0, 300, 7, 0, 0, 41])
    assert instructions.per_transaction(windows(noise)) == (1000, True)


def test_what_belongs_to_a_window_cancels_out():
    assert instructions.per_transaction(windows(itertools.repeat(12345))) == (1000, True)


def test_a_smallest_number_that_came_once_is_not_believed():
    noise = itertools.chain([0, 9], itertools.cycle([9]))
    asked = []
    count = windows(noise)
    assert instructions.per_transaction(lambda length: asked.append(length) or count(length)) == (1000, False)
    assert len(asked) == 2 * instructions.WINDOWS_MAX, "and it does not try for ever"


def test_without_a_number_that_comes_back_it_is_the_medians():
    noise = itertools.chain([0], itertools.repeat(50, 2 * instructions.WINDOWS_MAX - 2), [1000])
    assert instructions.per_transaction(windows(noise)) == (1000, False)


def test_the_total_of_a_report():
    assert instructions.total(["events: Ir\n\nfn=(1)\n12 345\n\ntotals: 209876\n"]) == 209876


@pytest.mark.parametrize("texts", [[], ["fn=(1)\n"], ["totals: 1\n", "totals: 2\n"]])
def test_marks_that_were_not_noticed_are_no_figure(texts):
    with pytest.raises(Trouble, match="marks"):
        instructions.total(texts)


def test_marks_have_the_form_that_the_preloaded_library_looks_for():
    source = instructions.MARKER.read_text()
    mark = re.search(r'mark\[\] = "([^"]*)"', source).group(1)
    first, ending = re.search(r"== '(.)'", source).group(1), re.search(r'sizeof "(\w+)"', source).group(1)
    for text in (instructions.BEGIN, instructions.END):
        assert text.startswith(mark) and len(text) == len(mark) + len(ending)
    assert instructions.BEGIN[len(mark)] == first != instructions.END[len(mark)]


class Client:
    """Writes down what it is asked."""

    def __init__(self):
        self.asked = []

    def query(self, sql):
        self.asked.append(sql)
        return [["1"]]

    def ask(self, *messages):
        self.asked.append(kinds(b"".join(messages)))
        return [["1"]]


def kinds(stream):
    """The types of the messages in it."""
    out = []
    while stream:
        out.append(stream[:1])
        stream = stream[1 + struct.unpack_from("!I", stream, 1)[0]:]
    return b"".join(out)


@pytest.mark.parametrize("name, messages", [("extended", b"PBDES"), ("prepared", b"BDES")])
def test_messages_of_a_transaction(name, messages):
    client = Client()
    instructions.WORK[name].ask(client, 0)
    assert client.asked == [messages]


def test_messages_of_a_tenants_transaction():
    client = Client()
    assert instructions.WORK["tenant-prepared"].ask(client, 0) == [["1"]]
    instructions.WORK["tenant-simple"].ask(client, 0)
    assert client.asked == ["BEGIN", b"BDES", b"BDES", "COMMIT", "BEGIN",
                            "SELECT set_config('app.tenant', '10001', true)",
                            "SELECT bid FROM pgbench_accounts WHERE aid = 10001", "COMMIT"]


@pytest.mark.parametrize("name, prepared", [("simple", 0), ("prepared", 1), ("tenant-simple", 0),
                                            ("tenant-prepared", 2)])
def test_what_is_prepared_when_a_client_comes(name, prepared):
    client = Client()

    class Place:
        def client(self, system, timeout):
            return client
    assert instructions.WORK[name].connect(Place(), None, 0) is client
    assert client.asked == [b"PS"] * prepared


def test_every_transaction_has_the_same_length():
    client = Client()
    for number in range(2000):
        instructions.WORK["simple"].ask(client, number)
    assert len({len(sql) for sql in client.asked}) == 1 and len(set(client.asked)) == 1000


def test_clients_take_turns():
    clients = [Client(), Client()]
    instructions.turns(instructions.WORK["settings"], clients, 6)
    assert [len(client.asked) for client in clients] == [3, 3]
    assert all(length % len(clients) == 0 for length in (instructions.FEW, instructions.MANY))


def test_a_transaction_without_a_row_is_no_load():
    class Empty(Client):
        def query(self, sql):
            return []
    with pytest.raises(Trouble):
        instructions.turns(instructions.WORK["simple"], [Empty()], 1)


def test_a_statement_with_one_parameter_on_the_wire():
    bind = b"B" + struct.pack("!I", 4 + 1 + 2 + 2 + 2 + 4 + 3 + 2) + b"\0s\0" + struct.pack("!HHi", 0, 1, 3) + b"123\0\0"
    assert wire.run_message("s", "123") == bind + b"D\0\0\0\x06P\0" + b"E\0\0\0\x09\0\0\0\0\0"
    assert wire.parse_message("s", "SELECT $1") == b"P\0\0\0\x12s\0SELECT $1\0\0\0"


def commands(script, of):
    return [line for line in script.splitlines() if line.startswith(of)]


@pytest.mark.parametrize("kinds", [0, 1, 3])
def test_a_client_sets_what_its_kind_sets_and_only_once(kinds):
    script = scripts.settings(kinds)
    assert len(commands(script, "SET ")) == 4 * kinds
    assert len(commands(script, "\\if")) == len(commands(script, "\\endif"))
    assert script.index("\\if :done = 0") < script.index("\\set done 1") < script.index("SELECT")
    assert len({line for line in commands(script, "SET application_name")}) == kinds
    assert script.splitlines()[-1].startswith("SELECT") and script.splitlines()[-2] == "\\endif"


def test_the_load_without_settings_differs_by_nothing_else():
    with_set = [line for line in scripts.settings(1).splitlines() if not line.startswith("SET ")]
    without = scripts.settings(0).splitlines()
    assert [line for line in with_set if "client_id" not in line] == without[:4] + ["\\endif"] + without[4:]


def test_kinds_of_clients_differ_in_every_setting():
    assert len(scripts.ZONES) >= scripts.KINDS
    for values in zip(*(scripts.statements(kind) for kind in range(scripts.KINDS))):
        assert len(set(values)) == scripts.KINDS


def test_what_set_adds_is_taken_from_the_same_repeat():
    out = trials.with_difference({"tps": 90, "cpu_us": 21.0}, {"tps": 100, "cpu_us": 20.5, "p50_us": 3})
    assert out == {"tps": 90, "cpu_us": 21.0, "plain_tps": 100, "plain_cpu_us": 20.5, "set_cpu_us": 0.5}
    assert trials.with_difference({"tps": 90}, {"tps": 100}) == {"tps": 90, "plain_tps": 100}, "direct has no CPU"


def test_a_script_of_our_own_replaces_pgbenchs(tmp_path):
    class Cluster:
        user = database = "app"

        def private_file(self, name, text):
            (tmp_path / name).write_text(text)
            return tmp_path / name

    class Place:
        cluster = Cluster()

        class options:
            scale = 7

    class System:
        address = ("127.0.0.1", 5)

    arguments = [str(part) for part in pgbench.Load("prepared", 2, ("-D", "done=0"), text="SELECT 1;").arguments(
        Place, System)]
    assert arguments[:7] == ["-n", "-D", "done=0", "-s", "7", "-f", str(tmp_path / "load.sql")]
    assert (tmp_path / "load.sql").read_text() == "SELECT 1;"
    assert pgbench.Load("simple", 1).arguments(Place, System)[:4] == ["-n", "-S", "-M", "simple"]


def test_a_functions_script_calls_what_the_cluster_has():
    for name, text in scripts.FUNCTIONS.items():
        called = re.search(r"SELECT (\w+)\(:aid\)", text).group(1)
        assert f"CREATE FUNCTION {called}(" in scripts.DEFINITIONS, name
    assert {case.name for case in cases.chosen(["function"])} == {f"function-{name}-{clients}" for name in
                                                                 scripts.FUNCTIONS for clients in (1, 32)}
