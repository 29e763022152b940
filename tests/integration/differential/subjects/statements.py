"""Plain statements, and ones that fail."""

from ..kinds import sql


@sql(5)
def insert(draft):
    """INSERT, now and then of a key that is taken"""
    key = draft.number_between(1, 40)
    return [f"insert into {draft.schema}.t values ({key}, 'new {draft.fresh('v')} of {draft.schema}')"]


@sql(3)
def insert_by_parameter(draft):
    """INSERT with values out of Bind"""
    key = draft.number_between(1, 40)
    return [(f"insert into {draft.schema}.t values ($1, $2) returning id, v", (str(key), f"bound {key}"))]


@sql(4)
def update(draft):
    """UPDATE, DELETE, with RETURNING"""
    key = draft.number_between(1, 8)
    return [draft.pick([f"update {draft.schema}.t set v = v || '+' where id = {key}",
                        f"update {draft.schema}.t set v = 'set' where id = {key} returning v",
                        f"delete from {draft.schema}.t where id = {key}"])]


@sql(3)
def unqualified(draft):
    """a table that search_path must find"""
    return [f"insert into t values ({draft.number_between(41, 60)}, 'by path')"]


@sql(5)
def fails(draft):
    """errors of every stage"""
    return [draft.pick(["select 1/0", "selekt 1", "select * from nosuch", "select 'x'::int", "select nosuch()",
                        f"insert into {draft.schema}.t values (1, 'taken')",
                        "do $$ begin raise exception 'x' using errcode = 'ZZ001', hint = 'h', detail = 'd'; end $$"])]


@sql(2)
def deferred(draft):
    """a constraint that fails at the end of the transaction"""
    key = draft.number_between(1, 3)
    return [f"insert into {draft.schema}.u values ({key}, 'deferred')"]


@sql(2)
def notices(draft):
    """NOTICE and WARNING"""
    return [draft.pick(["do $$ begin raise notice 'of %', current_user; end $$",
                        "do $$ begin raise warning 'careful'; end $$"])]


@sql(2)
def many_rows(draft):
    """more rows than one"""
    return [f"select g, repeat('x', g) from generate_series(1, {draft.number_between(2, 60)}) g"]


@sql(1)
def a_big_row(draft):
    """a row that does not fit into one read"""
    return ["select repeat('y', 200000)"]


@sql(1)
def ddl(draft):
    """CREATE and DROP of a table"""
    return [draft.pick([f"create table {draft.schema}.made (id int)", f"drop table {draft.schema}.made",
                        f"drop table if exists {draft.schema}.made"])]


@sql(2)
def not_ascii(draft):
    """text that depends on client_encoding"""
    return [draft.pick(["select 'é', length('é')", f"update {draft.schema}.t set v = 'ü' || v where id = 1",
                        "select E'\\u00e9', 'a\\b'", "select U&'\\00e9'", "select $ü$ it's $ü$"])]


@sql(1)
def large_objects(draft):
    """what ends with its transaction"""
    number = 900000 + draft.number
    return [f"do $$ declare fd int; begin perform lo_create({number}); fd := lo_open({number}, 131072); "
            f"perform lowrite(fd, 'x'); perform lo_unlink({number}); end $$"]


@sql(1, when=lambda draft: draft.superuser)
def load(draft):
    """LOAD"""
    return [draft.pick(["load 'auto_explain'", "load 'nosuch_library'", "show auto_explain.log_analyze"])]


@sql(1)
def nothing(draft):
    """an empty statement"""
    return [draft.pick(["", " ", "-- nothing"])]
