"""Whatever a client says, it hears the same through pgweir as from PostgreSQL itself (package differential).

    PGWEIR_TEST_DIFFERENTIAL=500             so many random scripts for each size of the pool
    PGWEIR_TEST_DIFFERENTIAL_SEED=17         of the first one; the following count up
    PGWEIR_TEST_DIFFERENTIAL_WITHOUT=a,b.c   leaves out subjects or kinds of steps; python3 -m differential --list
"""

import os
import struct

import pytest

from differential import kinds, objects
from differential.answers import Answers
from differential.compare import Difference, comparable
from differential.environment import Private, make_roles
from differential.generate import generate
from differential.regressions import LIMITS, REGRESSIONS
from differential.script import BARRIER, P, Q, S, Script
from differential.shrink import HISTORY, Shrinker, parts, well_formed
from differential.trial import Trial
from harness.proxy import Direct
from harness.waiting import repetitions
from harness.wire import Message

SIZES = [1, 2, 3]
SCRIPTS = int(os.environ.get("PGWEIR_TEST_DIFFERENTIAL", "0")) or repetitions(40, least=8)
# The same scripts in each run of the suite; the long runs of the command line draw their own.
SEED = int(os.environ.get("PGWEIR_TEST_DIFFERENTIAL_SEED", "0")) or 924591520
WITHOUT = {name for name in os.environ.get("PGWEIR_TEST_DIFFERENTIAL_WITHOUT", "").split(",") if name}


@pytest.fixture(scope="module")
def environments(cluster):
    running = {}

    def environment(max_size):
        if max_size not in running:
            running[max_size] = Private(cluster, max_size)
        return running[max_size]

    yield environment
    for each in running.values():
        each.close()


@pytest.fixture
def against_itself(cluster):
    """Factory of trials that have PostgreSQL on both sides, the second one with these startup parameters as well."""
    make_roles(cluster)
    admin, server = cluster.connect("app"), Direct(cluster)

    def trial(extra=()):
        def login(added):
            return lambda superuser, params: server.socket().login(
                *[(name, "app", objects.PASSWORDS[name]) for name in (objects.USER, objects.SUPERUSER)][superuser],
                params=[*params, *added])
        return Trial(objects.Objects(admin), login(()), login(extra), max_size=1)

    yield trial
    admin.close()


def check(environment, script, history):
    difference = environment.trial.run(script)
    if difference is None:
        return
    shrinker = Shrinker(environment)
    again = shrinker.run(script, history)
    environment.renew()
    if not again:
        pytest.fail(f"seed {script.seed}: {difference}\nIt did not happen again in a new pool.\n{script}")
    pytest.fail(f"seed {script.seed}: {shrinker.difference}\n{shrinker.script}")


@pytest.mark.own
@pytest.mark.parametrize("max_size", SIZES)
@pytest.mark.parametrize("name", REGRESSIONS)
def test_regression(environments, name, max_size):
    environment = environments(max_size)
    difference = environment.trial.run(REGRESSIONS[name])
    if difference:
        environment.renew()
        pytest.fail(str(difference))


@pytest.mark.own
@pytest.mark.xfail(strict=True, reason="a known limit, see the README")
@pytest.mark.parametrize("name", LIMITS)
def test_limit(environments, name):
    """When one of these passes, it belongs to the regressions."""
    environment = environments(3)
    difference = environment.trial.run(LIMITS[name])
    environment.renew()
    assert difference is None, str(difference)


@pytest.mark.own
@pytest.mark.parametrize("max_size", SIZES)
def test_random_scripts(environments, max_size):
    print(f"seeds {SEED} to {SEED + SCRIPTS - 1}")
    history = []
    for seed in range(SEED, SEED + SCRIPTS):
        script = generate(seed, WITHOUT)
        check(environments(max_size), script, [old for old in history if old.superuser == script.superuser])
        history = [*history, script][-HISTORY:]


@pytest.mark.own
def test_a_temporary_schema_may_have_a_number_of_more_digits():
    def row(value):
        return Message("D", struct.pack("!Hii", 2, -1, len(value)) + value)
    assert comparable(row(b"pg_temp_5")) == comparable(row(b"pg_temp_10"))
    assert comparable(row(b"pg_temp_5")) != comparable(row(b"pg_temp"))


def test_postgresql_agrees_with_itself(against_itself):
    """The list of what may differ is long enough, and no script depends on time or chance."""
    print(f"seeds {SEED} to {SEED + 9}")
    for seed in range(SEED, SEED + 10):
        script = generate(seed)
        assert against_itself().run(script) is None, script


def test_a_foreign_setting_is_found_and_shrunk(against_itself):
    """The list is not too long: a server that differs in one setting is caught, by the looks or the audit."""
    class Environment:
        trial = against_itself([("statement_timeout", "77s")])

        def renew(self):
            pass

    shrinker = Shrinker(Environment(), attempts=40)
    assert shrinker.run(generate(SEED))
    assert "77" in str(shrinker.difference) and len(shrinker.script.steps) <= 2, f"{shrinker.script}"


# --- the parts, without a server ----------------------------------------------------------------------------


def test_a_seed_makes_the_same_script_again():
    for seed in range(200):
        assert str(generate(seed)) == str(generate(seed))
    assert len({str(generate(seed)) for seed in range(200)}) == 200


def test_a_script_prints_as_python_that_makes_it():
    for seed in range(100):
        names = {}
        exec("from differential.script import *", names)
        assert str(eval(str(generate(seed)), names)) == str(generate(seed))


def test_random_scripts_are_well_formed_and_let_go_before_they_notify_each_other():
    for seed in range(300):
        script = generate(seed)
        assert well_formed(script), script


def test_kinds_can_be_left_out():
    everything = {str(kind) for kind in kinds.every() if kind.subject not in kinds.OPTIONAL}
    left = {str(kind) for kind in kinds.chosen({"listening", "copying.out"})}
    assert everything - left == {name for name in everything if name.startswith("listening.")} | {"copying.out"}
    assert {kind.subject for kind in kinds.chosen(extra={"definitions"})} >= {"definitions", "looks"}
    with pytest.raises(ValueError):
        kinds.chosen({"nosuch"})
    without = {subject for subject in (kind.subject for kind in kinds.every()) if subject != "statements"}
    assert "listen" not in str([generate(seed, without) for seed in range(50)])


class Pretended:
    """A server that differs whenever a script holds both of two texts."""

    def __init__(self, *texts):
        self.texts, self.trial, self.runs, self.silence = texts, self, 0, 0

    def renew(self):
        pass

    def run(self, script):
        self.runs += 1
        return Difference(0, "", 0, [], []) if all(text in str(script) for text in self.texts) else None


def test_shrinking_keeps_what_matters():
    steps = [(number % 3, Q(f"select {number}; select 'x'")) for number in range(30)]
    steps[7] = (1, Q("select 1; set bad to 1; select 2"))
    steps[21] = (2, P("s", "select worse"), S, P("", "select 3"), S)
    shrinker = Shrinker(Pretended("set bad", "worse"))
    assert shrinker.run(Script(0, False, {0: [], 1: [("TimeZone", "UTC")], 2: []}, steps))
    assert shrinker.script == Script(0, False, {1: [], 2: []}, [(1, Q("set bad to 1")), (2, P("s", "select worse"), S)])
    assert shrinker.left > 0


def test_shrinking_is_bounded_and_tells_when_nothing_differs():
    server = Pretended("nowhere")
    assert not Shrinker(server).run(generate(1), [generate(2)])
    assert server.runs < 20
    shrinker = Shrinker(Pretended("select"), attempts=5)
    assert shrinker.run(generate(1)) and shrinker.left == 0


def test_parts_of_a_step_end_at_its_syncs():
    step = (0, P("", "a"), S, Q("b"), P("", "c"), S)
    assert [step[part] for part in parts(step)][:3] == [(P("", "c"), S), (Q("b"),), (P("", "a"), S)]
    assert list(parts(BARRIER)) == []


@pytest.mark.parametrize("said, heard, done", [
    ("Q", "TDC", False), ("Q", "TDCZ", True), ("QQ", "TDCZEZ", True), ("QQ", "EZ", False), ("PBES", "12DCZ", True),
    ("PBES", "1EZ", True), ("PBEQSQ", "EZ", False), ("PBEQSQ", "EZTDCZ", True), ("PBE", "", True),
    ("PBEH", "12", False), ("PBEH", "12C", True), ("Q", "G", True), ("Qd", "G", True), ("Qdc", "G", False),
    ("Qdc", "GCZ", True), ("PBESdcS", "12GC", False), ("PBESdcS", "12GCZ", True), ("PBEHdcS", "12GEZ", True),
    ("PBEHPBEHS", "E", False), ("PBEHPBEHS", "EZ", True), ("S", "EZ", True), ("SS", "Z", False), ("F", "V", False),
    ("F", "VZ", True), ("dcQ", "CZ", True), ("Q", "SNAC", False), ("PDES", "1tnC", False),
    ("PDES", "1tnCZ", True),
])
def test_answers_are_complete_when_they_are(said, heard, done):
    names = {"D": "DS"}
    answers = Answers()
    for kind in said:
        answers.say(names.get(kind, kind))
    for kind in heard:
        answers.hear(kind)
    assert answers.done == done


@pytest.mark.parametrize("one, other, same", [
    (Message("E", b"SERROR\0C42P01\0Mno\0Fparse.c\0L7\0\0"), Message("E", b"SERROR\0C42P01\0Mno\0\0"), True),
    (Message("E", b"SERROR\0C42P01\0Mno\0P7\0\0"), Message("E", b"SERROR\0C42P01\0Mno\0P8\0\0"), False),
    (Message("A", b"\0\0\0\1a\0b\0"), Message("A", b"\0\0\0\2a\0b\0"), True),
    (Message("A", b"\0\0\0\1a\0b\0"), Message("A", b"\0\0\0\1a\0c\0"), False),
    (Message("E", b"Mpg_temp_3.x\0\0"), Message("E", b"Mpg_temp_12.x\0\0"), True),
    (Message("C", b"SET\0"), Message("C", b"RESET\0"), False),
])
def test_comparing(one, other, same):
    assert (comparable(one) == comparable(other)) == same
