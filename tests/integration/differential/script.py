"""Client scripts as data. They print as the Python that makes them, to be pasted into regressions.py."""

import struct
from dataclasses import dataclass, field

from harness import messages as m


class Say(tuple):
    """One thing a client does: the name of a message builder of harness/messages.py, and its arguments.

    Beside the messages there is "abort": the client leaves with a TCP reset. X is Terminate; both end the client.
    """

    __slots__ = ()

    @property
    def kind(self):
        return self[0]

    def data(self):
        if self.kind == "B":
            return bind(*self[1:])
        builder = getattr(m, self.kind)
        return builder(*self[1:]) if callable(builder) else builder

    @property
    def leaves(self):
        return self.kind in ("X", "abort")

    def __repr__(self):
        if self.kind in CONSTANTS:
            return self.kind
        values, defaults = list(self[1:]), DEFAULTS.get(self.kind, ())
        while values and len(values) <= len(defaults) and values[-1] == defaults[len(values) - 1]:
            values.pop()
        return f"{self.kind}({', '.join(map(repr, values))})"


def Q(sql):
    return Say(("Q", sql))


def P(name="", sql="select 1", oids=()):
    return Say(("P", name, sql, tuple(oids)) if oids else ("P", name, sql))


def B(portal="", statement="", values=(), results=(), formats=()):
    """`results`, `formats`: of the columns and of the parameters, 0 for text and 1 for binary."""
    parts = [portal, statement, tuple(values), tuple(results), tuple(formats)]
    while len(parts) > 2 and not parts[-1]:
        parts.pop()
    return Say(("B", *parts))


def bind(portal, statement, values=(), results=(), formats=()):
    plain = m.B(portal, statement, values, results)
    if not formats:
        return plain
    head = m.cstr(portal) + m.cstr(statement)
    codes = struct.pack(f"!H{len(formats)}H", len(formats), *formats)
    return m.message(b"B", head + codes + plain[5 + len(head) + 2:])


def DS(name=""):
    return Say(("DS", name))


def DP(name=""):
    return Say(("DP", name))


def E(portal="", rows=0):
    return Say(("E", portal, rows))


def CS(name=""):
    return Say(("CS", name))


def CP(name=""):
    return Say(("CP", name))


def F(oid, args=()):
    return Say(("F", oid, tuple(args)))


def d(data):
    return Say(("d", data))


def f(reason="no more"):
    return Say(("f", reason))


S, H, c, X, abort = (Say((name,)) for name in ("S", "H", "c", "X", "abort"))
CONSTANTS = {"S", "H", "c", "X", "abort"}
DEFAULTS = {"B": ("", ""), "E": ("", 0), "DS": ("",), "DP": ("",), "CS": ("",), "CP": ("",), "f": ("no more",)}

# In a script's steps: everybody is answered before anybody goes on. Nobody may hold a backend there, so everyone
# lets go of whatever could keep one, and then says nothing that does (shrink.py sees to that).
BARRIER = (None,)
LET_GO = tuple(map(Q, ("rollback", "close all", "discard temp", "select pg_advisory_unlock_all()",
                       "discard sequences", "deallocate all")))
ALL_HEARD = Q("select 'all heard'")


def notify(channel, payload):
    return Q(f"notify {channel}, '{payload}'")


def holds_nothing(says):
    """Whether a step behind LET_GO is one of those that may stand between barriers."""
    return says == LET_GO or all(say == ALL_HEARD or say.kind == "Q" and say[1].startswith("notify ") for say in says)


@dataclass
class Script:
    """`steps` are tuples: a client's number and what it says in one write, after it was answered.

    Clients log in at their first step, with the startup parameters in `clients`, and leave after their last one.
    A client's number names its database objects (objects.py), so it stays when other clients are taken out.
    """

    seed: int = 0
    superuser: bool = False
    clients: dict = field(default_factory=dict)
    steps: list = field(default_factory=list)
    ordered: bool = False  # clients share tables, so each step waits for the one before it, whoever's that is

    def says(self):
        return sum(len(step) - 1 for step in self.steps)

    def texts(self):
        """Of all statements, also those that stand in others."""
        return [say[1] if say.kind == "Q" else say[2] for step in self.steps if step != BARRIER for say in step[1:]
                if say.kind in ("Q", "P")]

    def moves_defaults(self):
        return any(say.kind == "Q" and say[1].startswith(("alter role ", "alter database "))
                   for step in self.steps if step != BARRIER for say in step[1:])

    def with_steps(self, steps):
        """The same script with other steps; clients that have none are gone."""
        present = {step[0] for step in steps}
        clients = {number: params for number, params in self.clients.items() if number in present}
        return Script(self.seed, self.superuser, clients, steps, self.ordered)

    def __str__(self):
        lines = [f"Script(seed={self.seed}, superuser={self.superuser},", f"       clients={self.clients!r},",
                 "       steps=["]
        for step in self.steps:
            lines.append("    BARRIER," if step == BARRIER else f"    ({', '.join(map(repr, step))}),")
        return "\n".join(lines) + ("\n], ordered=True)" if self.ordered else "\n])")


def one_after_the_other(scripts):
    """The clients of the first script, then those of the next; they must have different numbers."""
    clients = {number: params for script in scripts for number, params in script.clients.items()}
    steps = [step for script in scripts for step in script.steps]
    return Script(scripts[-1].seed, scripts[-1].superuser, clients, steps, any(script.ordered for script in scripts))
