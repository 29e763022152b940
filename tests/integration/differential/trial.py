"""One script on both sides, from the same initial state, and a look at what it has left behind."""

from .compare import Difference, differences
from .objects import shared_schemas
from .player import SILENCE, Player
from .script import BARRIER, Q, Script
from .stale import Conversation, mend, positions, without_stand_ins
from .subjects import looks


class Unusable(Exception):
    """The direct run itself did not come to its end: the script proves nothing."""


FIRST_AUDITOR = 900
MENDS_MAX = 60


def audited(script, backends):
    """The script, and behind it a new client on each backend of the pool: it must find nothing of those before it.

    Not part of the scripts that are printed; whatever one of them leaves behind is its own finding.
    """
    auditors = range(FIRST_AUDITOR, FIRST_AUDITOR + backends)
    steps = [(number, Q("begin")) for number in auditors]
    steps += [(number, *map(Q, looks.at_everything())) for number in auditors]
    return Script(script.seed, script.superuser, {**script.clients, **{number: [] for number in auditors}},
                  [*script.steps, BARRIER, *steps], script.ordered)


def cause_of(difference, traces):
    """The serial number of the message whose answer differs, if both sides have one there."""
    causes = traces[difference.client].causes
    return causes[difference.at] if difference.at is not None and difference.at < len(causes) else None


def place_of(difference, traces, places):
    """Where in the script that message stands."""
    serial, own = cause_of(difference, traces), places.get(difference.client, [])
    return own[serial - 1] if serial and serial <= len(own) else (1 << 30, 0)


class Trial:
    """`direct` and `pooled`: functions (superuser, startup parameters) that return a logged-in Wire."""

    def __init__(self, objects, direct, pooled, max_size):
        self.objects = objects
        self.direct, self.pooled, self.max_size = direct, pooled, max_size
        self.mended = 0  # how often pgweir answered where PostgreSQL refused a stale plan
        self.silence = SILENCE  # how long to wait for an answer that may not come
        self.renew = lambda: None  # what makes a new pool
        self.tell = lambda: None  # what makes pgweir know that definitions have changed

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
        return self.judge(script, theirs, ours)

    def judge(self, script, theirs, ours):
        """The first difference that may not be (stale.py)."""
        reference, mends, conversations = theirs, set(), {}
        while found := differences(reference, ours):
            talks = {client: Conversation(script, client, trace) for client, trace in reference.items()}
            theirs_heard = {client: Conversation(script, client, trace) for client, trace in ours.items()}
            better = {(client, serial) for client, talk in talks.items() for serial in talk.refusals()
                      if not theirs_heard[client].is_refused(serial)} - mends
            places = positions(script)
            first = min(found, key=lambda difference: place_of(difference, reference, places))
            if (first.client, cause_of(first, reference)) not in better or len(mends) > MENDS_MAX:
                return first
            conversations.update({(client, serial): talks[client] for client, serial in better})
            mends |= better
            again, serials = mend(script, conversations, mends)
            reference = self.play(again, self.direct)
            looks = {client: without_stand_ins(trace, serials[client]) for client, trace in reference.items()}
            for client, serial in sorted(better):
                if not Conversation(script, client, reference[client]).fits(serial, looks[client].get(serial)):
                    return first if (client, serial) == (first.client, cause_of(first, reference)) else Difference(
                        client, f"its message {serial}: a stale plan of which it was told otherwise", None, ["E(0A000)"], [])
        self.mended += len(mends)
        return None

    def play(self, script, login, max_size=None, heard=None):
        self.objects.reset({step[0] for step in script.steps if step != BARRIER}, shared_schemas(script))
        self.objects.restore_defaults()
        self.objects.moved = script.moves_defaults()
        if self.objects.remade and max_size is not None:
            self.tell()
        self.objects.note(script)
        return Player(script, lambda params: login(script.superuser, params), max_size, heard, self.silence).play()
