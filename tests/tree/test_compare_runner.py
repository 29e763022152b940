"""The order of bench/compare's trials, and what becomes of a system that fails."""

import pathlib
import sys
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))

from compare.cases import Case  # noqa: E402
from compare.processes import Trouble  # noqa: E402
from compare.runner import CaseRun, rotated  # noqa: E402


class Stub:
    """A system that writes down what is done to it; `fails` names the step, as "start" or "trial 2"."""

    def __init__(self, key, diary, fails=None, capabilities=("tls",)):
        self.key = self.title = key
        self.diary, self.fails, self.capabilities, self.pid, self.trials = diary, fails, set(capabilities), 1, 0

    def step(self, what):
        self.diary.append(f"{self.key} {what}")
        if what == self.fails:
            raise Trouble("broken")

    def start(self, place, tls, under=()):
        self.step(" ".join(["start", *under]))

    def stop(self, place):
        self.diary.append(f"{self.key} stop")

    def trial(self):
        self.trials += 1
        self.step(f"trial {self.trials}")
        return {"tps": self.trials}


@pytest.fixture
def place():
    options = types.SimpleNamespace(repeats=3, strace=True, burst_clients=1, idle_clients=1, bench=None)
    return types.SimpleNamespace(options=options, bench=None)


def run(place, *systems, absent=(), **more):
    case = Case("case", "a case", lambda place, system: system.trial(), ("tps",), **more)
    return CaseRun(case, list(systems), dict(absent), place, lambda text: None).run()


def test_systems_take_turns_and_each_repeat_begins_with_another(place):
    diary = []
    results = run(place, Stub("a", diary), Stub("b", diary))
    assert diary == ["a start", "b start", "a trial 1", "b trial 1", "b trial 2", "a trial 2", "a trial 3", "b trial 3",
                     "a stop", "b stop"]
    assert results["a"]["samples"] == [{"tps": 1}, {"tps": 2}, {"tps": 3}]


def test_a_fresh_system_lives_for_one_trial_and_alone(place):
    diary = []
    run(place, Stub("a", diary), Stub("b", diary), fresh=True)
    assert diary[:6] == ["a start", "a trial 1", "a stop", "b start", "b trial 1", "b stop"]


@pytest.mark.parametrize("fails", ["start", "trial 1"])
def test_a_system_that_never_gave_a_figure_is_not_run(place, fails):
    diary = []
    results = run(place, Stub("a", diary, fails=fails), Stub("b", diary))
    assert "broken" in results["a"]["not_run"]
    assert len(results["b"]["samples"]) == 3, "the others go on"
    assert "a stop" in diary


def test_what_was_measured_before_a_failure_is_kept_beside_it(place):
    results = run(place, Stub("a", [], fails="trial 2"))
    assert results["a"]["samples"] == [{"tps": 1}, None, None]
    assert results["a"]["notes"] == ["repeat 2 of 3: broken"]


def test_reasons_known_beforehand(place):
    diary = []
    results = run(place, Stub("a", diary, capabilities=()), absent={"pgcat": "no program given"},
                  needs=frozenset({"pools"}))
    assert results == {"pgcat": {"not_run": "no program given"},
                       "a": {"not_run": "does not pool: every client would need a server connection"}}
    assert "a start" not in diary


def test_a_case_that_wants_a_program_that_is_not_there_is_not_run(place):
    assert run(place, Stub("a", []), wants=("no-such-program",)) == {"a": {"not_run": "no-such-program is not "
                                                                                      "installed"}}


def test_a_case_may_have_its_systems_run_under_another_program(place):
    diary = []
    run(place, Stub("a", diary), under=lambda place: ["valgrind", "--quiet"])
    assert diary[0] == "a start valgrind --quiet"
    diary.clear()

    def under(place):
        raise Trouble("no compiler")
    assert run(place, Stub("a", diary), under=under) == {"a": {"not_run": "failed, start: no compiler"}}


def test_everything_is_stopped_when_the_run_is_interrupted(place):
    diary = []
    system = Stub("a", diary)
    system.trial = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        run(place, system, Stub("b", diary))
    assert diary[-2:] == ["a stop", "b stop"]


def test_calls_that_could_not_be_counted_are_a_note(place):
    def count(place, system):
        raise Trouble("strace: not permitted")
    results = run(place, Stub("a", []), count=count)
    assert results["a"]["notes"] == ["system calls not counted: strace: not permitted"]
    assert len(results["a"]["samples"]) == 3


def test_what_a_trial_remarks_is_told_once(place):
    system = Stub("a", [])
    system.trial = lambda: {"tps": 1, "remark": "not exact"}
    results = run(place, system)
    assert results["a"] == {"samples": [{"tps": 1}] * 3, "notes": ["not exact"]}


def test_rotation():
    assert [rotated(["a", "b", "c"], by)[0] for by in range(4)] == ["a", "b", "c", "a"]
    assert rotated([], 1) == []
