"""From samples to what is reported: medians, spreads, ratios. Pure functions.

A system's samples of one case are a list with one entry for each repeat: {metric: value}, or None where the trial
failed. All systems take their turn in each repeat, so that entries of the same index belong together.
"""

import dataclasses
import math

# What latencies are compared with when they are told as "added over direct".
ADDED = {"p50_us": "added_p50_us", "p99_us": "added_p99_us"}


@dataclasses.dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def percentile(values, percent):
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def spread(values):
    """None when there is nothing to tell."""
    known = [value for value in values if value is not None]
    return Spread(median(known), min(known), max(known)) if known else None


def values_of(samples, metric):
    """One for each repeat; None where it is not known."""
    return [sample.get(metric) if sample else None for sample in samples]


def summary(samples, metric):
    return spread(values_of(samples, metric))


def ratio(samples, base, metric):
    """Against the baseline's samples, repeat by repeat: what disturbed a repeat has disturbed both.

    A latency that is below the direct connection's (under load, a small pool spares the server) has no ratio.
    """
    pairs = [(mine, other) for mine, other in zip(values_of(samples, metric), values_of(base, metric))
             if mine is not None and other is not None]
    if any(mine < 0 or other <= 0 for mine, other in pairs):
        return None
    return spread([mine / other for mine, other in pairs])


def with_added_latency(samples, direct):
    """The samples, with each latency's distance from the direct connection's in the same repeat."""
    out = []
    for sample, plain in zip(samples, direct):
        if sample is not None and plain is not None:
            sample = {**sample, **{added: sample[key] - plain[key] for key, added in ADDED.items()
                                   if key in sample and key in plain}}
        out.append(sample)
    return out
