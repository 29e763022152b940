"""Every way in which a client may leave, its state made."""

from harness import messages as m
from harness.waiting import until

INSERT = m.P("", "insert into leak_rows values (2, 'half')") + m.B() + m.E()
PIN = m.Q("create temp table leak_pin (); select pg_advisory_lock(4712); prepare leak_pinned as select 1")


def heard(wire, kind):
    """Reads up to a message of that kind, which must come before the next ReadyForQuery."""
    for _ in range(100):
        message = wire.receive()
        if message.kind == kind:
            return
        assert message.kind not in ("E", "Z", "EOF"), f"{message} {message.text if message.kind == 'E' else ''}"
    raise AssertionError(f"no {kind}")


def make(wire, kind):
    for data in kind.messages():
        send_well(wire, data)


def send_well(wire, data):
    wire.send(data)
    answer = wire.until_ready()
    bad = [f"{x} {x.text}" if x.kind == "E" else str(x) for x in answer if x.kind in ("E", "EOF")]
    assert not bad, bad


def with_terminate(kind, context):
    wire = context.login(kind)
    make(wire, kind)
    wire.terminate()


def without_a_word(kind, context):
    wire = context.login(kind)
    make(wire, kind)
    wire.close()


def by_reset(kind, context):
    wire = context.login(kind)
    make(wire, kind)
    wire.abort()


def in_the_transaction_that_made_it(kind, context):
    wire = context.login(kind)
    send_well(wire, m.Q("begin"))
    make(wire, kind)
    wire.abort()


def in_a_later_transaction(kind, context):
    wire = context.login(kind)
    make(wire, kind)
    send_well(wire, m.Q("begin"))
    send_well(wire, m.Q("insert into leak_rows values (2, 'half')"))
    wire.abort()


def in_a_failed_transaction(kind, context):
    wire = context.login(kind)
    send_well(wire, m.Q("begin"))
    make(wire, kind)
    assert "E(22012)" in wire.ask(m.Q("select 1/0"))
    wire.abort()


def after_a_rollback(kind, context):
    wire = context.login(kind)
    send_well(wire, m.Q("begin"))
    make(wire, kind)
    send_well(wire, m.Q("rollback"))
    wire.terminate()


def after_a_failed_string(kind, context):
    wire = context.login(kind)
    text = ";".join(step for step in kind.make if isinstance(step, str))
    assert "E(22012)" in wire.ask(m.Q(f"{text}; select 1/0"))
    wire.terminate()


def in_a_pipeline(kind, context):
    wire = context.login(kind)
    make(wire, kind)
    wire.send(INSERT + m.H)
    heard(wire, "C")
    wire.abort()


def in_the_pipeline_that_made_it(kind, context):
    wire = context.login(kind)
    wire.send(m.P("", kind.single()) + m.B() + m.E() + m.H)
    heard(wire, "C")
    wire.abort()


def in_an_unflushed_pipeline(kind, context):
    """The server has read nothing of it yet, or all."""
    wire = context.login(kind)
    wire.send(m.P("", kind.single()) + m.B() + m.E())
    wire.abort()


def in_copy_in(kind, context):
    wire = context.login(kind)
    make(wire, kind)
    wire.send(m.Q("copy leak_rows from stdin") + m.d("3\thalf\n"))
    heard(wire, "G")
    wire.abort()


def while_pinned(kind, context):
    wire = context.login(kind)
    make(wire, kind)
    send_well(wire, PIN)
    wire.abort()


def while_someone_waits(kind, context):
    """Its own query waits behind another client, or, if it keeps its backend, the other one waits for it."""
    wire, other = context.login(kind), context.login()
    make(wire, kind)
    other.send(m.Q("begin"))
    if context.answered_or_waiting(other):
        assert other.until_ready()
        wire.send(m.Q("select 1"))
        until(lambda: context.waiters() == 1, "it waits")
        wire.abort()
        until(lambda: context.waiters() == 0, "its query is forgotten")
    else:
        wire.abort()
        assert other.until_ready()
    other.terminate()


def while_it_waits_with_it(kind, context):
    """What it sent while it waited must never be done."""
    wire, other = context.login(kind), context.login()
    send_well(other, m.Q("begin"))
    # The last one for those that pgweir answers by itself.
    wire.send(b"".join(kind.messages()) + m.Q("select 1"))
    until(lambda: context.waiters() == 1, "it waits")
    wire.abort()
    until(lambda: context.waiters() == 0, "its messages are forgotten")
    send_well(other, m.Q("commit"))
    other.terminate()


WAYS = {way.__name__: way for way in (
    with_terminate, without_a_word, by_reset, in_the_transaction_that_made_it, in_a_later_transaction,
    in_a_failed_transaction, after_a_rollback, after_a_failed_string, in_a_pipeline, in_the_pipeline_that_made_it,
    in_an_unflushed_pipeline, in_copy_in, while_pinned, while_someone_waits, while_it_waits_with_it)}

NEED_ONE_STATEMENT = {"in_the_pipeline_that_made_it", "in_an_unflushed_pipeline"}
NEED_WAITING = {"while_someone_waits", "while_it_waits_with_it"}


def applies(kind, way):
    if way in NEED_ONE_STATEMENT:
        return kind.single() is not None
    if way == "after_a_failed_string":
        return all(isinstance(step, str) for step in kind.make)
    return True
