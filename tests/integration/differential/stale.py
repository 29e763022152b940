"""Where pgweir may answer better than PostgreSQL: a stale plan that the client need not hear of.

PostgreSQL refuses a prepared statement whose columns have changed since it was made (0A000, "cached plan must not
change result type"), and goes on refusing it. pgweir may run it anew instead, where the client cannot be reading the
rows by an old description:

| the message that was refused                  | pgweir may answer as if it were made there anew           |
|-----------------------------------------------|-----------------------------------------------------------|
| any                                           | if the client was never told what the statement looks     |
|                                               | like, or was told last what it looks like when made anew  |
|                                               | (in a transaction, too: it may have got a server          |
|                                               | connection that did not know the statement yet)           |
| Bind or Describe, outside of a transaction    | also if the client asks in the same batch                 |
| EXECUTE as a Query, which tells its columns   | outside of a transaction: always                          |

A client that was never told, but asks for binary columns or sends binary values, knows the types from elsewhere: there
the error is due, except that it may send binary values whose types it has declared.

"Was told" counts from the Parse of that name on. What it may answer is not left open: PostgreSQL plays the script
again, with a new statement of the same text in that place alone, and that is what pgweir must have said. Everywhere
else, and where PostgreSQL does not refuse, it must say what PostgreSQL says.
"""

import re
import struct

from .script import BARRIER, CS, B, DS, P, Q, S, Say, Script

STAND_IN = "stand-in"
EXECUTE = re.compile(r"execute (\w+)(.*)", re.DOTALL)
PREPARE = re.compile(r"prepare (\w+) as (.*)", re.DOTALL)


def is_stale_plan(message):
    return message.kind == "E" and message.sqlstate == "0A000" and message.fields().get("R") == "RevalidateCachedQuery"


def positions(script):
    """{client: [(step, place)]} of all that it says, in order."""
    found = {}
    for number, step in enumerate(script.steps):
        if step != BARRIER:
            found.setdefault(step[0], []).extend((number, place) for place in range(1, len(step)))
    return found


def columns(description):
    """Of a RowDescription, as far as a client reads rows by it; None for none."""
    if description.kind != "T":
        return None
    body, at, found = description.body, 2, []
    for _ in range(struct.unpack_from("!H", body)[0]):
        end = body.index(b"\0", at)
        found.append((body[at:end], body[end + 7:end + 17]))  # its name; type, length, modifier
        at = end + 19
    return found


class Conversation:
    """What one client has said and been answered."""

    def __init__(self, script, client, trace):
        self.says = [script.steps[number][place] for number, place in positions(script).get(client, [])]
        self.answers = {}
        for message, cause in zip(trace.messages, trace.causes):
            self.answers.setdefault(cause, []).append(message)

    def succeeded(self, serial):
        heard = self.answers.get(serial, [])
        return bool(heard) and not any(message.kind == "E" for message in heard)

    def is_refused(self, serial):
        return any(map(is_stale_plan, self.answers.get(serial, [])))

    def refusals(self):
        """The serial numbers of all messages that were refused and that have a name to be mended by."""
        return [serial for serial in self.answers if serial is not None and self.is_refused(serial)
                and self.refused(serial) is not None and self.text(self.refused(serial), serial) is not None]

    def batch(self, serial):
        """The serials of the batch: from behind a Sync or a Query up to the next."""
        first = last = serial
        while first > 1 and self.says[first - 2].kind not in ("S", "Q", "F"):
            first -= 1
        while last < len(self.says) and self.says[last - 1].kind not in ("S", "Q", "F"):
            last += 1
        return range(first, last + 1)

    def in_transaction(self, first):
        """When the batch began."""
        status = "I"
        for serial in range(1, first):
            for message in self.answers.get(serial, []):
                status = message.body.decode() if message.kind == "Z" else status
        return status != "I"

    def portals(self, serials):
        return {self.says[serial - 1][1]: self.says[serial - 1][2] for serial in serials
                if self.says[serial - 1].kind == "B"}

    def tells(self, serial, bound):
        """The name of the statement whose look is asked for."""
        say = self.says[serial - 1]
        return say[1] if say.kind == "DS" else bound.get(say[1]) if say.kind == "DP" else None

    def refused(self, serial):
        """The name of the statement that this message is about, or None."""
        if not 1 <= serial <= len(self.says):
            return None
        say = self.says[serial - 1]
        if say.kind == "Q":
            match = EXECUTE.fullmatch(say[1])
            return match and match[1]
        return {"B": lambda: say[2], "DS": lambda: say[1]}.get(say.kind, lambda: None)()

    def text(self, name, before):
        """Its text and declared types, or None."""
        for serial in reversed(range(1, before)):
            say = self.says[serial - 1]
            prepared = PREPARE.fullmatch(say[1]) if say.kind == "Q" else None
            if say.kind == "P" and say[1] == name and self.succeeded(serial):
                return serial, say[2], say[3] if len(say) > 3 else ()
            if prepared and prepared[1] == name and self.succeeded(serial):
                return serial, prepared[2], ()
        return None

    def told(self, serial):
        """What the client has heard last of what this statement looks like, before the batch; None if it has not."""
        name, told, bound = self.refused(serial), None, {}
        for earlier in range(self.text(name, serial)[0] + 1, self.batch(serial).start):
            bound.update(self.portals([earlier]))
            if self.tells(earlier, bound) == name and self.succeeded(earlier):
                told = next(message for message in self.answers[earlier] if message.kind in "Tn")
        return told

    def fits(self, serial, looks):
        """What the client goes on by is right, if the statement anew looks like this."""
        batch, told, say = self.batch(serial), self.told(serial), self.says[serial - 1]
        binary_columns, binary_values = (say.kind == "B" and bool(say[at:at + 1]) and any(say[at]) for at in (4, 5))
        if binary_values and not self.text(say[2], serial)[2]:
            return False
        asks = self.says[serial - 1].kind == "Q" or any(self.tells(other, self.portals(batch)) == self.refused(serial)
                                                        for other in batch)
        return (told is None and not binary_columns or told and looks and columns(told) == columns(looks)
                or asks and not self.in_transaction(batch.start))

    def mended(self, serial):
        """What the client says there instead: (in front of it, itself)."""
        _, text, types = self.text(self.refused(serial), serial)
        say = self.says[serial - 1]
        make = (CS(STAND_IN), P(STAND_IN, text, types), DS(STAND_IN))
        if say.kind == "Q":
            return (*make, S), Q(f"execute \"{STAND_IN}\"{EXECUTE.fullmatch(say[1])[2]}")
        return make, B(say[1], STAND_IN, *say[3:]) if say.kind == "B" else DS(STAND_IN)


def mend(script, conversations, mends):
    """The script with stand-ins for the statements in `mends` {(client, serial)}, and for each client the serial
    numbers of the script that its new ones stand for: None for what was not in it."""
    said, steps, serials = {}, [], {}
    for step in script.steps:
        client, says = step[0], []
        for say in step[1:]:
            serial = said[client] = said.get(client, 0) + 1
            front = ()
            if (client, serial) in mends:
                front, say = conversations[client, serial].mended(serial)
            says += [*front, say]
            serials.setdefault(client, []).extend([None] * len(front) + [serial])
        steps.append((client, *says))
    return Script(script.seed, script.superuser, script.clients, steps, script.ordered), serials


def without_stand_ins(trace, serials):
    """As if only what is in the script had been said; and what the stand-ins look like, by their serial numbers."""
    kept, looks = [], {}
    for number, cause in enumerate(trace.causes):
        if cause is None:
            kept.append((number, None))
        elif cause <= len(serials) and trace.messages[number].kind == "E":  # also where a stand-in cannot be made
            kept.append((number, next(serial for serial in serials[cause - 1:] if serial is not None)))
        elif cause > len(serials):  # the goodbye
            kept.append((number, cause - sum(serial is None for serial in serials)))
        elif serials[cause - 1] is not None:
            kept.append((number, serials[cause - 1]))
        elif trace.messages[number].kind in "Tn":
            looks[next(serial for serial in serials[cause - 1:] if serial is not None)] = trace.messages[number]
    trace.messages = [trace.messages[number] for number, _ in kept]
    trace.places = [trace.places[number] for number, _ in kept]
    trace.causes = [cause for _, cause in kept]
    return looks
