"""Dynamic SQL that prepares, runs and drops statements where no text shows it.

Directly a client loses by it what it has prepared; pgweir may keep it. So the client closes its names before, or
does not use them any more before it has closed them.
"""

from ..kinds import messages
from ..script import B, CS, E, P, Q, S
from .settings import quoted

NAMES = ["s1", "s2", "s3", "t1", "t2", "t3", "y"]


def hidden(draft, *commands):
    body = " ".join(f"execute {quoted(command)};" for command in commands)
    if len(commands) == 1 and draft.chance(0.4):
        return Q(f"select {draft.schema}.run({quoted(commands[0])})")
    return Q(f"do $x$ begin {body} end $x$")


@messages(3)
def everything_dropped(draft):
    """DEALLOCATE ALL; the client has closed its names before"""
    names = sorted({*NAMES, *draft.statements, *draft.prepared, *draft.tenant_statements})
    for known in (draft.statements, draft.prepared, draft.tenant_statements):
        known.clear()
    again = [(P("s1", "select v from t where id = $1"), B("", "s1", ("1",)), E(), S)] if draft.chance(0.6) else []
    return [(*map(CS, names), S), (hidden(draft, draft.pick(["deallocate all", "discard plans", "deallocate all"])),), *again]


@messages(3)
def one_dropped(draft):
    """DEALLOCATE of a name of the client's, which it closes behind that and makes anew"""
    name = draft.fresh("y")
    return [(P(name, "select v from t where id = $1"), B("", name, ("1",)), E(), S), (hidden(draft, f"deallocate {name}"),),
            (CS(name), P(name, f"select 'anew {name}'"), S), (B("", name), E(), S), (CS(name), S)]


@messages(2)
def within(draft):
    """PREPARE, EXECUTE and DEALLOCATE of a name that stays inside"""
    name = draft.fresh("z")
    return [(hidden(draft, f"prepare {name} as select 1", f"execute {name}", f"deallocate {name}"),)]


@messages(2)
def made_unseen(draft):
    """PREPARE inside, EXECUTE and DEALLOCATE by the client"""
    name = draft.fresh("z")
    return [(hidden(draft, f"prepare {name} as select 'hidden {name}'"),),
            *draft.pick([[], [(Q(f"execute {name}"),)], [(Q(f"execute {name}"),), (Q(f"deallocate {name}"),)],
                         [(CS(name), S)]])]


@messages(1)
def run_unseen(draft):
    """EXECUTE inside, of a name of the client's"""
    name = draft.fresh("z")
    return [(draft.pick([(Q(f"prepare {name} as select 1"),), (P(name, "select 1"), S)])), (hidden(draft, f"execute {name}"),)]
