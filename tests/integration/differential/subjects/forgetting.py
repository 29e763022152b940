"""Names that are made anew right behind what forgets them, before that is answered."""

from ..kinds import messages
from ..script import B, CS, DS, E, P, Q, S
from .discards import forget

NAMES = ["s1", "s2", "y"]


def gone(draft):
    if not draft.in_transaction:
        forget(draft)


def new(draft, name):
    number = draft.fresh("")
    return draft.pick([(f"select 'new {number}'", ()), (f"select 'new {number}', $1::text", ("x",)),
                       ("select v from t where id = $1", ("1",))])


@messages(5)
def all_names(draft):
    """DISCARD ALL, DEALLOCATE ALL, and Parse of the same names in the same write"""
    names = draft.rng.sample(NAMES, draft.number_between(1, 3))
    old = tuple(say for name in names for say in (CS(name), P(name, f"select 'old {name}'")))
    sql = draft.pick(["discard all", "deallocate all", "deallocate prepare all", "DISCARD /* x */ ALL"])
    ender = draft.pick([(Q(sql),), (P("", sql), B(), E(), S), (P("", sql), B(), E())])
    anew, uses = [], []
    for name in names:
        text, values = new(draft, name)
        anew += [P(name, text), *draft.pick([(), (DS(name),)])]
        uses += [(B("", name, values), E(), S)]
    gone(draft)
    draft.tenant_statements.clear()
    together = draft.chance(0.4)
    first = (*ender, *anew, *(say for use in uses for say in use[:-1]), S) if together else (*ender, *anew, S)
    return [(*old, S), first, *uses, *((DS(name), S) for name in names[:1])]


@messages(5)
def one_name(draft):
    """DEALLOCATE of a name, or its Close, and its Parse in the same write"""
    name = draft.pick(NAMES)
    text, values = new(draft, name)
    sql = f"deallocate {draft.pick(['', 'prepare '])}{name}"
    ender = draft.pick([(Q(sql),), (P("", sql), B(), E(), S), (P("", sql), B(), E()), (CS(name), S), (CS(name),)])
    draft.statements.pop(name, None)
    draft.prepared.pop(name, None)
    return [(CS(name), P(name, f"select 'old {name}'"), S), (*ender, P(name, text), S), (B("", name, values), E(), S),
            *draft.pick([[], [(DS(name), S)], [(Q(f"deallocate {name}"), P(name, "select 3"), S), (B("", name), E(), S)]])]


@messages(2)
def with_an_error(draft):
    """the same behind an error, so that nothing is forgotten"""
    name = draft.pick(NAMES)
    return [(CS(name), P(name, "select 'kept'"), S),
            draft.pick([(P("", "select 1 / 0"), B(), E(), P("", "deallocate all"), B(), E(), P(name, "select 'new'"), S),
                        (Q(f"select 1 / 0; deallocate {name}"), P(name, "select 'new'"), S),
                        (P("", f"deallocate {name}"), B(), E(), P("", "select 1 / 0"), B(), E(), S, P(name, "select 'new'"), S)]),
            (B("", name), E(), S)]


@messages(2, when=lambda draft: not draft.in_transaction)
def taken_back(draft):
    """in a transaction that is rolled back, which brings no name back"""
    name = draft.pick(NAMES)
    draft.statements.pop(name, None)
    return [(CS(name), P(name, "select 'old'"), S), (Q("begin"),),
            (Q(f"deallocate {name}"), P(name, "select 'new'"), S), (Q("rollback"),), (B("", name), E(), S)]
