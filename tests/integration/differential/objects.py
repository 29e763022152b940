"""The roles of all scripts, and the objects that a script's clients find: each client has a schema of its own.

Clients share nothing that is locked, so what one is answered does not depend on how far another is, and a client
that waits for a backend delays no one but itself. The rows carry their client's number: another's are foreign.
"""

import re

from harness.cluster import CANARY

from . import tenancy
from .names import GROUP, OTHER, SUPERUSER, USER

PASSWORDS = {USER: f"{CANARY}-diff", SUPERUSER: f"{CANARY}-diffsuper"}

# A role default, so that RESET has somewhere to go that is not the server's default.
ROLES = f"""
create role {USER} login password '{PASSWORDS[USER]}';
create role {SUPERUSER} superuser login password '{PASSWORDS[SUPERUSER]}';
create role {GROUP};
create role {OTHER};
grant {GROUP} to {USER};
alter role {USER} set work_mem to '5MB';
alter role {SUPERUSER} set intervalstyle to 'iso_8601';
grant create on database app to {USER};
"""

SCHEMA = """
drop schema if exists d{n} cascade;
create schema d{n} authorization {user};
set role {user};
create table d{n}.t (id int primary key, v text);
create table d{n}.u (id int unique deferrable initially deferred, v text);
create sequence d{n}.s;
create sequence d{n}.r increment 2;
create function d{n}.whose() returns text language sql as $$ select 'd{n}'::text $$;
create function d{n}.hide(name text, value text) returns text language plpgsql as
  $$ begin perform set_config(name, value, false); return current_setting(name); end $$;
create procedure d{n}.commits(first int) language plpgsql as $$ begin
  insert into d{n}.t values (first, 'commits of d{n}'); commit;
  insert into d{n}.t values (first + 1, 'commits of d{n}'); end $$;
create function d{n}.tenant(value text) returns text language sql as $$ select set_config('app.tenant', value, false) $$;
create function d{n}.memory(value text) returns text language plpgsql as
  $$ begin update pg_settings set setting = value where name = 'work_mem'; return value; end $$;
create function d{n}.deep(name text, value text) returns text language sql as $$ select d{n}.hide(name, value) $$;
create function d{n}.own() returns text language plpgsql set work_mem = '9MB' set timezone = 'Asia/Tokyo' as
  $$ begin set local geqo = off; return current_setting('work_mem') || current_setting('timezone'); end $$;
create function d{n}.spilt() returns text language plpgsql set work_mem = '9MB' as
  $$ begin perform set_config('lock_timeout', '33s', false); set work_mem to '10MB'; return 'spilt'; end $$;
create function d{n}.undone(value text) returns text language plpgsql as
  $$ begin begin perform set_config('lock_timeout', value, false); perform 1 / 0;
     exception when division_by_zero then null; end; return current_setting('lock_timeout'); end $$;
create function d{n}.locks(key int) returns bool language plpgsql as $$ begin return pg_try_advisory_lock(key); end $$;
create function d{n}.unlocks(key int) returns bool language sql as $$ select pg_advisory_unlock(key) $$;
create function d{n}.next() returns bigint language sql as $$ select nextval('d{n}.s') $$;
create function d{n}.last() returns bigint language plpgsql as $$ begin return lastval(); end $$;
create function d{n}.run(command text) returns text language plpgsql as
  $$ begin execute command; return 'ran'; end $$;
create function d{n}.brief(name text, value text) returns text language plpgsql as
  $$ begin perform set_config(name, value, true); return current_setting(name); end $$;
create function d{n}.sets(name text, value text, local bool) returns text language sql as
  $$ select set_config(name, value, local) $$;
create function d{n}.dynamic(name text, value text) returns text language plpgsql as
  $$ begin execute format('set local %I = %L', name, value); return current_setting(name); end $$;
create function d{n}.inner_block(name text, value text) returns text language plpgsql as $$ begin
  perform set_config(name, value, false); begin perform set_config(name, value, true); perform 1 / 0;
  exception when division_by_zero then null; end; return current_setting(name); end $$;
create function d{n}.into_tenant(path text) returns text language sql as
  $$ select set_config('search_path', path, true) $$;
create function d{n}.tenant_for_good(path text) returns text language plpgsql as
  $$ begin return set_config('search_path', path, false); end $$;
create procedure d{n}.puts(name text, value text) language plpgsql as
  $$ begin perform set_config(name, value, false); end $$;
create procedure d{n}.steps(value text) language plpgsql as $$ begin
  perform set_config('work_mem', value, false); commit; set timezone to 'Asia/Tokyo'; rollback;
  set local geqo to off; perform set_config('app.user_id', value, false); commit; end $$;
grant usage on schema d{n} to {group}, {other};
grant all on all tables in schema d{n} to {group};
grant all on all sequences in schema d{n} to {group};
grant select on all tables in schema d{n} to {other};
reset role;
"""

# What runs without a statement naming it. One such definition makes pgweir doubt every statement in the database, so
# these are made for the scripts of the subject "definitions" alone.
DEFINITIONS = """
create table if not exists d{n}.fires (id int, v text);
create or replace function d{n}.fire() returns trigger language plpgsql as $$ begin
  perform set_config('work_mem', new.v, false), set_config('app.tenant', new.v, false); return new; end $$;
create or replace trigger fires before insert on d{n}.fires for each row when (new.id = 1) execute function d{n}.fire();
create table if not exists d{n}.defaults (id int, v text default set_config('lock_timeout', '34s', false));
create or replace view d{n}.sets as select set_config('intervalstyle', 'iso_8601', false) as v;
create or replace view d{n}.counts as select nextval('d{n}.s') as v;
create or replace view d{n}.lasts as select lastval() as v;
create or replace view d{n}.locked as select pg_try_advisory_lock({n}77) as v;
create or replace function d{n}.touch(d{n}.t) returns text language sql as
  $$ select set_config('lock_timeout', '35s', false) $$;
grant all on d{n}.fires, d{n}.defaults, d{n}.sets, d{n}.counts, d{n}.lasts, d{n}.locked to {user};
"""

# What scripts change of it. Emptied, not made anew: that takes a tenth of the time.
CONTENT = """
drop table if exists d{n}.made;
truncate d{n}.t, d{n}.u;
insert into d{n}.t select g, 'row ' || g || ' of d{n} é' from generate_series(1, 5) g;
select setval('d{n}.s', {n}001, false), setval('d{n}.r', {n}501, false);
"""


# Roles and databases whose defaults scripts change, and back again; a script that was cut short does not get to that.
DEFAULTS = f"""
alter database app reset all;
alter role {USER} reset all; alter role {USER} in database app reset all; alter role {USER} set work_mem to '5MB';
alter role {SUPERUSER} reset all; alter role {SUPERUSER} in database app reset all;
alter role {SUPERUSER} set intervalstyle to 'iso_8601';
"""


CHANGES = re.compile(r"\b(create|alter|drop|insert|update|delete)\b")
OWN_TENANT = re.compile(r"\bd(\d+)[abc]\b")
SHARED_TENANT = re.compile(r"create schema (\w+)")


def shared_schemas(script):
    """Those that it makes."""
    return set(SHARED_TENANT.findall("\n".join(script.texts())))


class Objects:
    """`admin`: a direct connection of a superuser in autocommit."""

    def __init__(self, admin, definitions=False):
        self.admin, self.made, self.definitions = admin, set(), definitions
        self.moved = False  # defaults, by a script that may not have put them back
        self.changed = set()  # clients whose tenants a script may have changed
        self.shared = set()  # schemas that clients have shared
        self.remade = False  # what a script will use, just now and not through pgweir

    def reset(self, numbers, shared=()):
        """The initial state for these clients, without the schemas in `shared`. Waits, not for long, for locks that somebody still holds."""
        self.end_prepared()
        self.shared |= set(shared)
        anew = sorted(self.changed & set(numbers) | set(numbers) - self.made)
        missing, self.made = set(numbers) - self.made, self.made | set(numbers)
        schema = SCHEMA + DEFINITIONS * self.definitions
        self.execute("".join(schema.format(n=n, user=USER, group=GROUP, other=OTHER) for n in sorted(missing)) +
                     "".join(CONTENT.format(n=n) for n in sorted(numbers)) +
                     "".join(f"drop schema if exists {schema} cascade;" for schema in sorted(self.shared)) +
                     "".join(tenancy.make_private(n) for n in anew))
        self.remade = bool(anew or self.shared)
        self.changed -= set(anew)
        self.shared = set()

    def note(self, script):
        """What it is going to leave behind."""
        texts = str(script)  # a tenant may be named by a bound value
        self.changed |= {int(number) for number in OWN_TENANT.findall(texts)} if CHANGES.search(texts) else set()
        self.shared |= shared_schemas(script)

    def end_prepared(self):
        """What a client that left in the middle has prepared, and which holds locks."""
        with self.admin.cursor() as cursor:
            cursor.execute("select gid from pg_prepared_xacts where database = current_database()")
            for (name,) in cursor.fetchall():
                cursor.execute("rollback prepared %s", (name,))

    def restore_defaults(self):
        if self.moved:
            self.execute(DEFAULTS)
        self.moved = False

    def execute(self, sql):
        with self.admin.cursor() as cursor:
            cursor.execute("set client_min_messages to error; set lock_timeout to '10s';" + sql)
