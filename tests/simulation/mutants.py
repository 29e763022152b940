#!/usr/bin/env python3
"""Puts bugs into a copy of the program, one at a time, and says after how many seeds the simulation finds each.

  tests/simulation/mutants.py BUILD_DIRECTORY [--minutes M] [--refresh] [NAME...]
  tests/simulation/mutants.py --check       only whether they all can be put in, and seeds.txt names bugs that there are

The bugs are the patches in tests/simulation/mutants/; those that begin with again_ were real. A second run in the same
directory compiles only what a bug touches. A seed that fails on the program without a bug, too, is no find. Where
seeds.txt has a seed that shows a bug, that is tried first, then new ones are: with the changes to their plans that the
patch says in its first line, `Plan: drains=1,favors=0.5`, if it has one. --refresh writes the seeds that were found
into seeds.txt, where the old one shows the bug no longer, and sees that they pass without a bug. Fails when a bug is not
found in time, or does not apply or compile."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATCHES = ROOT / "tests" / "simulation" / "mutants"
SEEDS = ROOT / "tests" / "simulation" / "seeds.txt"
SEED_TAKES = 1800  # seconds, at the most: on a busy machine


def run(*command, **options):
    return subprocess.run([str(word) for word in command], text=True, **options)


def copy_sources(to):
    """Only what has changed, so that times of files tell what has to be compiled."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT, capture_output=True, check=True)
    wanted = {Path(line) for line in listed.stdout.splitlines() if (ROOT / line).is_file()}
    for path in wanted:
        source, target = ROOT / path, to / path
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)
    for target in [path for path in to.rglob("*") if path.is_file() and path.relative_to(to) not in wanted]:
        target.unlink()


def build(source, directory):
    configured = run("cmake", "--preset", "release", "-B", directory, cwd=source, capture_output=True)
    built = configured.returncode == 0 and run("cmake", "--build", directory, "--target", "simulation", capture_output=True)
    if not built or built.returncode != 0:
        output = built.stdout if built else configured.stdout + configured.stderr
        sys.exit("the simulation does not build:\n" + output[-4000:])
    return next(path for path in directory.rglob("simulation") if path.is_file())


def build_unmodified(source, directory):
    """A copy of it, which stays when a bug is put in."""
    copy_sources(source)
    copy = directory.parent / "unmodified" / "simulation"
    copy.parent.mkdir(exist_ok=True)
    shutil.copy(build(source, directory), copy)
    return copy


def result(done):
    """How many seeds ran, and the one that failed with what was wrong; or None."""
    failed = re.search(r"simulation (--seed \d+.* FAILED: .*)", done.stdout)
    seeds = re.search(r"^(\d+) seeds:", done.stdout, re.MULTILINE)
    if not seeds:
        sys.exit(f"{' '.join(str(word) for word in done.args)}: {done.stderr}")
    return int(seeds[1]), failed[1] if failed else None


def with_plan(changes):
    return ["--with", changes] if changes else []


def find(simulation, minutes, plan="", is_find=lambda failure: True):
    """The same of the first new seed that fails and is a find."""
    ran, left = 0, minutes * 60
    while left > 1:
        began = time.monotonic()
        count, failure = result(run(simulation, "--minutes", left / 60, "--from", 1 + ran, "--stop", *with_plan(plan),
                                    capture_output=True, timeout=left + SEED_TAKES))
        ran += count
        left -= time.monotonic() - began
        if not failure or is_find(failure):
            return ran, failure
    return ran, None


def repeat(simulation, seed):
    """The same of what stands in a line of seeds.txt."""
    number, _, changes = seed.partition(" ")
    return result(run(simulation, "--seed", number, *with_plan(changes), capture_output=True, timeout=SEED_TAKES))


def seeds_of_bugs():
    """From the lines `seed [changes]  # bug`."""
    lines = [line.split("#") for line in SEEDS.read_text().splitlines() if line.partition("#")[0].strip()]
    return {bug.strip(): " ".join(seed.split()) for seed, bug in lines}


def write_seeds(seeds):
    comments = [line for line in SEEDS.read_text().splitlines() if line.startswith("#")]
    lines = [f"{seed}  # {bug}" for bug, seed in sorted(seeds.items())]
    SEEDS.write_text("\n".join(comments + lines) + "\n")


def seed_in(failure):
    """As a line of seeds.txt has it: "--seed 4 --with a=b FAILED: ..." is `4 a=b`."""
    seed, changes = re.match(r"--seed (\d+)(?: --with (\S+))?", failure).groups()
    return f"{seed} {changes}" if changes else seed


def check():
    patches = sorted(PATCHES.glob("*.patch"))
    strangers = set(seeds_of_bugs()) - {patch.stem for patch in patches}
    if strangers:
        print("seeds.txt names no bug: " + ", ".join(sorted(strangers)))
    failed = [patch.stem for patch in patches if run("git", "apply", "--check", patch, cwd=ROOT).returncode != 0]
    if failed:
        print("these do not apply: " + ", ".join(failed))
    if not strangers and not failed:
        print(f"all {len(patches)} bugs can be put in; {len(seeds_of_bugs())} have a seed of their own")
    return 1 if strangers or failed else 0


def put_in(patch, source):
    copy_sources(source)
    # The copy may lie within the repository, and is none itself.
    outside = {**os.environ, "GIT_CEILING_DIRECTORIES": str(source.parent)}
    applied = run("git", "apply", patch, cwd=source, env=outside, capture_output=True)
    if applied.returncode != 0:
        sys.exit(f"{patch.stem} does not apply:\n{applied.stderr}")


def plan_of(patch):
    """What its first line says; git does not read that."""
    first = patch.read_text().partition("\n")[0]
    return first.removeprefix("Plan: ") if first.startswith("Plan: ") else ""


def look_for(patch, simulation, unmodified, minutes, seeds):
    """Whether it is found. `seeds` gets a new one where the old one does not show it."""
    bug = patch.stem

    def is_find(failure):
        fails = repeat(unmodified, seed_in(failure))[1]
        if fails:
            print(f"{bug:40} no find, it fails without the bug, too: {fails}", flush=True)
        return not fails

    began = time.monotonic()
    count, failure = repeat(simulation, seeds[bug]) if bug in seeds else (0, None)
    if failure and not is_find(failure):
        failure = None
    how = "by its seed"
    if not failure:
        count, failure = find(simulation, minutes, plan_of(patch), is_find)
        how = f"seeds: {count}"
        if failure and bug.startswith("again_"):
            seeds[bug] = seed_in(failure)
    print(f"{bug:40} {how:12} {time.monotonic() - began:6.1f} s  {failure or 'NOT FOUND'}", flush=True)
    return failure is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, nargs="?", help="where the copy is built")
    parser.add_argument("--check", action="store_true", help="only say whether the patches apply")
    parser.add_argument("--minutes", type=float, default=5, help="how long a bug is looked for (default 5)")
    parser.add_argument("--refresh", action="store_true", help="write the seeds that show a real bug into seeds.txt")
    parser.add_argument("names", nargs="*", help="only these bugs")
    arguments = parser.parse_intermixed_args()
    patches = sorted(PATCHES.glob("*.patch"))
    if arguments.check:
        return check()
    if arguments.directory is None:
        parser.error("the build directory is missing")
    unknown = set(arguments.names) - {patch.stem for patch in patches}
    if unknown:
        parser.error("no such bug: " + ", ".join(sorted(unknown)))
    source, directory = arguments.directory.resolve() / "source", arguments.directory.resolve() / "build"
    seeds = seeds_of_bugs()
    unmodified = build_unmodified(source, directory)
    missed = 0
    for patch in patches:
        if arguments.names and patch.stem not in arguments.names:
            continue
        put_in(patch, source)
        is_found = look_for(patch, build(source, directory), unmodified, arguments.minutes, seeds)
        missed += not is_found
        if arguments.refresh:
            write_seeds(seeds)
    if arguments.refresh:
        missed += run(unmodified, "--file", SEEDS, stderr=subprocess.DEVNULL).returncode != 0
    if missed == 0 and not arguments.names:
        count, failure = find(unmodified, min(arguments.minutes, 1))
        print(f"{'without a bug':40} {'seeds: ' + str(count):12}          {failure or 'nothing found'}", flush=True)
        missed += failure is not None
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
