"""What a run of bench/compare would do, for whom, and how long it says that takes."""

import pathlib
import stat
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))

from compare import cases, estimate, main, options, plan, systems  # noqa: E402


@pytest.fixture
def program(tmp_path):
    """One that says its version, whatever it is asked."""
    path = tmp_path / "pooler"
    path.write_text("#!/bin/sh\necho 'pooler 9.8.7'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def parse(program, *arguments):
    everyone = [f"--{kind}={program}" for kind in systems.CAPABILITIES if kind != "direct"]
    return options.parse([*everyone, f"--bench={program}", *arguments])


def steps(program, *arguments):
    return main.planned(parse(program, *arguments))[0]


def keys(step):
    return [system.key for system in step.columns]


def test_a_further_system_is_told_by_name_system_and_path(program):
    found = parse(program, "--other", f"before=pgweir:{program}", "--other", f"b-2=pgweir-2:{program}").others
    assert found == [options.Other("before", "pgweir", str(program)), options.Other("b-2", "pgweir-2", str(program))]


@pytest.mark.parametrize("text", ["before", "before=pgweir", "=pgweir:P", "before=mysql:P", "before=direct:P",
                                  "pgbouncer=pgweir:P", "../x=pgweir:P", "before=pgweir:/no/such/program"])
def test_a_further_system_that_cannot_be_is_refused(text, program, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(program, "--other", text.replace(":P", f":{program}"))
    assert ended.value.code == 2 and "--other" in capsys.readouterr().err


def test_a_name_twice_is_refused(program, capsys):
    with pytest.raises(SystemExit):
        parse(program, "--other", f"old=pgweir:{program}", "--other", f"old=pgbouncer:{program}")
    assert "old is given more than once" in capsys.readouterr().err


def test_a_further_system_takes_part_whatever_systems_says_and_is_what_it_is_like(program):
    chosen = parse(program, "--systems", "pgweir", "--other", f"old=pgweir-strict:{program}")
    ready, absent = systems.make(chosen)
    assert [system.key for system in ready] == ["pgweir", "old"] and absent == {}
    old = ready[1]
    assert (old.kind, old.state, old.variant, old.like) == ("pgweir", "strict", "strict", "pgweir-strict")
    assert old.title == "old (pgweir 9.8.7, strict)"


def test_a_system_without_a_program_is_absent_with_the_reason():
    ready, absent = systems.make(options.parse(["--systems", "direct,haproxy,pgcat", "--haproxy", "/no/such"]))
    assert [system.key for system in ready] == ["direct"]
    assert absent == {"haproxy": "/no/such is not a program", "pgcat": "no program given (--pgcat PATH)"}


def test_variants_take_part_only_where_they_differ(program):
    taking = {step.case.name: {"pgweir-2", "pgweir-strict"} & set(keys(step)) for step in steps(program)}
    assert taking["select-prepared-1"] == set()
    assert taking["select-prepared-32"] == taking["set-mixed-32"] == {"pgweir-2", "pgweir-strict"}
    assert taking["select-prepared-500"] == taking["burst"] == {"pgweir-2"}
    assert taking["function-reads-1"] == taking["instructions-prepared"] == {"pgweir-strict"}


def test_a_case_in_which_nobody_takes_part_is_left_out(program):
    assert [step.case.name for step in steps(program, "--systems", "pgweir-2", "--cases", "instructions,burst")] \
        == ["burst"]


def test_an_absent_variant_is_told_only_where_it_would_take_part():
    found = main.planned(options.parse(["--systems", "direct,pgweir-strict", "--pgweir", "/no/such"]))[0]
    missing = {step.case.name: set(step.absent) for step in found}
    assert missing["select-simple-1"] == set() and missing["select-simple-32"] == {"pgweir-strict"}


def test_every_system_is_configured_for_what_it_is(program, tmp_path):
    """And each writes files of its own, because two of a kind may run side by side."""
    written = {}

    class Cluster:
        directory, port, password, admin_password, certificate, key = tmp_path, 1, "p", "q", "c", "k"

        def private_file(self, name, text):
            written[name] = text
            return name

        def verifier(self):
            return "v"

    class Place:
        cluster, pool = Cluster(), 20

    ready, _ = systems.make(parse(program, "--other", f"old=pgbouncer:{program}"))
    named = []
    for system in ready[1:]:
        system.address = ("127.0.0.1", 2)
        named += [str(part) for part in getattr(systems.configurations, system.kind)(Place, system, False)
                  if part in written]
    assert len(named) == len(set(named)) and "old.ini" in named
    assert "state: strict" in written["pgweir-strict.yaml"] and "workers: 2" in written["pgweir-2.yaml"]
    assert "state:" not in written["pgweir.yaml"], "versions without that key can be compared"


def test_the_estimate_grows_with_what_there_is_to_do(program):
    def seconds(*arguments):
        return plan.total(steps(program, *arguments))
    some = seconds("--cases", "select-prepared-32")
    assert seconds("--cases", "select-prepared-32", "--no-strace") < some
    assert seconds("--cases", "select-prepared-32", "--systems", "direct,pgweir") < some
    assert some < seconds("--cases", "select-prepared-32", "--other", f"old=pgweir:{program}")
    assert some < seconds("--cases", "select-prepared-32", "--repeats", "9")
    assert seconds("--cases", "burst", "--burst-clients", "10") < seconds("--cases", "burst", "--burst-clients", "900")
    assert seconds("--quick") < seconds() / 2


def test_what_cannot_run_takes_no_time(program):
    idle = next(case for case in cases.ALL if case.name == "idle-tls")
    some, amounts = [systems.MODELS[key] for key in ("pgbouncer", "pgweir")], parse(program)
    more = [systems.MODELS[key] for key in ("direct", "haproxy", "pgbouncer", "pgweir", "pgweir-strict")]
    assert estimate.case_seconds(idle, more, amounts) == estimate.case_seconds(idle, some, amounts)


@pytest.mark.parametrize("seconds, text", [(0, "some 1 seconds"), (45.4, "some 45 seconds"),
                                           (600, "some 10 minutes"), (9000, "some 2.5 hours")])
def test_durations_are_told_in_words(seconds, text):
    assert estimate.text(seconds) == text


def test_what_is_left_is_told_by_the_pace_so_far():
    assert estimate.left(100, done=50, taken=75) == 150
    assert estimate.left(100, done=0, taken=0) == 100


def test_the_clock_counts_the_steps_and_the_time(program):
    todo = steps(program, "--cases", "select-simple")
    times = iter([1000, 1000, 1000 + 2 * todo[0].seconds])
    clock = plan.Clock(todo, lambda: next(times))
    assert clock.heading(0) == f"[1/3, {estimate.text(plan.total(todo))} left]"
    assert clock.heading(1) == f"[2/3, {estimate.text(2 * plan.total(todo[1:]))} left]"


def test_the_plan_tells_cases_systems_and_time_and_measures_nothing(program, capsys):
    arguments = ["--plan", "--cases", "idle-tls", "--systems", "direct,pgweir,pgcat", "--pgweir", str(program)]
    assert main.main(arguments) == 0
    told = capsys.readouterr().out
    assert "idle-tls, some " in told and "    pgweir 9.8.7\n" in told
    assert "    direct: not run: does not pool: every client would need a server connection\n" in told
    assert "    pgcat: not run: no program given (--pgcat PATH)\n" in told
    assert told.splitlines()[-1].startswith("1 cases, some ")


def test_the_help_tells_how_long_a_run_takes(capsys):
    with pytest.raises(SystemExit):
        options.parse(["--help"])
    told = " ".join(capsys.readouterr().out.split())
    usual = [systems.MODELS[key] for key in options.USUAL]
    for amounts in ([], ["--quick"]):
        assert estimate.text(estimate.run_seconds(cases.ALL, usual, options.parse(amounts))) in told
