"""Whatever a client says, it hears the same through pgweir as from PostgreSQL itself (package differential).

    PGWEIR_TEST_DIFFERENTIAL=500             so many random scripts for each size of the pool
    PGWEIR_TEST_DIFFERENTIAL_SEED=17         of the first one; the following count up
    PGWEIR_TEST_DIFFERENTIAL_WITHOUT=a,b.c   leaves out subjects or kinds of steps; python3 -m differential --list
"""

import os
import struct

import pytest

from differential import kinds, objects, stale
from differential.answers import Answers
from differential.compare import Difference, Trace, comparable, differences
from differential.environment import Private, make_roles
from differential.generate import generate
from differential.regressions import LIMITS, MENDED, OPEN, REGRESSIONS
from differential.script import BARRIER, DP, DS, B, E, P, Q, S, Script
from differential.shrink import HISTORY, Shrinker, parts, well_formed
from differential.trial import Trial
from harness.proxy import Direct
from harness.waiting import repetitions
from harness.wire import Message

SIZES = [1, 2, 3]
SCRIPTS = int(os.environ.get("PGWEIR_TEST_DIFFERENTIAL", "0")) or repetitions(40, least=8)
SHARED = int(os.environ.get("PGWEIR_TEST_DIFFERENTIAL", "0")) or repetitions(12, least=4)
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
@pytest.mark.xfail(strict=True, reason="a known limit, see docs/limits.md")
@pytest.mark.parametrize("name", LIMITS)
def test_limit(environments, name):
    """When one of these passes, it belongs to the regressions."""
    environment = environments(3)
    difference = environment.trial.run(LIMITS[name])
    environment.renew()
    assert difference is None, str(difference)


@pytest.mark.own
@pytest.mark.xfail(strict=True, reason="found, and not mended yet")
@pytest.mark.parametrize("name", OPEN)
def test_what_is_open(environments, name):
    """When one of these passes, it belongs to the regressions."""
    size, script = OPEN[name]
    environments(size).renew()  # which server connection comes next must be certain
    difference = environments(size).trial.run(script)
    environments(size).renew()
    assert difference is None, str(difference)


@pytest.mark.own
@pytest.mark.parametrize("name", MENDED)
def test_what_was_open(environments, name):
    size, script = MENDED[name]
    environments(size).renew()
    difference = environments(size).trial.run(script)
    environments(size).renew()
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
@pytest.mark.skipif("PGWEIR_TEST_ALL" not in os.environ, reason="finds more of what is open; with tests/run.sh --all")
@pytest.mark.parametrize("max_size", SIZES)
def test_random_scripts_of_clients_that_share_tables(environments, max_size):
    print(f"seeds {SEED} to {SEED + SHARED - 1}")
    for seed in range(SEED, SEED + SHARED):
        check(environments(max_size), generate(seed, WITHOUT, family="shared", together=max_size), [])


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


def test_postgresql_agrees_with_itself_about_tables_that_change(against_itself):
    trial = against_itself()
    for seed in range(SEED, SEED + 10):
        script = generate(seed, family="shared")
        assert trial.run(script) is None, script


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
    for family in ("own", "shared"):
        made = [[str(generate(seed, family=family, together=2)) for seed in range(100)] for _ in range(2)]
        assert made[0] == made[1] and len(set(made[0])) == 100


def test_a_script_prints_as_python_that_makes_it():
    for seed in range(100):
        names = {}
        exec("from differential.script import *", names)
        for family in ("own", "shared"):
            script = generate(seed, family=family)
            again = eval(str(script), names)
            assert str(again) == str(script) and again.ordered == script.ordered


def test_random_scripts_are_well_formed_and_let_go_before_they_notify_each_other():
    for seed in range(300):
        script = generate(seed)
        assert well_formed(script), script


def test_shared_scripts_never_need_more_backends_than_there_are():
    """By their texts alone: a client is in the middle of something from its BEGIN on until the end that it says."""
    for seed in range(100):
        for together in SIZES:
            script, middle = generate(seed, family="shared", together=together), set()
            for client, *says in script.steps:
                for say in says:
                    texts = (say[1] if say.kind == "Q" else say[2]).split("; ") if say.kind in ("Q", "P") else []
                    for text in texts:
                        if text == "begin":
                            middle.add(client)
                        if text in ("commit", "rollback"):
                            middle.discard(client)
                assert len(middle) <= together, script
            assert not middle


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


# --- what may be mended, and what not (stale.py) --------------------------------------------------------------

STALE = Message("E", b"SERROR\0VERROR\0C0A000\0Mcached plan must not change result type\0RRevalidateCachedQuery\0\0")
READY, IN_TRANSACTION = Message("Z", b"I"), Message("Z", b"T")


def looks(name, type_oid=25):
    return Message("T", struct.pack("!H", 1) + name.encode() + b"\0" + struct.pack("!IHIhiH", 0, 0, type_oid, -1, -1, 0))


def talk(says, heard):
    """A conversation of one client; `heard`: (serial, message)."""
    script = Script(clients={0: []}, steps=[(0, *says)])
    trace = Trace({}, [message for _, message in heard], [0] * len(heard), [], [], [serial for serial, _ in heard])
    return stale.Conversation(script, 0, trace)


NEVER_TOLD = (P("s", "select v"), S), [(1, Message("1")), (2, READY)]
TOLD = (P("s", "select v"), DS("s"), S), [(1, Message("1")), (2, Message("t", b"\0\0")), (2, looks("v")), (3, READY)]


def refused(before, *says, at=0, begun=False):
    """The Conversation, and the serial of says[at], which was refused."""
    said, heard = before
    said, heard = list(said), list(heard)
    if begun:
        said, heard = [*said, Q("begin")], [*heard, (len(said) + 1, Message("C", b"BEGIN\0")), (len(said) + 1, IN_TRANSACTION)]
    serial = len(said) + 1 + at
    return talk([*said, *says], [*heard, (serial, STALE)]), serial


@pytest.mark.parametrize("before, says, at, begun, anew, may", [
    (NEVER_TOLD, (B("", "s"), E(), S), 0, False, looks("w"), True),
    (NEVER_TOLD, (B("", "s"), E(), S), 0, True, looks("w"), True),
    (TOLD, (B("", "s"), E(), S), 0, False, looks("w"), False),
    (TOLD, (B("", "s"), E(), S), 0, False, looks("v", 23), False),
    (TOLD, (B("", "s"), E(), S), 0, False, looks("v"), True),
    (TOLD, (B("", "s"), E(), S), 0, False, None, False),
    (TOLD, (B("", "s"), DP(), E(), S), 0, False, looks("w"), True),
    (TOLD, (DS("s"), B("", "s"), E(), S), 1, False, looks("w"), True),
    (TOLD, (B("", "s"), DP(), E(), S), 0, True, looks("w"), False),
    (TOLD, (B("", "s"), E(), S, DS("s"), S), 0, False, looks("w"), False),
    (TOLD, (Q("execute s"),), 0, False, looks("w"), True),
    (TOLD, (Q("execute s"),), 0, True, looks("w"), False),
    (NEVER_TOLD, (B("", "s", (), (1,)), E(), S), 0, False, looks("w"), False),
    (NEVER_TOLD, (B("", "s", ("x",), (), (1,)), E(), S), 0, False, looks("w"), False),
    (NEVER_TOLD, (B("", "s", ("x",), (0,), (0,)), E(), S), 0, False, looks("w"), True),
    (TOLD, (B("", "s", (), (1,)), DP(), E(), S), 0, False, looks("w"), True),
])
def test_what_a_stale_plan_may_be_answered_by(before, says, at, begun, anew, may):
    conversation, serial = refused(before, *says, at=at, begun=begun)
    assert conversation.refusals() == [serial]
    assert bool(conversation.fits(serial, anew)) == may


@pytest.mark.parametrize("says, heard", [
    ((B("", "nobody"), S), [(1, STALE)]),
    ((P("s", "select v"), B("", "s"), E(), S), [(1, Message("1")), (3, STALE)]),
    ((P("s", "select v"), B("", "s"), S), [(1, Message("1")), (2, Message("E", b"C0A000\0Mno\0\0"))]),
    ((Q("select 1; execute s"),), [(1, STALE)]),
])
def test_what_is_no_refusal_that_can_be_mended(says, heard):
    assert talk(says, heard).refusals() == []


def test_a_stand_in_is_asked_for_and_left_out():
    conversation, serial = refused(TOLD, B("", "s", ("1",)), E(), S)
    script = Script(clients={0: []}, steps=[(0, *conversation.says)])
    again, serials = stale.mend(script, {(0, serial): conversation}, {(0, serial)})
    assert again.steps[0][4:] == (stale.CS("stand-in"), P("stand-in", "select v"), DS("stand-in"),
                                  B("", "stand-in", ("1",)), E(), S)
    assert serials == {0: [1, 2, 3, None, None, None, 4, 5, 6]}
    kinds_heard = [("3", 4), ("1", 5), ("t", 6), ("T", 6), ("2", 7), ("C", 8), ("Z", 9), ("Z", 10)]
    trace = Trace({}, [Message(kind) for kind, _ in kinds_heard], [0] * 8, [], [], [cause for _, cause in kinds_heard])
    assert stale.without_stand_ins(trace, serials[0]) == {4: Message("T")}
    assert [(message.kind, cause) for message, cause in zip(trace.messages, trace.causes)] == [
        ("2", 4), ("C", 5), ("Z", 6), ("Z", 7)]


def test_types_that_a_script_makes_are_told_apart_but_not_by_their_numbers():
    def heard(*oids):
        return {0: Trace({}, [looks("v", oid) for oid in oids], [0] * len(oids), [], [])}
    assert differences(heard(20001, 20002, 25), heard(30007, 30001, 25)) == []
    assert differences(heard(20001, 20002), heard(30007, 30007)) and differences(heard(25), heard(20001))


def test_a_description_that_an_error_ends_is_none():
    trace = Trace({}, [Message("t"), STALE, Message("t"), looks("v")], [0, 1, 2, 3], [], [], [1, 1, 2, 2])
    trace.leave_out_unfinished_descriptions()
    assert [message.kind for message in trace.messages] == ["E", "t", "T"] and trace.places == [1, 2, 3]
