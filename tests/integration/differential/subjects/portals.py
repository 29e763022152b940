"""Portals that give their rows in parts."""

from ..kinds import messages
from ..script import B, CP, DP, E, H, P, Q, S


def rows(draft):
    return f"select g || ' of {draft.schema}' from generate_series(1, {draft.number_between(1, 6)}) g"


@messages(3)
def within_one_sync(draft):
    """a portal that goes on, and its end"""
    return [(P("", rows(draft)), B("p"), E("p", 2), E("p", 2), E("p", 0), S)]


@messages(2)
def over_flushes(draft):
    """the same, with the client listening in between"""
    return [(P("", rows(draft)), B("p"), DP("p"), E("p", 2), H), (E("p", 1), H), (E("p", 2), S)]


@messages(2)
def interleaved(draft):
    """two portals of one statement in turn"""
    return [(P("", rows(draft)), B("p"), B("q"), E("p", 1), E("q", 2), E("p", 1), E("q", 0), S)]


@messages(6, when=lambda draft: draft.in_transaction)
def opened(draft):
    """a portal that stays open in its transaction"""
    name = draft.fresh("p")
    draft.portals.append(name)
    return [(P("", rows(draft)), B(name), E(name, draft.number_between(1, 2)), S)]


@messages(6, when=lambda draft: draft.portals)
def continued(draft):
    """more of it, by Execute, by FETCH, or its Close"""
    name = draft.pick(draft.portals)
    return [draft.pick([(E(name, 2), S), (E(name, 1), S), (Q(f"fetch 1 from {name}"),), (CP(name), S)])]


@messages(2)
def gone(draft):
    """a portal that Sync has closed, or that never was"""
    name = draft.pick(draft.portals) if draft.portals else "p"
    return [(P("", rows(draft)), B("p"), E("p", 1), S), (E(name, 2), S)] if draft.chance(0.5) else [(E(name, 1), S)]


@messages(2)
def limited_write(draft):
    """a row limit on a statement that returns what it writes"""
    return [(P("", f"update {draft.schema}.t set v = v || '.' where id < 4 returning id"), B(), E("", 1), E("", 0), S)]
