"""Tenants: schemas with tables, a view and a function of the same names, not all of them with the same types.

Each client has three of its own, d0a to d0c. In the scripts of family "shared" (turns.py) all clients use the same
ones, and the first client makes them.
"""

from .names import GROUP, USER

LETTERS = "abc"
ROLES = [USER, GROUP]  # schemas that "$user" in a search_path means

IDS = ["int", "bigint", "text", "numeric"]
VALUES = ["text", "varchar(30)"]
TIMES = ["timestamp", "timestamptz", "date"]


def own(number):
    return [f"d{number}{letter}" for letter in LETTERS]


def create(schema, id_type="int", value_type="text", time_type="timestamp", more=""):
    return [
        f"create schema {schema}", f"create type {schema}.mood as enum ('calm', 'glad')",
        *tables(schema, id_type, value_type, time_type, more),
        f"create function {schema}.tag() returns {value_type} language sql stable as $$ select 'tag of {schema}'::text $$"]


def tables(schema, id_type="int", value_type="text", time_type="timestamp", more=""):
    return [
        f"create table {schema}.items (id {id_type}, v {value_type}, at {time_type}, mood {schema}.mood{more})",
        f"insert into {schema}.items (id, v, at, mood) select g::text::{id_type}, g || ' of {schema}', "
        f"timestamp '2024-01-01 10:00' + g * interval '1 day', 'calm' from generate_series(1, 3) g",
        f"create view {schema}.recent as select id, v from {schema}.items where id::text <> '3'"]


def grants(schema):
    return [f"grant usage on schema {schema} to {GROUP}", f"grant all on all tables in schema {schema} to {GROUP}"]


def fixed(number):
    """The tenants of one client: the second one has other types, the third has the first one's."""
    second = [("bigint", "text", "timestamptz"), ("text", "text", "timestamp"), ("int", "varchar(30)", "timestamp"),
              ("int", "text", "timestamp", ", more int default 7")][number % 4]
    layouts = [(), second, ()]
    return [sql for schema, layout in zip(own(number), layouts) for sql in create(schema, *layout) + grants(schema)]


def make_private(number):
    """For the administrator."""
    drop = "".join(f"drop schema if exists {schema} cascade;" for schema in own(number))
    return drop + f"set role {USER};" + ";".join(fixed(number)) + ";reset role;"


def draw(rng, schema):
    """One that a script makes."""
    alike = rng.random() < 0.35
    layout = () if alike else (rng.choice(IDS), rng.choice(VALUES), rng.choice(TIMES),
                               rng.choice(["", "", ", more int default 7"]))
    return create(schema, *layout) + grants(schema)
