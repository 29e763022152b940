"""set_config in every place of a statement where an expression may stand."""

from ..kinds import messages, sql
from ..script import B, E, F, P, Q, S
from .settings import name, quoted, text

EXPLAIN = "explain (analyze, costs off, timing off, summary off, buffers off) "


def a_call(draft, local=None):
    """set_config of something, and the setting's name."""
    of = name(draft)
    local = draft.pick(["false", "false", "false", "true"]) if local is None else local
    return f"set_config('{of}', {quoted(text(draft, of))}, {local})"


@sql(3)
def in_a_query(draft):
    """VALUES, CASE, FROM, LATERAL, WHERE, ORDER BY, HAVING, WITH"""
    call = a_call(draft)
    return [draft.pick([
        f"values (1, {call})", f"select case when 1 < 2 then {call} else 'no' end", f"select * from {call}",
        f"select g, c from generate_series(1, 2) g, lateral {call} c",
        f"select id from {draft.schema}.t where id = 1 and {call} is not null",
        f"select id from {draft.schema}.t order by {call}, id limit 1",
        f"select count(*) from {draft.schema}.t having {call} is not null",
        f"with w as materialized (select {call} as c) select c from w union all select c from w",
        f"select (select {call})", f"select array[{call}]", f"select pg_catalog.{call} as c",
        f"select exists (select {call})",
    ])]


@sql(3)
def in_a_change(draft):
    """INSERT, UPDATE, DELETE, MERGE's cousins: values, RETURNING, WITH"""
    call, key = a_call(draft), draft.number_between(61, 99)
    return [draft.pick([
        f"insert into {draft.schema}.t values ({key}, {call}) on conflict do nothing",
        f"insert into {draft.schema}.t values ({key}, 'x') on conflict do nothing returning {call}",
        f"update {draft.schema}.t set v = {call} where id = 2", f"update {draft.schema}.t set v = v returning {call}",
        f"delete from {draft.schema}.t where id = 3 and {call} is not null",
        f"with w as (insert into {draft.schema}.t values ({key}, {call}) on conflict do nothing returning v) table w",
    ])]


@sql(2)
def in_other_commands(draft):
    """COPY, EXPLAIN, CREATE TABLE AS, cursors, XML"""
    call = a_call(draft)
    nested = quoted(f"select {call}")
    statement = draft.pick([
        f"copy (select {call}) to stdout", EXPLAIN + f"select {call}", f"explain (costs off) select {call}",
        f"create table {draft.schema}.made as select {call} as v",
        f"select query_to_xml({nested}, true, true, '')",
    ])
    return [statement]


@sql(2, when=lambda draft: draft.in_transaction)
def by_a_cursor(draft):
    """DECLARE, which sets nothing; FETCH does"""
    cursor = draft.fresh("c")
    draft.cursors.append(cursor)
    return [f"declare {cursor} cursor for select g, {a_call(draft)} from generate_series(1, 3) g"]


@sql(2)
def pg_settings(draft):
    """UPDATE of the view pg_settings, which is another SET"""
    of = draft.pick(["work_mem", "lock_timeout", "TimeZone", "IntervalStyle", "geqo"])
    value = {"work_mem": "'3MB'", "lock_timeout": "'30s'", "TimeZone": "'Asia/Tokyo'", "IntervalStyle": "'iso_8601'",
             "geqo": "'off'"}[of]
    return [draft.pick([
        f"update pg_settings set setting = {value} where name = '{of}'",
        f"UPDATE pg_catalog.\"pg_settings\" SET setting = {value} WHERE name = '{of}'",
        f"with w as (select {value} as v) update pg_settings set setting = v from w where name = '{of}'",
        f"do $$ begin update pg_settings set setting = {value} where name = '{of}'; end $$",
    ])]


@messages(2)
def prepared(draft):
    """PREPARE and EXECUTE of a set_config, and Execute in parts"""
    statement, portal = draft.fresh("k"), draft.fresh("p")
    call = a_call(draft)
    return draft.pick([
        [(Q(f"prepare {statement} as select {call}"),), (Q(f"execute {statement}"),), (Q(f"deallocate {statement}"),)],
        [(P(statement, f"select {call}"), S), (Q(f"execute {statement}"),), (B("", statement), E(), S)],
        [(P("", f"select g, {call} from generate_series(1, 3) g"), B(portal), E(portal, 1), E(portal, 0), S)],
        [(P(statement, f"select {call}"), B("", statement), S)],
        [(Q(f"prepare {statement} as select {call}"),), (Q(EXPLAIN + f"execute {statement}"),)],
    ])


@messages(1)
def by_function_call(draft):
    """FunctionCall of set_config, of an advisory lock, of nextval"""
    number = draft.number * 100
    return [draft.pick([(F(2078, ("work_mem", "3MB", "f")),), (F(2078, ("app.tenant", "called", "f")),),
                        (F(2078, ("TimeZone", "Asia/Tokyo", "t")),), (F(2880, (number + 1,)),),
                        (F(2884, (number + 1,)),), (F(1574, (f"{draft.schema}.s",)),)])]


@sql(1)
def of_null(draft):
    """set_config without a name"""
    return ["select set_config(null, 'x', false)"]
