"""Everything that drivers and poolers send to make a session new."""

from ..kinds import sql


def forget(draft):
    for names in (draft.statements, draft.prepared, draft.cursors, draft.temporaries, draft.locks, draft.channels):
        names.clear()


@sql(3)
def everything(draft):
    """DISCARD ALL"""
    if not draft.in_transaction:
        forget(draft)
    return ["discard all"]


@sql(3)
def parts(draft):
    """DISCARD PLANS, SEQUENCES, TEMP"""
    return [draft.pick(["discard plans", "discard sequences", "discard temp"])]


@sql(2)
def batch(draft):
    """asyncpg's reset, and what DISCARD ALL is made of"""
    if not draft.in_transaction:
        forget(draft)
    return draft.pick([
        ["select pg_advisory_unlock_all()", "close all", "unlisten *", "reset all"],
        ["close all", "set session authorization default", "reset all", "deallocate all", "unlisten *",
         "select pg_advisory_unlock_all()"],
    ])
