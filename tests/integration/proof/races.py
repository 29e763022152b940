"""Cancel requests that are sent around the end of a statement, as close to it as a feedback loop gets."""

import random
import time

from harness import messages as m


def spin(seconds):
    """Waits with the precision that a race needs."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


class Aim:
    """When to shoot. Each hit moves it later, each miss earlier, so that it stays at the boundary between them,
    wherever the load of the machine puts that; around it the shots are spread. Never before `soonest`: what comes
    before the statement misses, too, and would draw it to the wrong side. `start`: the first guess, of which ten
    times is the latest moment."""

    def __init__(self, seed, soonest=0.0006, step=0.00005, spread=0.0006, start=None):
        self.random, self.soonest, self.step, self.spread = random.Random(seed), soonest, step, spread
        self.delay = soonest + spread if start is None else start
        self.latest = 10 * max(self.delay, 0.005)
        self.hits = self.misses = 0

    def wait(self):
        spin(max(0.0, self.delay + self.random.uniform(-self.spread, self.spread)))

    def record(self, hit):
        self.hits += hit
        self.misses += not hit
        self.delay = min(self.latest, max(self.soonest, self.delay + (self.step if hit else -self.step)))

    def assert_fair(self):
        """A race that always ends the same way proves nothing. A short one has hardly found its mark."""
        shots = self.hits + self.misses
        least = shots / 20 if shots >= 150 else 1
        assert min(self.hits, self.misses) >= least, f"{self.hits} hits, {self.misses} misses"


def cancelled(answer):
    """Whether an answer holds a cancellation; any other error fails."""
    errors = [message for message in answer if message.kind == "E"]
    # In a transaction what follows the cancelled statement fails as well.
    assert {error.sqlstate for error in errors} <= {"57014", "25P02"}, [f"{x} {x.text}" for x in errors]
    assert answer[-1].kind == "Z", answer
    return bool(errors)


class Shots:
    """Connected sockets with a cancel request each: `fire` only has to write."""

    def __init__(self, proxy, wire, count=1):
        self.data = m.cancel_request(wire.pid, wire.secret)
        self.sockets = [proxy.socket() for _ in range(count)]

    def fire(self):
        for sock in self.sockets:
            sock.send(self.data)

    def ended(self):
        """The server has closed each of them: nothing is on its way any more."""
        for sock in self.sockets:
            assert [str(x) for x in sock.until_eof()] == ["EOF"]
            sock.close()


# Long enough that a cancel can come before its end on a busy machine, too.
SLEEP_SECONDS = 0.02
SLEEP = f"select pg_sleep({SLEEP_SECONDS})"

QUICK = "select pg_sleep(0.001)"

# A statement that is about to end, or several: what is sent, and the number of ReadyForQuery that answer it. All
# take SLEEP_SECONDS, or hardly more.
SHAPES = {
    "simple": (m.Q(SLEEP), 1),
    "extended": (m.P("", SLEEP) + m.B() + m.E() + m.S, 1),
    "prepared": (m.CS("sleep") + m.P("sleep", SLEEP) + m.B("", "sleep") + m.E() + m.S, 1),
    "pipeline": (b"".join(m.P("", sql) + m.B() + m.E() + m.S for sql in (QUICK, SLEEP, QUICK)), 3),
    # A COMMIT that is cancelled leaves the failed transaction open.
    "transaction": (m.Q("begin") + m.Q(SLEEP) + m.Q("commit") + m.Q("rollback"), 4),
    "copy out": (m.Q(f"copy ({SLEEP}) to stdout"), 1),
    # A pooler has to ask what this has changed: a late cancel may hit its question.
    "settings in a DO block": (
        m.Q(f"do $$ begin perform pg_sleep({SLEEP_SECONDS}), set_config('work_mem', '3MB', false); end $$"), 1),
}
