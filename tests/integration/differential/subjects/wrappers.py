"""set_config inside of functions, with bound arguments, several at a time, where it is not run, and around savepoints."""

from ..kinds import messages, sql
from ..script import B, E, P, Q, S
from .looks import SETTINGS
from .settings import name, quoted, text

def custom(draft):
    return draft.pick(["app.tenant", "app.user_id", "my_ext.flag"])


def either(draft):
    """A setting, more often a custom one."""
    return custom(draft) if draft.chance(0.4) else name(draft)


@sql(4)
def by_a_function(draft):
    """wrappers in SQL and PL/pgSQL, for the transaction and for the session"""
    of = either(draft)
    value, schema = quoted(text(draft, of)), draft.schema
    return [draft.pick([
        f"select {schema}.brief('{of}', {value})", f"select {schema}.sets('{of}', {value}, {draft.pick(['true', 'false'])})",
        f"select {schema}.dynamic('{of}', {value})", f"select {schema}.inner_block('{of}', {value})",
        (f"select {schema}.sets($1, $2, $3)", (of, text(draft, of), draft.pick(["t", "f"]))),
        (f"select {schema}.brief($1, $2)", (of, text(draft, of))),
        f"select {schema}.tenant_for_good('{schema}, public')", f"select {schema}.into_tenant('{schema}')",
        f"call {schema}.puts('{of}', {value})",
    ])]


@sql(3)
def in_do(draft):
    """DO blocks, for the transaction and for the session"""
    of = either(draft)
    value = quoted(text(draft, of))
    local = draft.pick(["true", "false"])
    return [draft.pick([
        f"do $$ begin perform set_config('{of}', {value}, {local}); end $$",
        f"do $$ declare n text := '{of}'; begin perform set_config(n, {value}, true); end $$",
        f"do $$ begin perform {draft.schema}.sets('{of}', {value}, {local}); end $$",
        f"do $$ begin perform set_config('{of}', {value}, false); "
        f"perform set_config('{of}', current_setting('{of}'), true); end $$",
        f"do $$ begin perform set_config('{of}', {value}, false); begin perform set_config('{of}', {value}, true); "
        "raise division_by_zero; exception when division_by_zero then null; end; end $$",
    ])]


@messages(4)
def bound(draft):
    """names, values and booleans out of Bind, as text and as binary"""
    of = either(draft)
    value = text(draft, of)
    local = draft.chance(0.5)
    flag = draft.pick([("t" if local else "f", 0), (b"\1" if local else b"\0", 1), ("yes" if local else "no", 0),
                       ("1" if local else "0", 0)])
    sent = draft.pick([("select set_config($1, $2, $3)", (of, value, flag[0]), (0, 0, flag[1])),
                       ("select set_config($1, $2, $3)", (of, value, flag[0]), (1, 1, flag[1])),
                       (f"select set_config('{of}', $1, $2)", (value, flag[0]), (0, flag[1])),
                       ("select set_config($2, $1, true)", (value, of), ()),
                       (f"select set_config('{of}', $1::text, $2::text::bool)", (value, flag[0] if flag[1] == 0 else "f"), ()),
                       (f"select set_config('{of}', $1, null)", (value,), ()),
                       *([] if draft.startup else [("select set_config($1, $2, false)", (of, None), ())])])
    statement = draft.fresh("w") if draft.chance(0.4) else ""
    steps = [(P(statement, sent[0]), B("", statement, sent[1], (), sent[2]), E(), S)]
    if draft.chance(0.5):
        steps.append((Q(SETTINGS),))
    return steps


@sql(3)
def several(draft):
    """several in one list, also of one name, one of them or all not run"""
    of, other = either(draft), either(draft)
    first, second = quoted(text(draft, of)), quoted(text(draft, other))
    return [draft.pick([
        f"select set_config('{of}', {first}, true), set_config('{other}', {second}, false)",
        f"select set_config('{of}', {first}, false), set_config('{of}', {first}, true)",
        f"select set_config('{of}', {first}, true), set_config('{of}', {quoted(text(draft, of))}, false)",
        f"select set_config('{of}', {first}, false) where false",
        f"select set_config('{of}', {first}, true), set_config('{other}', {second}, false) where 1 = 2",
        f"select set_config('{of}', {first}, false) limit 0",
        f"select set_config('{of}', {first}, false) from generate_series(1, 0)",
        f"select case when false then set_config('{of}', {first}, false) else 'no' end",
        f"select set_config('{of}', {first}, false), 1 / 0",
    ])]


@messages(4)
def in_a_string(draft):
    """strings with transactions and savepoints in them"""
    def one():
        of = either(draft)
        value = text(draft, of)
        return draft.pick([f"select set_config('{of}', {quoted(value)}, {draft.pick(['true', 'false'])})",
                           f"set local {of} to {quoted(value)}" if "', '" not in value else "select 1",
                           f"select {draft.schema}.sets('{of}', {quoted(value)}, {draft.pick(['true', 'false'])})"])
    parts = draft.pick([
        ["begin", one(), one(), "commit"], ["begin", one(), "savepoint a", one(), "rollback to a", one(), "commit"],
        ["begin", one(), "savepoint a", one(), "release a", "rollback"], [one(), "begin", one(), "rollback", one()],
        ["begin", one(), "commit", "begin", one(), "rollback"], ["begin", one(), "commit and chain", one(), "rollback"],
        ["begin", "savepoint a", one(), "savepoint a", one(), "rollback to a", "release a", "rollback to a", one(), "commit"],
        [one(), one(), "select 1 / 0"], ["begin", one(), "savepoint a", "select 1 / 0"], [one(), "commit", one(), "select 1 / 0"],
    ])
    return [(Q("; ".join(parts)),), (Q("rollback"),), (Q(SETTINGS),)]
