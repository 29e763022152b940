"""The order of the trials: in each repeat every system takes its turn, so that whatever else the machine does hits
all of them, and each repeat begins with another one."""

import resource
import shutil

from . import systems
from .processes import Trouble

BENCH_CASES = {"burst"}


def reason_not_to_run(case, system, options):
    """Known before anything is started; None: it can run."""
    if case.name in BENCH_CASES and not shutil.which(options.bench or ""):
        return f"{options.bench} is not a program (--bench)"
    for program in case.wants:
        if not shutil.which(program):
            return f"{program} is not installed"
    needed = {"burst": options.burst_clients, "idle": options.idle_clients}.get(case.name.split("-")[0], 0)
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if needed + 200 > descriptors:
        return f"{needed} clients need more than the {descriptors} files that a process may open (ulimit -Hn)"
    return systems.refusal(system, case.needs)


def rotated(items, by):
    return items[by % len(items):] + items[:by % len(items)] if items else []


class CaseRun:
    """One case on all systems. `results`: {key: {"samples": [...]} or {"not_run": reason}}, with "notes"."""

    def __init__(self, case, columns, absent, place, progress):
        self.case, self.place, self.progress = case, place, progress
        self.results = {key: {"not_run": reason} for key, reason in absent.items()}
        self.running = []
        for system in columns:
            reason = reason_not_to_run(case, system, place.options)
            self.results[system.key] = {"not_run": reason} if reason else {"samples": [], "notes": []}
            if reason is None:
                self.running.append(system)

    def run(self):
        everyone = list(self.running)
        try:
            if not self.case.fresh:
                for system in everyone:
                    self.start(system)
            for repeat in range(self.place.options.repeats):
                for system in rotated(everyone, repeat):
                    self.sample(system, repeat)
            for system in everyone:
                if self.case.count and system.pid and self.place.options.strace and system in self.running:
                    self.count(system)
        finally:
            for system in everyone:
                self.stop(system)
        return self.results

    def start(self, system):
        def work(it):
            it.start(self.place, self.case.tls, self.case.under(self.place) if self.case.under else ())
        self.attempt(system, "start", work)

    def stop(self, system):
        self.note(system, system.stop(self.place))

    def sample(self, system, repeat):
        if self.case.fresh and system in self.running:
            self.start(system)
        out = None
        if system in self.running:
            out = self.attempt(system, f"repeat {repeat + 1} of {self.place.options.repeats}",
                               lambda s: self.case.trial(self.place, s))
        if out and "remark" in out:
            self.note(system, out.pop("remark"))
        # A place for each repeat, filled or not, so that the repeats of all systems stay side by side.
        if "samples" in self.results[system.key]:
            self.results[system.key]["samples"].append(out)
        if self.case.fresh:
            self.stop(system)

    def attempt(self, system, what, work):
        """What work(system) returns; a system that fails is told so and runs no further trial of this case."""
        self.progress(f"{self.case.name}: {system.title}, {what}")
        try:
            return work(system)
        except Exception as trouble:  # one system's surprise must not cost all the others' figures
            expected = isinstance(trouble, (Trouble, OSError))
            self.fail(system, f"{what}: {trouble}" if expected else f"{what}: {type(trouble).__name__}: {trouble}")
        return None

    def fail(self, system, sentence):
        self.running.remove(system)
        result = self.results[system.key]
        if any(result["samples"]):
            result["notes"].append(sentence)
        else:
            self.results[system.key] = {"not_run": f"failed, {sentence}"}

    def count(self, system):
        self.progress(f"{self.case.name}: {system.title}, counting system calls")
        try:
            self.results[system.key]["counted"] = self.case.count(self.place, system)
        except Exception as trouble:  # as above
            self.note(system, f"system calls not counted: {trouble}")

    def note(self, system, sentence):
        notes = self.results[system.key].get("notes", [])
        if sentence and sentence not in notes:
            notes.append(sentence)
