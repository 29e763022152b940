"""H1: the length of a message is checked before anything of it goes on. A client that lies about one is closed, alone."""

import pytest

from harness import messages as m
from harness.wire import EOF

TYPES = "QPBEDCSHFfdcXp"
SMALL = "SHXcfCDE"  # PostgreSQL's PQ_SMALL_MESSAGE_LIMIT
# No length can be that small, or that large.
LIES = {"0": 0, "1": 1, "3": 3, "1 GiB": 1 << 30, "2 GiB - 1": (1 << 31) - 1, "negative": 1 << 31, "-1": (1 << 32) - 1}


@pytest.fixture
def endpoint(shared):
    return shared("one", max_size=1)


def pid_of(endpoint):
    with endpoint.wire() as wire:
        return wire.value("select pg_backend_pid()")


def is_closed_by(endpoint, data, before=b""):
    """The connection ends, with a reason or without one, and nothing of the message is done."""
    wire = endpoint.wire()
    if before:
        wire.send(before)
        wire.until_ready()
    wire.send(data)
    answer = wire.until_eof()
    assert answer[-1] is EOF and all(x.kind in ("E", "EOF") for x in answer), answer
    wire.close()


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("type", TYPES)
def test_an_impossible_length(endpoint, type, lie):
    pid = pid_of(endpoint)
    data = m.message(type.encode(), b"\0" * 20, length=LIES[lie])
    is_closed_by(endpoint, data)
    is_closed_by(endpoint, data, before=m.Q("begin"))
    if endpoint.kind != "direct":
        assert pid_of(endpoint) == pid


@pytest.mark.parametrize("type", SMALL)
def test_a_small_message_that_is_large(endpoint, type):
    pid = pid_of(endpoint)
    is_closed_by(endpoint, m.message(type.encode(), b"x" * 10_001))
    if endpoint.kind != "direct":
        assert pid_of(endpoint) == pid


@pytest.mark.parametrize("type, part, code", [("D", b"S", "26000"), ("D", b"P", "34000"), ("C", b"S", None), ("C", b"P", None)])
def test_a_small_message_at_its_limit(endpoint, type, part, code):
    """10,000 bytes with their length are fine, whatever the name is worth."""
    data = m.message(type.encode(), part + b"x" * 9994 + b"\0")
    assert len(data) == 10_001
    with endpoint.wire() as wire:
        assert wire.ask(data + m.S) == (f"E({code}) Z(I)" if code else "3 Z(I)")
        assert wire.value("select 1") == "1"
