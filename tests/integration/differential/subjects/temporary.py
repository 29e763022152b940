"""Temporary tables, views and sequences."""

from ..kinds import sql

NAMES = ["temp_a", "temp_b", "t"]  # one that hides the client's table


@sql(4)
def create(draft):
    """CREATE TEMP in its forms"""
    name = draft.pick(NAMES)
    draft.temporaries.append(name)
    return [draft.pick([
        f"create temp table {name} (id int primary key, v text)",
        f"create temporary table {name} as select 1 as id, 'temporary of {draft.schema}' as v",
        f"create table pg_temp.{name} (id int, v text)",
        f"select 1 as id, 'into of {draft.schema}' as v into temp {name}",
        f"create temp table if not exists {name} (id int, v text)",
        f"create temp table {name} (id int, v text) on commit delete rows",
    ])]


@sql(4)
def on_commit_drop(draft):
    """ON COMMIT DROP"""
    name = draft.pick(NAMES)
    if draft.in_transaction:
        draft.temporaries.append(name)
    return [f"create temp table {name} on commit drop as select 2 as id, 'brief of {draft.schema}' as v"]


@sql(2)
def others(draft):
    """temporary views and sequences"""
    return [draft.pick([f"create temp view temp_v as select v from {draft.schema}.t where id = 1",
                        "drop view if exists temp_v", "select * from temp_v", "create temp sequence temp_s",
                        "select nextval('temp_s')", "drop sequence if exists temp_s"])]


@sql(2)
def functions_and_types(draft):
    """temporary functions and types, also by the search_path"""
    return draft.pick([["create function pg_temp.temp_f() returns text return 'temporary'; select pg_temp.temp_f()"],
                       ["create type pg_temp.temp_y as (a int)"], ["drop type if exists temp_y"],
                       [f"set search_path to pg_temp, {draft.schema}", "create table temp_b (id int, v text)"]])


@sql(1)
def several_at_once(draft):
    """DROP of several, RENAME"""
    return [draft.pick(["drop table if exists temp_a, temp_b", "alter table if exists temp_a rename to temp_c",
                        "drop table if exists temp_c", "truncate temp_a"])]


@sql(6, when=lambda draft: draft.temporaries)
def use(draft):
    """rows in and out"""
    name = draft.pick(draft.temporaries)
    return [draft.pick([f"insert into {name} values ({draft.number_between(50, 99)}, 'into {name}')",
                        f"select id, v from {name} order by id", f"select count(*) from pg_temp.{name}"])]


@sql(1)
def missing(draft):
    """one that is not there"""
    return ["select count(*) from pg_temp.nosuch"]


@sql(5, when=lambda draft: draft.temporaries)
def drop(draft):
    """DROP TABLE, DISCARD TEMP"""
    name = draft.temporaries.pop()
    # Never `drop table t`, which may find the client's lasting table; and pg_temp.t asks whether pg_temp is there.
    if name == "t" or draft.chance(0.2):
        draft.temporaries.clear()
        return [draft.pick(["discard temp", "discard temporary"])]
    return [draft.pick(["drop table {}", "drop table if exists {}"]).format(name)]
