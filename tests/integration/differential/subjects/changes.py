"""DDL under prepared statements: ALTER TABLE, views, functions and types that are replaced."""

from ..kinds import messages
from ..script import Q, S
from ..tenancy import IDS, TIMES, VALUES, tables
from .settings import quoted
from .tenants import some_work


def may(draft):
    return draft.may_change and not draft.in_transaction


def statements(draft, schema):
    """One change."""
    name = f"{schema}.items"
    fresh = draft.fresh("c")
    return draft.pick([
        [f"alter table {name} alter id type {(kind := draft.pick(IDS))} using id::text::{kind}"],
        [f"drop view if exists {schema}.recent",
         f"alter table {name} alter id type {(kind := draft.pick(IDS))} using id::text::{kind}"],
        [f"drop view if exists {schema}.recent", f"alter table {name} alter v type {draft.pick(VALUES)}"],
        [f"alter table {name} alter at type {draft.pick(TIMES)}"],
        [f"alter table {name} add {fresh} text default 'of {fresh}'"],
        [f"alter table {name} add more int default 3"], [f"alter table {name} drop if exists more"],
        [f"alter table {name} rename v to w"], [f"alter table {name} rename w to v"],
        [f"alter table {name} rename v to x", f"alter table {name} rename id to v", f"alter table {name} rename x to id"],
        [f"alter type {schema}.mood rename to mood_old", f"create type {schema}.mood as enum ('calm', 'glad', 'new')",
         f"alter table {name} alter mood type {schema}.mood using mood::text::{schema}.mood",
         f"drop type {schema}.mood_old"],
        [f"alter table {name} alter mood type text"], [f"alter type {schema}.mood add value '{fresh}'"],
        [f"create or replace view {schema}.recent as select id, v, at from {name}"],
        [f"drop view if exists {schema}.recent", f"create view {schema}.recent as select v, id::text as id from {name}"],
        [f"drop view if exists {schema}.recent", f"create view {schema}.recent as select id, v from {name}"],
        [f"create or replace function {schema}.tag() returns text language sql stable as $$ select '{fresh}'::text $$"],
        [f"drop function if exists {schema}.tag()",
         f"create function {schema}.tag() returns {draft.pick(['int', 'text', 'bigint'])} language sql stable as $$ select 7 $$"],
        [f"drop table if exists {name} cascade",
         *tables(schema, draft.pick(IDS), draft.pick(VALUES), draft.pick(TIMES))],
        [f"alter table {name} rename to items_gone"], [f"alter table {schema}.items_gone rename to items"],
        [f"create index on {name} (id)"], [f"comment on table {name} is '{fresh}'"],
    ])


def ends(draft):
    return Q(draft.pick(["commit", "commit", "rollback"]))


@messages(6, when=may)
def alone(draft):
    """one by one, in one string, in a transaction"""
    changes = statements(draft, draft.pick(draft.tenants))
    return draft.pick([[(Q(change),) for change in changes], [(Q("; ".join(changes)),)],
                       [(Q("begin"),), *((Q(change),) for change in changes), (ends(draft),)],
                       [(Q("begin"), *map(Q, changes), ends(draft))]])


@messages(4, when=may)
def with_work(draft):
    """in a transaction, with statements before and behind"""
    schema = draft.pick(draft.tenants)
    before = [(*some_work(draft), S)] if draft.chance(0.5) else []
    return [(Q("begin"),), (Q(f"set local search_path to {schema}"),), *before,
            *((Q(change),) for change in statements(draft, schema)), (*some_work(draft), S), (ends(draft),),
            (*some_work(draft), S)]


@messages(2, when=may)
def taken_back(draft):
    """in a savepoint that is rolled back"""
    schema = draft.pick(draft.tenants)
    return [(Q("begin"),), (Q(f"set local search_path to {schema}"),), (Q("savepoint a"),),
            *((Q(change),) for change in statements(draft, schema)), (*some_work(draft), S), (Q("rollback to a"),),
            (*some_work(draft), S), (ends(draft),)]


@messages(3, when=may)
def unseen(draft):
    """inside of DO and of a function"""
    changes = statements(draft, draft.pick(draft.tenants))
    return [(Q(draft.pick([f"do $x$ begin execute {quoted(change)}; end $x$",
                           f"select {draft.schema}.run({quoted(change)})"])),) for change in changes]
