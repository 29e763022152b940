#!/usr/bin/env python3
"""Puts bugs into a copy of the program, one at a time, and says after how many seeds the simulation finds each.

  tests/simulation/mutants.py BUILD_DIRECTORY [--minutes M] [NAME...]
  tests/simulation/mutants.py --check       only whether they all can be put in

The bugs are the patches in tests/simulation/mutants/. Nothing but the build directory is written to; a second run
there compiles only what a bug touches. Fails when a bug is not found in time, or does not apply or compile; those
that begin with again_ were real, and may be missed."""

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


def find(simulation, minutes):
    """How many seeds it took, and the one that failed with what was wrong; or None."""
    done = run(simulation, "--minutes", minutes, "--from", 1, "--stop", capture_output=True, timeout=minutes * 60 + 300)
    failed = re.search(r"simulation (--seed \d+.* FAILED: .*)", done.stdout)
    seeds = re.search(r"^(\d+) seeds:", done.stdout, re.MULTILINE)
    return int(seeds[1]), failed[1] if failed else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, nargs="?", help="where the copy is built")
    parser.add_argument("--check", action="store_true", help="only say whether the patches apply")
    parser.add_argument("--minutes", type=float, default=5, help="how long a bug is looked for (default 5)")
    parser.add_argument("names", nargs="*", help="only these bugs")
    arguments = parser.parse_intermixed_args()
    patches = sorted(PATCHES.glob("*.patch"))
    if arguments.check:
        return max(run("git", "apply", "--check", patch, cwd=ROOT).returncode for patch in patches)
    if arguments.directory is None:
        parser.error("the build directory is missing")
    unknown = set(arguments.names) - {patch.stem for patch in patches}
    if unknown:
        parser.error("no such bug: " + ", ".join(sorted(unknown)))
    source, directory = arguments.directory.resolve() / "source", arguments.directory.resolve() / "build"
    missed = 0
    for patch in patches:
        if arguments.names and patch.stem not in arguments.names:
            continue
        copy_sources(source)
        # The copy may lie within the repository, and is none itself.
        outside = {**os.environ, "GIT_CEILING_DIRECTORIES": str(source.parent)}
        applied = run("git", "apply", patch, cwd=source, env=outside, capture_output=True)
        if applied.returncode != 0:
            sys.exit(f"{patch.stem} does not apply:\n{applied.stderr}")
        simulation = build(source, directory)
        began = time.monotonic()
        seeds, failure = find(simulation, arguments.minutes)
        took = time.monotonic() - began
        # Those that were found once are rare: some need thousands of seeds.
        missed += failure is None and not patch.stem.startswith("again_")
        print(f"{patch.stem:32} {'seeds: ' + str(seeds):12} {took:6.1f} s  {failure or 'NOT FOUND'}", flush=True)
    if missed == 0 and not arguments.names:
        copy_sources(source)
        seeds, failure = find(build(source, directory), min(arguments.minutes, 1))
        print(f"{'without a bug':32} {'seeds: ' + str(seeds):12}          {failure or 'nothing found'}", flush=True)
        missed += failure is not None
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
