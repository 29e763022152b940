"""What a run will do, and how long that takes."""

import dataclasses
import time

from . import estimate
from .runner import reason_not_to_run
from .systems import MODELS, takes_part


@dataclasses.dataclass(frozen=True)
class Step:
    case: object
    columns: list  # systems that take part, if only to be told why they do not run
    absent: dict  # {key: why there is no such system}
    seconds: float


def steps(chosen, ready, absent, options):
    """A case in which no system takes part is left out: it is about variants that were not asked for."""
    out = []
    for case in chosen:
        columns = [system for system in ready if takes_part(system, case)]
        missing = {key: reason for key, reason in absent.items() if takes_part(MODELS[key], case)}
        running = [system for system in columns if not reason_not_to_run(case, system, options)]
        if columns or missing:
            out.append(Step(case, columns, missing, estimate.case_seconds(case, running, options)))
    return out


def text(todo, options):
    """For --plan."""
    lines = []
    for step in todo:
        reasons = {system.title: reason_not_to_run(step.case, system, options) for system in step.columns}
        lines.append(f"{step.case.name}, {estimate.text(step.seconds)}: {step.case.title}")
        lines += [f"    {title}" + (f": not run: {reason}" if reason else "") for title, reason in reasons.items()]
        lines += [f"    {key}: not run: {reason}" for key, reason in step.absent.items()]
    return "\n".join([*lines, summary(todo)])


def summary(todo):
    return f"{len(todo)} cases, {estimate.text(total(todo))} in all."


def total(todo):
    return sum(step.seconds for step in todo)


class Clock:
    """How much of a run is left, by the pace so far."""

    def __init__(self, todo, now=time.monotonic):
        self._todo, self._now, self._started = todo, now, now()

    def heading(self, done):
        """Before the step with this index."""
        left = estimate.left(total(self._todo[done:]), total(self._todo[:done]), self._now() - self._started)
        return f"[{done + 1}/{len(self._todo)}, {estimate.text(left)} left]"
