"""COPY in and out."""

from ..kinds import messages, sql
from ..script import B, E, H, P, Q, S, c, d, f


def rows(draft, count):
    first = draft.number_between(60, 900)
    return [d(f"{first + number}\tcopied {number} of {draft.schema}\n") for number in range(count)]


def into(draft):
    return f"copy {draft.schema}.t from stdin"


@messages(4)
def simple_in(draft):
    """COPY FROM by a simple Query, in one write or several"""
    data = rows(draft, draft.number_between(0, 4))
    if draft.chance(0.5):
        return [(Q(into(draft)),), (*data, c)]
    return [(Q(into(draft)), *data, c)]


@messages(3)
def extended_in(draft):
    """COPY FROM by Execute; it swallows a Sync that came before its data"""
    data = rows(draft, draft.number_between(1, 4))
    return [(P("", into(draft)), B(), E(), draft.pick([S, H])), (*data, c, S)]


@messages(3)
def failing(draft):
    """a row that is refused, and the client's own CopyFail"""
    bad = (d("none\tx\n"), *rows(draft, 2), c)
    given_up = (*rows(draft, 1), f("changed my mind"))
    return draft.pick([[(Q(into(draft)),), bad], [(Q(into(draft)),), given_up],
                       [(P("", into(draft)), B(), E(), H), (*bad, S)],
                       [(P("", into(draft)), B(), E(), H), (*given_up, S)]])


@messages(2)
def in_a_string(draft):
    """COPY between other statements of one string"""
    return [(Q(f"select 'before'; {into(draft)}; select count(*) from {draft.schema}.t"),), (*rows(draft, 2), c)]


@sql(3)
def out(draft):
    """COPY TO, also with an error on the way"""
    return [draft.pick([f"copy {draft.schema}.t to stdout",
                        f"copy (select v from {draft.schema}.t order by id) to stdout",
                        "copy (select 10 / (3 - g) from generate_series(1, 5) g) to stdout",
                        f"copy {draft.schema}.t to stdout with (format csv, header)"])]
