"""Plays scripts of pipeline_script.py and compares what came back, message by message."""

import pytest

from harness.wire import Message

from .nonce_judge import split
from .pipeline_script import LAST
from .pump import Pump, ends_with


def play(endpoint, data, narrow=None, **options):
    """The raw answer to a script of pipeline_script.py."""
    with endpoint.wire(narrow=narrow) as wire:
        answer = Pump(wire, data, **options).until(ends_with(LAST))
        wire.sock.setblocking(True)
        return answer


def rows_of(admin, table):
    with admin.cursor() as cursor:
        cursor.execute(f"select id, v from {table} order by id")
        rows = cursor.fetchall()
        cursor.execute(f"truncate {table}")
    return rows


def assert_same(ours, theirs, comparable=lambda message: message):
    if ours == theirs:
        return
    a, b = (split(bytes(data))[0] for data in (ours, theirs))
    if [*map(comparable, a)] == [*map(comparable, b)]:
        return
    pairs = enumerate(zip(map(comparable, a), map(comparable, b)))
    at = next((n for n, (one, other) in pairs if one != other), min(len(a), len(b)))
    lines = [f"{n}: heard {shown(a, n)}, directly {shown(b, n)}" for n in range(max(0, at - 6), at + 6)]
    pytest.fail(f"differs from PostgreSQL at message {at} of {len(b)}:\n" + "\n".join(lines), pytrace=False)


def shown(messages, number):
    found = messages[number] if number < len(messages) else Message("nothing")
    return f"{found}"[:90] + (f" {found.text!r}" if found.kind in "EN" else "")
