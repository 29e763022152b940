"""Statements of one text under several schemas: search_path and role tell which tables they mean.

A client has one of three habits: it asks once what a statement looks like and goes on by that ("keeps"), it asks each
time ("each"), or it never asks ("never"). What may differ for whom is told in stale.py.
"""

import struct

from ..kinds import messages, sql
from ..objects import GROUP
from ..script import B, CS, DP, DS, E, P, Q, S

NAMES = ["t1", "t2", "t3"]

# Texts, and what their parameters are.
TEXTS = [
    ("select v from items where id = $1", ("id",)),
    ("select v from items where id = $1", ("id",)),
    ("select * from items where id = $1", ("id",)),
    ("select * from items order by 1", ()),
    ("select id, at from items order by id", ()),
    ("select id, v from items where v like $1 order by id", ("like",)),
    ("select count(*) from items where at > $1", ("at",)),
    ("select mood from items where mood = $1 limit 1", ("mood",)),
    ("select * from recent order by 1", ()),
    ("select tag()", ()),
    ("select current_schema(), v from items where id::text = $1", ("text",)),
    ("select v from items where id = $1::int", ("id",)),
    ("insert into items (id, v) values ($1, $2) returning id", ("new", "v")),
    ("update items set v = $1 where id = $2 returning *", ("v", "id")),
    ("select v as \"'\", '01/02/2003'::date from items where id = $1", ("id",)),
]


def reads(text):
    return text.startswith("select")


def value(draft, what):
    return {"id": str(draft.number_between(1, 3)), "like": draft.pick(["1%", "2 of%", "%"]), "at": "2024-01-02 12:00",
            "mood": "calm", "text": str(draft.number_between(1, 3)), "new": str(draft.number_between(100, 199)),
            "v": draft.fresh("v")}[what]


def schemas(draft):
    """A search_path."""
    one, other = draft.rng.sample(draft.tenants, 2)
    return draft.pick([one, one, one, f"{one}, {other}", f'"$user", {one}', f"{one}, public"])


def literal(path):
    return "'" + path + "'"


def local_path(draft):
    """Statements, of which strings can be simple queries."""
    path = schemas(draft)
    return draft.pick([
        [f"set local search_path to {path}"], [f"set local search_path = {path}"],
        [f"select set_config('search_path', {literal(path)}, true)"],
        [f"select pg_catalog.set_config('search_path', {literal(path)}, true) as x"],
        [("select set_config('search_path', $1, true)", (path,))],
        [("select set_config($1, $2, $3)", ("search_path", path, draft.pick(["t", "true", "on"])))],
        [f"set local role {GROUP}", f"set local search_path to \"$user\", {draft.pick(draft.tenants)}"],
        [f"set local search_path to \"$user\", {draft.pick(draft.tenants)}", f"set local role {GROUP}"],
        [f"select {draft.schema}.into_tenant({literal(path)})"],
        [f"select {draft.schema}.sets('search_path', {literal(path)}, true)"],
    ])


def session_path(draft):
    path = schemas(draft)
    return draft.pick([
        [f"set search_path to {path}"], [f"set search_path to {path}"],
        [f"select set_config('search_path', {literal(path)}, false)"],
        [("select set_config('search_path', $1, false)", (path,))],
        [("select set_config($1, $2, $3)", ("search_path", path, draft.pick(["f", "false", "off"])))],
        [f"select {draft.schema}.tenant_for_good({literal(path)})"],
        ["reset search_path"], [f"set role {GROUP}", f"set search_path to \"$user\", {draft.pick(draft.tenants)}"],
        ["reset role"],
    ])


def extended(statement):
    text, values = statement if isinstance(statement, tuple) else (statement, ())
    return (P("", text), B("", "", values), E())


def said(draft, statement):
    """One step."""
    if isinstance(statement, tuple) or draft.chance(0.3):
        return (*extended(statement), S)
    return (Q(statement),)


def parse(draft, name):
    """Messages that make a statement; and its text and parameters are remembered."""
    text, kinds = draft.pick(TEXTS)
    if draft.tenant_statements and draft.chance(0.3):  # the same text again
        text, kinds = draft.pick(draft.tenant_statements.values())
    draft.tenant_statements[name] = text, kinds
    types = (draft.pick([20, 23, 25]),) if kinds == ("id",) and draft.chance(0.12) else ()
    return (P(name, text, types), *((DS(name),) if draft.habit == "keeps" else ()))


def use(draft, name):
    text, kinds = draft.tenant_statements.get(name, ("select", ()))
    values = tuple(value(draft, what) for what in kinds)
    results = (1,) if draft.chance(0.1) else ()
    formats = ()
    if kinds == ("id",) and draft.chance(0.12):
        values, formats = (struct.pack(draft.pick(["!i", "!i", "!q"]), int(values[0])),), (1,)
    described = (DP(),) if draft.habit == "each" else ()
    if draft.habit == "each" and draft.chance(0.2):
        return (DS(name), B("", name, values, results, formats), E())
    return (B("", name, values, results, formats), *described, E())


def known(draft):
    return draft.pick(draft.tenant_statements)


def some_work(draft):
    """Messages without their Sync: a statement is made if need be, and run."""
    if not draft.tenant_statements or draft.chance(0.35):
        free = [name for name in NAMES if name not in draft.tenant_statements]
        name = draft.pick(free or NAMES)
        closed = () if free else (CS(name),)
        return (*closed, *parse(draft, name), *use(draft, name))
    if draft.chance(0.1):
        text, kinds = draft.pick(TEXTS)
        return (P("", text), B("", "", tuple(value(draft, what) for what in kinds)), E())
    return use(draft, known(draft))


def outside(draft):
    return not draft.in_transaction


@messages(14, when=outside)
def transaction(draft):
    """a transaction that sets the path for itself and works, statement by statement"""
    steps = [(Q("begin"),), *(said(draft, statement) for statement in local_path(draft))]
    for _ in range(draft.number_between(1, 3)):
        steps.append((*some_work(draft), S))
    if draft.chance(0.35):
        steps += [(Q("savepoint a"),), *(said(draft, statement) for statement in local_path(draft)),
                  (*some_work(draft), S), (Q(draft.pick(["rollback to a", "rollback to a", "release a"])),),
                  (*some_work(draft), S)]
    return [*steps, (Q(draft.pick(["commit", "commit", "rollback"])),)]


@messages(6, when=outside)
def transaction_in_a_pipeline(draft):
    """the same in one batch, or with BEGIN and the path in front of the work"""
    start = [say for statement in ["begin", *local_path(draft)] for say in extended(statement)]
    work = [*some_work(draft)]
    end = [*extended(draft.pick(["commit", "commit", "rollback"]))]
    steps = draft.pick([[(*start, *work, *end, S)], [(*start, *work, S), (*end, S)], [(*start, S, *work, S, *end, S)],
                        [(*start, S), (*work, S), (*some_work(draft), S), (*end, S)]])
    return [*steps, (Q("rollback"),)]  # an error in the batch has kept COMMIT from being run


@messages(3, when=outside)
def transaction_in_a_string(draft):
    """BEGIN and the path in one string"""
    path = [statement for statement in local_path(draft) if isinstance(statement, str)]
    return [(Q("; ".join(["begin", *path])),), (*some_work(draft), S), (Q("rollback"),)]


@messages(4, when=outside)
def for_the_session(draft):
    """a path that stays, and work"""
    return [*(said(draft, statement) for statement in session_path(draft)), (*some_work(draft), S)]


@messages(8, when=outside)
def work(draft):
    """a statement of before, under whatever path there is"""
    return [(*some_work(draft), S)]


@messages(3, when=outside)
def made_ahead(draft):
    """Parse in one transaction, for use in later ones"""
    name = draft.pick(NAMES)
    return [(CS(name), *parse(draft, name), S)]


@messages(2, when=outside)
def described_later(draft):
    """Describe of a statement that may have been made under another path"""
    name = draft.pick(NAMES)
    if draft.habit == "never":
        return [(S,)]
    return [(DS(name), S)]


@messages(2, when=outside)
def unnamed_under_two_paths(draft):
    """the unnamed statement is made under one path and run under another"""
    text, kinds = draft.pick([found for found in TEXTS if reads(found[0])])
    values = tuple(value(draft, what) for what in kinds)
    path = f"set local search_path to {draft.pick(draft.tenants)}"
    return [(*extended("begin"), P("", text), *((DS(),) if draft.habit == "keeps" else ()), S),
            (P("p", path), B("", "p"), E(), CS("p"), S), (B("", "", values), E(), S), (Q("rollback"),)]


@sql(2)
def look(draft):
    """what the path finds"""
    return [draft.pick(["select current_schema()", "select v from items where id::text = '1'", "show search_path"])]
