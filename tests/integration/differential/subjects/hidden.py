"""What functions, procedures and DO blocks leave behind, of which the statement that calls them says nothing."""

from ..kinds import sql
from .locks import key
from .settings import VALUES, name, quoted, text

LISTED = [of for of in VALUES if "." not in of]


@sql(4)
def settings(draft):
    """functions that set, also one that calls another"""
    of = name(draft)
    return [draft.pick([
        f"select {draft.schema}.tenant('by a function')", f"select {draft.schema}.memory('3MB')",
        f"select {draft.schema}.deep('{of}', {quoted(text(draft, of))})",
        f"select v, {draft.schema}.tenant(v) from {draft.schema}.t where id < 3 order by id",
        f"insert into {draft.schema}.t values (98, {draft.schema}.tenant('inserted')) on conflict do nothing",
    ])]


@sql(2)
def brief_settings(draft):
    """functions whose settings end with them, or with the subtransaction inside"""
    return [draft.pick([f"select {draft.schema}.own()", f"select {draft.schema}.spilt()",
                        f"select {draft.schema}.undone('31s')"])]


@sql(2)
def procedures(draft):
    """settings on both sides of a procedure's COMMIT and ROLLBACK"""
    return [draft.pick([
        f"call {draft.schema}.steps('{draft.number_between(1, 3)}MB')",
        "do $$ begin set work_mem to '2MB'; commit; set timezone to 'Asia/Tokyo'; rollback; end $$",
        "do $$ begin set work_mem to '2MB'; rollback; set app.tenant to 'behind'; commit; perform 1 / 0; end $$",
    ])]


@sql(3)
def dynamic(draft):
    """dynamic SQL: settings that the server lists, temporary tables, locks, cursors, PREPARE"""
    of, table, number = draft.pick(LISTED), draft.pick(["temp_a", "temp_b"]), draft.fresh("h")
    draft.temporaries.append(table)
    return [draft.pick([
        f"select {draft.schema}.run({quoted(f'set {of} to {quoted(text(draft, of))}')})",
        f"select {draft.schema}.run('create temp table {table} as select 3 as id, ''hidden'' as v')",
        f"select {draft.schema}.run('drop table if exists {table}')",
        f"select {draft.schema}.run('select pg_advisory_lock({key(draft)})')",
        f"select {draft.schema}.run('declare {number} cursor with hold for select 1')",
        f"select {draft.schema}.run('prepare {number} as select 1')",
        f"do $$ begin execute 'create temp table {table} (id int, v text)'; end $$",
    ])]


@sql(2)
def locks(draft):
    """locks taken and given back by functions"""
    number = draft.number * 100 + draft.number_between(1, 3)
    draft.locks.append(str(number))
    return [draft.pick([f"select {draft.schema}.locks({number})", f"select {draft.schema}.unlocks({number})",
                        f"do $$ begin perform pg_advisory_lock({number}); end $$"])]


@sql(2)
def sequences(draft):
    """nextval and lastval inside of functions"""
    return [draft.pick([f"select {draft.schema}.next()", f"select {draft.schema}.last()",
                        f"do $$ begin perform nextval('{draft.schema}.r'); end $$"])]
