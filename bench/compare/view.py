"""Results as the reports need them: which rows and columns a case has, and what stands in each cell."""

import dataclasses

from . import statistics
from .metrics import METRICS
from .statistics import Spread

BASE = "pgbouncer"  # what ratios are told against
# From here on a case is reported with how busy the machine was otherwise, because that disturbs the figures.
BUSY_PERCENT = 20


@dataclasses.dataclass(frozen=True)
class Cell:
    value: Spread
    ratio: Spread | None  # None: no baseline in this run, or it is the baseline itself


class CaseView:
    def __init__(self, case):
        self.name, self.title, self.each = case["name"], case["title"], case["each"]
        self.results = case["results"]
        self.busy_before, self.aims = case.get("busy_before", 0), case.get("aims") or {}
        self.seconds = case.get("seconds")  # of a trial, at most
        direct = _samples(self.results.get("direct", {}))
        self.samples = {key: statistics.with_added_latency(_samples(result), direct) if direct and key != "direct"
                        else _samples(result) for key, result in self.results.items()}
        self.metrics = [metric for metric in case["shown"] if any(self.cell(key, metric) for key in self.samples)]

    def measured(self):
        return [key for key in self.results if any(self.samples[key])]

    def remarks(self, titles):
        """What a reader has to know beside the figures: sentences."""
        out = [f"{titles[key]}: not run: {result['not_run']}" for key, result in self.results.items()
               if "not_run" in result]
        out += [f"{titles[key]}: {note}" for key, result in self.results.items() for note in result.get("notes", ())]
        if self.seconds:
            out.append(f"Trials of {self.seconds} s at most.")
        if self.busy_before >= BUSY_PERCENT:
            out.append(f"The machine was {self.busy_before} % busy with other things when this case began.")
        return out

    def judged(self, key="pgweir", base=BASE):
        """How each of its aims stands: {metric: (cell, its baseline's cell, verdict)}."""
        out = {}
        for metric, aim in self.aims.items():
            cell = self.cell(key, metric, base)
            sides = zip(self.samples.get(key, ()), self.samples.get(base, ()))
            repeats = sum(bool(mine and other) for mine, other in sides)
            found = verdict(cell.ratio, aim, repeats) if cell and cell.ratio else self.unmeasured(key, base)
            # One client's figures change by a multiple there, and may do so in all repeats alike.
            if cell and cell.ratio and self.busy_before >= BUSY_PERCENT:
                found += ", machine busy"
            out[metric] = cell, self.cell(base, metric, base), found
        return out

    def unmeasured(self, *keys):
        reasons = [self.results.get(key, {"not_run": f"no {key} in this run"}).get("not_run") for key in keys]
        return "; ".join(["not measured", *filter(None, reasons)])

    def cell(self, key, metric, base=BASE):
        """None where this was not measured."""
        value = statistics.summary(self.samples.get(key, ()), metric)
        if value is None:
            return None
        against = self.samples.get(base, ()) if key != base and METRICS[metric].compared else ()
        return Cell(value, statistics.ratio(self.samples[key], against, metric))


def verdict(ratio, aim, repeats):
    """Certain is what even the worst repeat (or the best one) says, and not only because there is no other."""
    if aim is None:
        return "no aim"
    if repeats > 1 and ratio.high <= aim:
        return "met"
    if repeats > 1 and ratio.low > aim:
        return "missed"
    return "not certain, median " + ("within" if ratio.median <= aim else "above")


def _samples(result):
    """What was counted once belongs to every repeat."""
    counted = result.get("counted") or {}
    return [{**sample, **counted} if sample else None for sample in result.get("samples", ())]


def views(results):
    return [CaseView(case) for case in results["cases"]]


def titles(results):
    """{key: what a reader calls it}; those without a program have no other name than their key."""
    named = {system["key"]: system["title"] for system in results["systems"]}
    return {**{key: key for case in results["cases"] for key in case["results"]}, **named}


def pairs(results):
    """[(key, base)]: the systems that the report sets side by side."""
    out = [("pgweir", BASE), ("pgweir", "haproxy"), ("pgweir-2", "pgweir"), ("pgweir-strict", "pgweir")]
    others = [(system["like"], system["key"]) for system in results["systems"] if system.get("like")]
    return out + others


def aimed(results, key="pgweir"):
    """The cases that have aims, where this run has both sides or says why one of them is missing."""
    return [case for case in views(results) if case.aims and key in case.results]


# What a case is about, in the overview: the first of these that it has, then its CPU and latency.
PRIMARY = ("tps", "connections_s", "mib_s", "wall_s", "idle_kib", "instructions")
OVERVIEW = ("cpu_us", "cpu_ms_per_mib", "added_p50_us", "added_p99_us")


def overview(view, key="pgweir", base=BASE):
    """[(metric, ratio)] of one system against another, the case's primary metric first."""
    wanted = [metric for metric in PRIMARY if metric in view.metrics][:1]
    wanted += [metric for metric in OVERVIEW if metric in view.metrics]
    cells = [(metric, view.cell(key, metric, base)) for metric in wanted]
    return [(metric, cell.ratio) for metric, cell in cells if cell and cell.ratio]
