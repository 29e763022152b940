"""Tables of exchanges: what a client sends, and the stream that PostgreSQL answers.

A sequence passes directly against PostgreSQL (that is what makes its expectation true) and through the proxy.
Expected streams are written in the notation of harness/wire.py. Inside parentheses `*` stands for anything and
`|` separates alternatives; a letter without parentheses accepts any content.
"""

import re
from dataclasses import dataclass

from . import messages as m


@dataclass
class Step:
    send: bytes | None = None
    expect: str = ""
    act: object = None  # callable(context) instead of bytes
    owes: bool = False  # the client has begun something after its last Sync, so it keeps its backend


@dataclass
class Sequence:
    name: str
    why: str
    steps: list
    setup: str = ""  # SQL on a direct connection, before
    cleanup: str = ""  # and after
    transparent: bool = True
    differs: str = ""  # the reason why a proxy must answer otherwise, when it is not transparent
    proxied: list | None = None  # the steps through the proxy, when they differ from PostgreSQL's
    ends: bool = False  # the connection is gone at the end
    kills_backend: bool = False  # PostgreSQL itself ends the backend of this exchange
    holds: bool = False  # session state is left that may keep the backend with its client
    # Needs a pool that never saw its texts: a plan that another session made before the DDL is a known limit.
    fresh: bool = False
    max_version: int = 99  # of the server: later ones answer otherwise

    def __str__(self):
        return self.name


def step(send, expect="", owes=False):
    return Step(send=send, expect=expect, owes=owes)


def act(function, expect=""):
    return Step(act=function, expect=expect)


def admin_sql(sql):
    """Runs SQL on another, direct connection of the superuser."""
    return Step(act=lambda context: context.admin(sql))


def tokens(text):
    """Splits at spaces outside parentheses."""
    return re.findall(r"[A-Za-z0-9]+(?:\((?:[^()]|\([^()]*\))*\))?", text)


def matches(expected, message):
    letter, _, detail = expected.partition("(")
    kind, _, found = str(message).partition("(")
    if letter != kind:
        return False
    if not detail:
        return True
    detail, found = detail[:-1], found[:-1]
    return any(re.fullmatch(re.escape(choice).replace(r"\*", ".*"), found, re.DOTALL)
               for choice in detail.split("|"))


class Mismatch(AssertionError):
    pass


def run_steps(wire, steps, how, context=None, between=None):
    """Plays the steps; returns the messages heard. `between` is called wherever the client owes and is owed nothing."""
    heard, trace = [], []
    for number, current in enumerate(steps, 1):
        if current.act is not None:
            current.act(context)
        if current.send:
            try:
                wire.send(current.send, how)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the peer closed early; what it said before is still to be read
        wanted = tokens(current.expect)
        got = []
        for expected in wanted:
            try:
                message = wire.receive()
            except AssertionError as silence:
                raise Mismatch(f"step {number}: expected {current.expect!r}, "
                               f"heard {' '.join(map(str, got))!r}, then {silence}; before: {trace}") from None
            got.append(message)
            if not matches(expected, message):
                detail = f" {message.text!r}" if message.kind in "EN" else ""
                raise Mismatch(f"step {number}: expected {current.expect!r}, "
                               f"heard {' '.join(map(str, got))!r}{detail}; before: {trace}")
        heard += got
        trace.append(" ".join(map(str, got)))
        if between and wanted and wanted[-1] == "Z(I)" and not current.owes:
            between(number)
    return heard


def probe(wire):
    """Nothing is left over on this connection, and it still works: the answer is exactly the probe's own."""
    answer = wire.ask(m.Q("select 'probe'"))
    if answer != "T D(probe) C(SELECT 1) Z(I)":
        raise Mismatch(f"afterwards the connection answers {answer!r}")
