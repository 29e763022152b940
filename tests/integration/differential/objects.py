"""The roles of all scripts, and the objects that a script's clients find: each client has a schema of its own.

Clients share nothing that is locked, so what one is answered does not depend on how far another is, and a client
that waits for a backend delays no one but itself. The rows carry their client's number: another's are foreign.
"""

from harness.cluster import CANARY

USER, SUPERUSER, GROUP, OTHER = "diff", "diffsuper", "diffteam", "diffother"
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
grant usage on schema d{n} to {group}, {other};
grant all on all tables in schema d{n} to {group};
grant all on all sequences in schema d{n} to {group};
grant select on all tables in schema d{n} to {other};
reset role;
"""

# What scripts change of it. Emptied, not made anew: that takes a tenth of the time.
CONTENT = """
drop table if exists d{n}.made;
truncate d{n}.t, d{n}.u;
insert into d{n}.t select g, 'row ' || g || ' of d{n} é' from generate_series(1, 5) g;
select setval('d{n}.s', {n}001, false), setval('d{n}.r', {n}501, false);
"""


class Objects:
    """`admin`: a direct connection of a superuser in autocommit."""

    def __init__(self, admin):
        self.admin, self.made = admin, set()

    def reset(self, numbers):
        """The initial state for these clients. Waits, not for long, for locks that somebody still holds."""
        missing, self.made = set(numbers) - self.made, self.made | set(numbers)
        sql = "set client_min_messages to error; set lock_timeout to '10s';"
        sql += "".join(SCHEMA.format(n=n, user=USER, group=GROUP, other=OTHER) for n in sorted(missing))
        sql += "".join(CONTENT.format(n=n) for n in sorted(numbers))
        with self.admin.cursor() as cursor:
            cursor.execute(sql)
