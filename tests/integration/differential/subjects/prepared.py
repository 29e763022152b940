"""Prepared statements, of the protocol and of SQL, which share their names."""

from ..kinds import messages, sql
from ..script import B, CS, DS, E, P, Q, S

NAMES = ["s1", "s2", "s3"]

# Texts and the values for their parameters.
TEXTS = [
    ("select $1::text || ' of {schema}'", ("x",)),
    ("select v from {schema}.t where id = $1", ("2",)),
    ("insert into {schema}.t values ($1, $2) on conflict (id) do update set v = excluded.v", ("9", "upserted")),
    ("select v from t where id = 1", ()),
    ("select current_setting('work_mem'), current_setting('timezone')", ()),
    ("select $1::int / $2::int", ("7", "0")),
    ("select count(*) from {schema}.t where v like $1", ("row%",)),
    ("set work_mem to '2MB'", ()),
    ("select set_config('app.tenant', $1, false)", ("prepared",)),
    ("select {schema}.hide('work_mem', $1)", ("2MB",)),
    ("select nextval('{schema}.s')", ()),
    ("reset all", ()), ("show timezone", ()), ("set local timezone to 'Asia/Tokyo'", ()),
    ("begin", ()), ("commit", ()),
]


def text(draft):
    found, values = draft.pick(TEXTS)
    return found.format(schema=draft.schema), values


@messages(6)
def parse(draft):
    """Parse under a name, also one that is taken"""
    name, (found, values) = draft.pick(NAMES), text(draft)
    draft.statements.setdefault(name, values)
    return [(P(name, found), *draft.pick([(), (DS(name),)]), S)]


@messages(9, when=lambda draft: draft.statements)
def use(draft):
    """Bind and Execute of a name from an earlier step"""
    name = draft.pick(draft.statements)
    values = draft.statements[name]
    values = values if isinstance(values, tuple) else ("1",) * values
    return [(B("", name, values), E(), S)]


@messages(1)
def unknown(draft):
    """Bind, Describe and Close of a name that nobody has"""
    return [draft.pick([(B("", "nobody"), E(), S), (DS("nobody"), S), (CS("nobody"), S)])]


@messages(2)
def describe(draft):
    """Describe of a statement"""
    return [(DS(draft.known_or_not(draft.statements, "s1")), S)]


@messages(3)
def close(draft):
    """Close of a statement"""
    name = draft.known_or_not(draft.statements, "s1")
    draft.statements.pop(name, None)
    return [(CS(name), S)]


@messages(1)
def long_name(draft):
    """a name that the server cuts, with a NOTICE when SQL says it"""
    name = "long" * 17
    steps = [(P(name, "select 'long'"), S), (Q(f"prepare {name} as select 'cut'"),), (Q(f"execute {name}"),),
             (B("", name[:63]), E(), S), (Q(f"deallocate {name}"),), (CS(name), S)]
    return [step for step in steps if draft.chance(0.6)]


@messages(2)
def odd_name(draft):
    """a name that SQL has to quote"""
    name = draft.pick(["S 1", 'say "hi"', "Müller", "select"])
    quoted = '"' + name.replace('"', '""') + '"'
    steps = [(P(name, "select 'odd'"), S), (Q(f"execute {quoted}"),), (Q(f"prepare {quoted} as select 'taken'"),),
             (B("", name), E(), S), (Q(f"deallocate {quoted}"),), (DS(name), S), (CS(name), S)]
    return [step for step in steps if draft.chance(0.7)]


@messages(2)
def wrong_values(draft):
    """too many, too few, and null"""
    name = draft.fresh("w")
    return [(P(name, "select $1::int, $2::text"), S), (B("", name, draft.pick([("1",), ("1", "x", "y"), (None, None)])),
                                                       E(), S), (B("", name, ("1", "x")), E(), S), (CS(name), S)]


@messages(2)
def by_sql_in_other_commands(draft):
    """EXPLAIN EXECUTE, CREATE TABLE AS EXECUTE, types in PREPARE"""
    name = draft.fresh("x")
    return [(Q(f"prepare {name} (int, text) as select $1 + 1 as a, $2 as b"),),
            (Q(draft.pick([f"explain (costs off) execute {name}(1, 'x')", f"execute {name}(1, 'x')",
                           f"create temp table from_{name} as execute {name}(2, 'y')",
                           f"execute {name}(1)", f"select 'before'; execute {name}(3, 'z'); select 'behind'"])),),
            (Q(draft.pick([f"drop table if exists from_{name}", f"deallocate {name}"])),)]


@messages(3)
def anew(draft):
    """Close and Parse of one name, run at once"""
    name, (found, values) = draft.pick(NAMES), text(draft)
    draft.statements[name] = values
    return [(CS(name), P(name, found), B("", name, values), E(), S)]


@messages(3)
def unnamed(draft):
    """the unnamed statement over several Syncs, and its end by a simple Query"""
    found, values = text(draft)
    steps = [(P("", found), S), (B("", "", values), E(), S), (B("", "", values), E(), S)]
    if draft.chance(0.4):
        steps[2:2] = [(Q("select 'between'"),)]
    return steps


@messages(2)
def typed(draft):
    """one text with different parameter types"""
    return [(P("", "select $1", (draft.pick([23, 25]),)), DS(), B("", "", ("7",)), E(), S)]


@messages(2)
def parsed_under_a_setting(draft):
    """a text whose meaning was settled by what was set at its Parse, as long as its backend is the same"""
    name = draft.fresh("p")
    settings = draft.pick([("datestyle to 'DMY'", "datestyle to 'MDY'", "select date '01/02/2003' - date '2003-01-01'"),
                           ("timezone to 'Asia/Tokyo'", "timezone to 'UTC'",
                            "select extract(epoch from timestamptz '2021-03-04 05:06:07')")])
    return [(Q(f"set {settings[0]}"),), (Q("begin"),), (P(name, settings[2]), S), (Q(f"set {settings[1]}"),),
            (B("", name), E(), S), (Q("commit"),)]


@sql(3)
def prepare(draft):
    """PREPARE"""
    name = draft.pick(NAMES)
    found, values = draft.pick([("select $1::int + 1", 1), (f"select v from {draft.schema}.t where id = $1::int", 1),
                                ("select current_user", 0), ("select v from t where id = 2", 0),
                                (f"insert into {draft.schema}.t values ($1::int, 'by execute')", 1)])
    draft.prepared.setdefault(name, values)
    return [f"prepare {name} as {found}"]


@sql(4)
def execute(draft):
    """EXECUTE of what was PREPAREd or parsed, or of nothing"""
    names = {**draft.statements, **draft.prepared}
    name = draft.known_or_not(names, "s2")
    count = names.get(name, 0)
    count = len(count) if isinstance(count, tuple) else count
    arguments = ", ".join(str(draft.number_between(1, 30)) for _ in range(count))
    return [f"execute {name}({arguments})" if count else f"execute {name}"]


@messages(2, when=lambda draft: draft.prepared)
def bind_of_prepared(draft):
    """Bind of a name that was PREPAREd"""
    name = draft.pick(draft.prepared)
    return [(B("", name, ("3",) * draft.prepared[name]), E(), S)]


@sql(2)
def deallocate(draft):
    """DEALLOCATE of one name or of all"""
    if draft.chance(0.3):
        draft.statements.clear()
        draft.prepared.clear()
        return [draft.pick(["deallocate all", "deallocate prepare all"])]
    name = draft.known_or_not([*draft.statements, *draft.prepared], "s3")
    draft.statements.pop(name, None)
    draft.prepared.pop(name, None)
    return [f"deallocate {name}"]
