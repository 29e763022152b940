"""The smallest script that still differs: delta debugging over clients, steps, messages and statements.

Every attempt runs against a pool that nobody has used (`renew`), or what an earlier attempt left there would make
the rest fail whatever it says. Attempts are bounded; the best so far counts.
"""

import time

from harness.waiting import seconds

from .script import BARRIER, LET_GO, P, Q, Say, holds_nothing, one_after_the_other
from .trial import Unusable

HISTORY = 4  # scripts before the failing one that may have left something behind
TRIES_MAX = 4
SHORT_SILENCE = seconds(2)
SPENT_MAX = seconds(100)


class Shrinker:
    def __init__(self, environment, attempts=150):
        self.environment, self.left, self.tries = environment, attempts, 1
        self.deadline = time.monotonic() + SPENT_MAX
        self.script = self.difference = None

    def differs(self, script):
        """Remembers the script if it differs. False when it does not, proves nothing, or nothing is left."""
        return well_formed(script) and any(self.attempt(script) for _ in range(self.tries))

    def attempt(self, script):
        if self.left <= 0 or time.monotonic() > self.deadline:
            return False
        self.left -= 1
        self.environment.renew()
        trial = self.environment.trial
        usual, trial.silence = trial.silence, SHORT_SILENCE
        try:
            difference = trial.run(script)
        except Unusable:
            return False
        finally:
            trial.silence = usual
        if not difference or self.difference and difference.signature != self.difference.signature:
            return False
        self.script, self.difference = script, difference
        return True

    def happens_again(self, script, history):
        """Alone, or behind the scripts before it. What needs luck (which of several backends comes next) gets more
        tries from then on."""
        for self.tries in (1, TRIES_MAX):
            if self.differs(script) or any(self.differs(one_after_the_other([*history[-count:], script]))
                                           for count in range(1, len(history) + 1)):
                return True
        return False

    def run(self, script, history=()):
        """True when the script, or the scripts before it and the script, differ in a new pool."""
        if not self.happens_again(script, history):
            return False
        before = None
        while before != str(self.script) and self.left > 0:
            before = str(self.script)
            self.without_the_rest()
            self.without_clients()
            self.without_parameters()
            self.without_steps()
            self.without_messages()
            self.without_statements()
        return True

    def without_the_rest(self):
        """What comes behind the step that is answered otherwise."""
        if self.difference.step is None:
            return
        own = [number for number, step in enumerate(self.script.steps) if step[0] == self.difference.client]
        if self.difference.step < len(own):
            self.differs(self.script.with_steps(self.script.steps[:own[self.difference.step] + 1]))

    def without_clients(self):
        for number in list(self.script.clients):
            self.differs(self.script.with_steps([step for step in self.script.steps if step[0] != number]))

    def without_parameters(self):
        for number, params in list(self.script.clients.items()):
            if params:
                script = self.script.with_steps(self.script.steps)
                script.clients = {**script.clients, number: []}
                self.differs(script)

    def without_steps(self):
        size = max(1, len(self.script.steps) // 2)
        while size:
            at = 0
            while at < len(self.script.steps):
                steps = self.script.steps[:at] + self.script.steps[at + size:]
                if not self.differs(self.script.with_steps(steps)):
                    at += size
            size //= 2

    def without_messages(self):
        for at in reversed(range(len(self.script.steps))):
            for part in parts(self.script.steps[at]):
                step = self.script.steps[at]
                self.replace(at, step[:part.start] + step[part.stop:])

    def without_statements(self):
        for at, step in enumerate(self.script.steps):
            for place, say in enumerate(step):
                if isinstance(say, Say) and say.kind in ("Q", "P"):
                    self.shorten(at, place)

    def shorten(self, at, place):
        """Fewer statements in a string, fewer columns in a list."""
        for separator in ("; ", ", "):
            pieces = text_of(self.script.steps[at][place]).split(separator)
            size = len(pieces) // 2
            while size:
                start = 0
                while start < len(pieces):
                    fewer = pieces[:start] + pieces[start + size:]
                    if fewer and self.with_text(at, place, separator.join(fewer)):
                        pieces = fewer
                    else:
                        start += size
                size //= 2

    def with_text(self, at, place, text):
        step = self.script.steps[at]
        say = step[place]
        shorter = Q(text) if say.kind == "Q" else P(say[1], text, *say[3:])
        return self.replace(at, (*step[:place], shorter, *step[place + 1:]))

    def replace(self, at, step):
        if len(step) < 2 or step == self.script.steps[at]:
            return False
        steps = list(self.script.steps)
        steps[at] = step
        return self.differs(self.script.with_steps(steps))


def text_of(say):
    return say[1] if say.kind == "Q" else say[2]


def parts(step):
    """Slices of a step that can go, later ones first: whole extended queries, then single messages of them."""
    if step == BARRIER:
        return
    ends = [at for at, say in enumerate(step) if at and say.kind in ("S", "Q", "F")]
    starts = [1, *(end + 1 for end in ends)]
    for start, end in reversed(list(zip(starts, ends))):
        yield slice(start, end + 1)
    for at in reversed(range(1, len(step))):
        if step[at].kind in ("P", "B", "E", "DS", "DP", "CS", "CP", "d", "H"):
            yield slice(at, at + 1)


def well_formed(script):
    """No simple Query behind an unsynced extended query of an earlier step: PostgreSQL 18 breaks its own connection
    there. Nobody who stays holds a backend at a BARRIER."""
    unsynced, let_go = {}, {}
    last = {step[0]: number for number, step in enumerate(script.steps)}
    for number, (client, *says) in enumerate(script.steps):
        if client is None and any(not let_go[other] and last[other] > number for other in let_go):
            return False
        if says and says[0].kind in ("Q", "F") and unsynced.get(client):
            return False
        if client is not None:
            let_go[client] = tuple(says) == LET_GO or let_go.get(client, False) and holds_nothing(tuple(says))
        for say in says:
            if say.kind in ("P", "B", "E", "DS", "DP", "CS", "CP"):
                unsynced[client] = True
            elif say.kind == "S":
                unsynced[client] = False
    return bool(script.steps)
