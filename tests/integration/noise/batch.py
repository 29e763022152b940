"""One thing that a driver does, as the messages that it writes."""

from dataclasses import dataclass, field

from harness import messages as m


@dataclass
class Step:
    """One write, answered before the next one."""

    send: bytes
    # It changes nothing that the server would have to know, and asks nothing: pgweir answers it.
    quiet: bool = False

    def answers(self):
        """How many ReadyForQuery it gets."""
        count, at = 0, 0
        while at < len(self.send):
            count += self.send[at:at + 1] in (b"Q", b"S")
            at += 1 + int.from_bytes(self.send[at + 1:at + 5], "big")
        return count


@dataclass
class Batch:
    driver: str
    what: str
    source: str  # where it is known from
    steps: list
    params: list = field(default_factory=list)  # of the startup message, besides user and database

    def __str__(self):
        return f"{self.driver}: {self.what}"


def query(sql):
    return Step(m.Q(sql))


def quiet(sql):
    return Step(m.Q(sql), quiet=True)


def sent(*messages):
    """Several messages in one write."""
    return Step(b"".join(messages))


def prepared(name, sql, values=(), describe=m.DS, rows=0):
    """Parse and Describe, then Bind and Execute, in two round trips."""
    return [sent(m.P(name, sql), describe(name), m.S), sent(m.B("", name, values), m.E("", rows), m.S)]


def unnamed(sql, values=(), rows=0):
    """The usual extended query of one round trip."""
    return sent(m.P("", sql), m.B("", "", values), m.DP(""), m.E("", rows), m.S)
