"""Bounded waiting. Nothing in these tests sleeps to let something happen; it polls for the thing itself."""

import os
import time

# Sanitizer builds are several times slower: repetitions shrink and deadlines grow.
FACTOR = float(os.environ.get("PGWEIR_TEST_FACTOR", "1"))
SLOWNESS = float(os.environ.get("PGWEIR_TEST_SLOWNESS", "1"))


def repetitions(count, least=1):
    return max(least, int(count * FACTOR))


def seconds(value):
    """A deadline for things that should be quick, stretched for slow builds."""
    return value * SLOWNESS


class TimedOut(AssertionError):
    pass


def until(condition, what, timeout=10.0, interval=0.01):
    """Polls `condition` until it is true and returns its value; fails with `what` after `timeout` seconds."""
    deadline = time.monotonic() + seconds(timeout)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimedOut(f"not within {seconds(timeout):.1f} s: {what} (last value: {value!r})")
        time.sleep(interval)


def hold(condition, what, duration, interval=0.01):
    """Fails as soon as `condition` is false within `duration` seconds."""
    deadline = time.monotonic() + duration
    while time.monotonic() < deadline:
        assert condition(), f"no longer true: {what}"
        time.sleep(interval)
