"""Transactions and savepoints."""

from ..kinds import messages, sql
from ..script import Q

BEGIN = ["begin", "begin", "start transaction", "begin isolation level serializable", "begin read only",
         "begin isolation level repeatable read read write"]


@sql(10, when=lambda draft: not draft.in_transaction)
def begin(draft):
    """BEGIN with and without modes"""
    draft.begins()
    return [draft.pick(BEGIN)]


@sql(16, when=lambda draft: draft.in_transaction)
def end(draft):
    """COMMIT, ROLLBACK and their other names"""
    draft.ends()
    return [draft.pick(["commit", "commit", "commit", "end", "rollback", "rollback", "abort"])]


@sql(3, when=lambda draft: draft.in_transaction)
def chain(draft):
    """COMMIT AND CHAIN, ROLLBACK AND CHAIN"""
    draft.savepoints.clear()
    draft.portals.clear()
    return [draft.pick(["commit and chain", "rollback and chain"])]


@sql(1)
def out_of_place(draft):
    """COMMIT outside a transaction, BEGIN inside one, and what is not allowed inside"""
    if draft.in_transaction:
        return [draft.pick(["begin", f"vacuum {draft.schema}.t", "prepare transaction 'x'", "discard all"])]
    return [draft.pick(["commit", "rollback", "savepoint a", "release a", "commit and chain"])]


@sql(8, when=lambda draft: draft.in_transaction)
def savepoint(draft):
    """SAVEPOINT"""
    name = draft.pick(["a", "b", "c"])
    draft.savepoints.append(name)
    return [f"savepoint {name}"]


@sql(10, when=lambda draft: draft.in_transaction and draft.savepoints)
def back(draft):
    """ROLLBACK TO, RELEASE"""
    name = draft.pick(draft.savepoints)
    return [draft.pick([f"rollback to {name}", f"rollback to savepoint {name}", f"release {name}"])]


@sql(1)
def no_such_savepoint(draft):
    """a savepoint that is not there"""
    return ["rollback to nowhere"]


@messages(2, when=lambda draft: not draft.in_transaction)
def two_phases(draft):
    """PREPARE TRANSACTION, and its end by this client; what it set, and what it may not hold"""
    name = f"of {draft.schema}"
    inside = draft.pick(["set work_mem to '2MB'", "select set_config('app.tenant', 'two phases', false)",
                         "set local timezone to 'Asia/Tokyo'", f"select pg_advisory_lock({draft.number * 100 + 1})",
                         "create temp table temp_a (id int, v text)", f"listen {draft.schema}_a", "set role diffteam",
                         "declare h cursor with hold for select 1", f"select nextval('{draft.schema}.s')"])
    return [(Q("begin"),), (Q(f"insert into {draft.schema}.u values (50, 'two phases')"), Q(inside)),
            (Q(f"prepare transaction '{name}'"),),
            (Q(draft.pick([f"commit prepared '{name}'", f"rollback prepared '{name}'"])),)]


@sql(2)
def commits_inside(draft):
    """a procedure that commits"""
    first = 1000 + 10 * draft.number_between(1, 50)
    return [f"call {draft.schema}.commits({first})"]
