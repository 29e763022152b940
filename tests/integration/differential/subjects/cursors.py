"""SQL cursors."""

from ..kinds import sql


@sql(6, when=lambda draft: draft.in_transaction)
def declare(draft):
    """DECLARE in a transaction"""
    name = draft.fresh("c")
    draft.cursors.append(name)
    return [f"declare {name} {draft.pick(['', '', 'scroll ', 'no scroll '])}cursor for "
            f"select id, v from {draft.schema}.t order by id"]


@sql(3)
def declare_with_hold(draft):
    """DECLARE WITH HOLD, in a transaction and outside"""
    name = draft.fresh("h")
    draft.cursors.append(name)
    return [f"declare {name} scroll cursor with hold for select id, v from {draft.schema}.t order by id"]


@sql(8, when=lambda draft: draft.cursors)
def fetch(draft):
    """FETCH and MOVE"""
    how = draft.pick(["fetch 2 from", "fetch next from", "fetch first from", "move 1 in", "fetch all from"])
    return [f"{how} {draft.pick(draft.cursors)}"]


@sql(1)
def out_of_place(draft):
    """cursors that cannot be: without a transaction, unknown"""
    return [draft.pick(["declare bare cursor for select 1", "fetch 1 from nosuch_cursor", "close nosuch_cursor"])]


@sql(4, when=lambda draft: draft.cursors)
def close(draft):
    """CLOSE, CLOSE ALL"""
    if draft.chance(0.25):
        draft.cursors.clear()
        return ["close all"]
    return [f"close {draft.cursors.pop()}"]
