"""One script on both sides, from the same initial state, and a look at what it has left behind."""

from .compare import first_difference
from .player import SILENCE, Player
from .script import BARRIER, Q, Script
from .subjects import looks


class Unusable(Exception):
    """The direct run itself did not come to its end: the script proves nothing."""


FIRST_AUDITOR = 900


def audited(script, backends):
    """The script, and behind it a new client on each backend of the pool: it must find nothing of those before it.

    Not part of the scripts that are printed; whatever one of them leaves behind is its own finding.
    """
    auditors = range(FIRST_AUDITOR, FIRST_AUDITOR + backends)
    steps = [(number, Q("begin")) for number in auditors]
    steps += [(number, *map(Q, looks.at_everything())) for number in auditors]
    return Script(script.seed, script.superuser, {**script.clients, **{number: [] for number in auditors}},
                  [*script.steps, BARRIER, *steps])


class Trial:
    """`direct` and `pooled`: functions (superuser, startup parameters) that return a logged-in Wire."""

    def __init__(self, objects, direct, pooled, max_size):
        self.objects = objects
        self.direct, self.pooled, self.max_size = direct, pooled, max_size
        self.silence = SILENCE  # how long to wait for an answer that may not come
        self.renew = lambda: None  # what makes a new pool

    def run(self, script):
        """The first difference, or None."""
        script = audited(script, self.max_size)
        theirs = self.play(script, self.direct)
        unfinished = [number for number, trace in theirs.items()
                      if trace.end and not trace.refused or any(message.kind == "EOF" for message in trace.messages)]
        if unfinished:
            raise Unusable(f"clients {unfinished} did not come to their end")
        if script.moves_defaults():
            self.renew()  # a server connection of the pool may have been opened while the defaults were others
        ours = self.play(script, self.pooled, self.max_size, {n: trace.heard for n, trace in theirs.items()})
        return first_difference(theirs, ours)

    def play(self, script, login, max_size=None, heard=None):
        self.objects.reset({step[0] for step in script.steps if step != BARRIER})
        self.objects.restore_defaults()
        self.objects.moved = script.moves_defaults()
        return Player(script, lambda params: login(script.superuser, params), max_size, heard, self.silence).play()
