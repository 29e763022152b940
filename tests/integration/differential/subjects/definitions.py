"""What triggers, views, column defaults and attributes run without being named. Left out unless asked for (kinds.py):
one such definition makes pgweir doubt every statement, and the scripts would hardly see what it does otherwise."""

from ..kinds import sql


@sql(4)
def trigger(draft):
    """a trigger that sets"""
    return [f"insert into {draft.schema}.fires values ({draft.pick([1, 1, 2])}, '{draft.number_between(1, 3)}MB')"]


@sql(3)
def default(draft):
    """a column's default that sets"""
    return [f"insert into {draft.schema}.defaults (id) values (1)"]


@sql(5)
def view(draft):
    """views that set, lock, take a sequence's value or ask for one"""
    which = draft.pick(["sets", "sets", "locked", "counts", "counts", "lasts"])
    if which == "locked":
        draft.locks.append(f"{draft.number}77")
    return [draft.pick(["select v from {}", "table {}", "select count(*) from {} where v is not null"])
            .format(f"{draft.schema}.{which}")]


@sql(2)
def attribute(draft):
    """a function called like a column"""
    return [f"select x.touch from {draft.schema}.t x where x.id = 1"]


@sql(1)
def made(draft):
    """a view that is made on the way"""
    return draft.pick([[f"create or replace view {draft.schema}.late as select set_config('work_mem', '2MB', false) v"],
                       [f"drop view if exists {draft.schema}.late"], [f"select v from {draft.schema}.late"]])
