"""The ways of the protocol in which the same statements can be sent."""

import re

from .script import B, CS, DP, DS, E, H, P, Q, S

RESETS = re.compile(r"\breset\b|\bdefault$|time zone local", re.IGNORECASE)


def deliver(draft, statements):
    """Steps that send these statements: strings, or pairs of a string and the values of its parameters."""
    if any(isinstance(statement, tuple) for statement in statements):
        return draft.pick(EXTENDED)(draft, statements)
    return draft.pick(SIMPLE * 2 + EXTENDED)(draft, statements)


def split(statement):
    return statement if isinstance(statement, tuple) else (statement, ())


def run(draft, statement, name=""):
    """Parse, Bind, perhaps Describe, and Execute."""
    sql, values = split(statement)
    describe = [(), (), (DP(),), (DS(name),)][draft.number_between(0, 3)]
    return (P(name, sql), B("", name, values), *describe, E())


def one_by_one(draft, statements):
    return [(Q(sql),) for sql in statements]


def one_string(draft, statements):
    if draft.startup and any(map(RESETS.search, statements)):
        return one_by_one(draft, statements)  # see compare.py
    return [(Q("; ".join(statements)),)]


def queries_in_one_write(draft, statements):
    return [tuple(Q(sql) for sql in statements)]


def extended_one_by_one(draft, statements):
    return [(*run(draft, statement), S) for statement in statements]


def one_pipeline(draft, statements):
    return [(*(say for statement in statements for say in run(draft, statement)), S)]


def syncs_in_one_write(draft, statements):
    return [tuple(say for statement in statements for say in (*run(draft, statement), S))]


def flushed(draft, statements):
    return [(*run(draft, statement), H) for statement in statements] + [(S,)]


def named(draft, statements):
    """Parsed in one step, run in the next, closed at the end or kept."""
    steps = []
    for statement in statements:
        sql, values = split(statement)
        name = draft.fresh("n")
        steps += [(P(name, sql), S), (B("", name, values), E(), S)]
        if draft.chance(0.5):
            steps.append((CS(name), S))
        else:
            draft.statements[name] = len(values)
    return steps


def parsed_ahead(draft, statements):
    """The unnamed statement survives a Sync."""
    steps = []
    for statement in statements:
        sql, values = split(statement)
        steps += [(P("", sql), DS(), S), (B("", "", values), E(), S)]
    return steps


SIMPLE = [one_by_one, one_by_one, one_string, queries_in_one_write]
EXTENDED = [extended_one_by_one, one_pipeline, syncs_in_one_write, flushed, named, parsed_ahead]
