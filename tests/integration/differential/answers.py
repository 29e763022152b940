"""Whether a client has heard all that the server owes it.

Follows what was sent and what came back, message by message (PostgreSQL documentation, 55.2.3, and 55.2.6 for COPY),
because the number of answers depends on errors: they make the server skip everything up to the next Sync.
"""

from collections import deque

ASYNCHRONOUS = {"S", "N", "A"}
# What ends the answer to each message; an ErrorResponse is dealt with apart.
ENDS = {"P": "1", "B": "2", "CS": "3", "CP": "3", "DS": "Tn", "DP": "Tn", "E": "CIs", "Q": "Z", "F": "Z", "S": "Z"}
SILENT = {"H", "d", "c", "f"}
FLUSHES = {"H", "S", "Q", "F"}


class Answers:
    def __init__(self):
        self.owed = deque()  # (serial, kind) of messages without their whole answer
        self.sent = self.flushed = 0
        self.cause = None  # the serial number of the message that the last one heard answers
        self.skipping = self.copying = self.unsynced = False
        self.status = "I"

    def say(self, kind):
        """The client sends a message."""
        self.sent += 1
        if kind in FLUSHES:
            self.flushed = self.sent
        if kind in ("P", "B", "DS", "DP", "E", "CS", "CP"):
            self.unsynced = True
        if kind == "S" and not self.copying:
            self.unsynced = False
        if not self.skipping or kind == "S":
            self.skipping = False
            self.owed.append((self.sent, kind))
        self.pass_over()

    def hear(self, kind):
        """The server sends a message."""
        self.cause = self.owed[0][0] if self.owed else None
        if kind in ASYNCHRONOUS or not self.owed:
            return
        front = self.owed[0][1]
        if kind == "G":
            self.copying = True
        elif kind == "E" and front not in ("Q", "F"):
            self.skip()
        elif kind == "E":
            self.copying = False
        elif kind in ENDS[front]:
            self.owed.popleft()
            self.copying = False
        self.pass_over()

    def ready(self, status):
        """With ReadyForQuery, beside hear()."""
        self.status = status

    def skip(self):
        self.copying = False
        while self.owed and self.owed[0][1] != "S":
            self.owed.popleft()
        self.skipping = not self.owed

    def pass_over(self):
        """Takes out what has no answer: Flush, stray COPY messages, and all that COPY IN swallows."""
        while self.owed and self.owed[0][1] in SILENT:
            self.owed.popleft()
        while self.copying and len(self.owed) > 1 and self.owed[1][1] in SILENT | {"S"}:
            ending = self.owed[1][1] in ("c", "f")
            del self.owed[1]
            if ending:
                self.copying = False

    @property
    def done(self):
        """Nothing more comes before the client says something."""
        return not self.owed or self.copying or self.owed[0][0] > self.flushed

    @property
    def settled(self):
        """Outside of COPY, and each extended query has its Sync."""
        return not self.owed and not self.copying and not self.unsynced

    @property
    def holds(self):
        """Whoever is here needs a backend of its own until it goes on."""
        return self.status != "I" or not self.settled
