"""What one client sees of its session: asked in one write, compared with what a fresh connection sees.

Most of it is asked by a function on the server, whose text a pooler cannot read: no answer may depend on the pooler
recognising the question. Statements and portals of the protocol are asked for by name.
"""

import json

from harness import messages as m

# The names that every kind of state uses, so that one view finds whatever was left.
CUSTOM_NAMES = ("leak.tenant", "leak.other")
TEMP_NAMES = ("leak_temp", "leak_temp_view", "leak_temp_sequence", "leak_temp_type", "leak_pin")

SETUP = f"""
create table leak_rows (id int, v text);
create table leak_serial (id serial, v text);
create table leak_trigger (id int);
create sequence leak_sequence;
grant all on leak_rows, leak_serial, leak_trigger, leak_sequence, leak_serial_id_seq to public;

create function leak_do(command text) returns text language plpgsql as $$
begin execute command; return 'done'; end $$;

create function leak_fire() returns trigger language plpgsql as $$
begin perform set_config('work_mem', '3MB', false), set_config('leak.tenant', 'secret', false); return new; end $$;
create trigger leak_fires before insert on leak_trigger for each row execute function leak_fire();

create function leak_tried(command text) returns text language plpgsql as $$
declare answer text;
begin execute command into answer; return answer;
exception when others then return 'error ' || sqlstate; end $$;

create function leak_see() returns jsonb language plpgsql as $$
declare seen jsonb;
begin
  seen := pg_catalog.jsonb_build_object(
    'random', pg_catalog.random(),
    'transaction', pg_catalog.pg_current_xact_id_if_assigned(),
    'settings', (select pg_catalog.jsonb_object_agg(name, setting) from pg_catalog.pg_settings
                 where name not like 'plpgsql.%'),
    'set in the session', (select pg_catalog.jsonb_object_agg(name, setting) from pg_catalog.pg_settings
                           where source = 'session'),
    'custom parameters', (select pg_catalog.jsonb_object_agg(name, pg_catalog.current_setting(name, true))
                          from pg_catalog.unnest('{{{",".join(CUSTOM_NAMES)}}}'::text[]) name),
    'current_user', current_user,
    'session_user', session_user,
    'role', pg_catalog.current_setting('role'),
    'session_authorization', pg_catalog.current_setting('session_authorization'),
    'temporary relations', (select pg_catalog.jsonb_agg(relname order by relname) from pg_catalog.pg_class
                            where relnamespace = pg_catalog.pg_my_temp_schema()),
    'temporary functions', (select pg_catalog.jsonb_agg(proname order by proname) from pg_catalog.pg_proc
                            where pronamespace = pg_catalog.pg_my_temp_schema()),
    'temporary types', (select pg_catalog.jsonb_agg(typname order by typname) from pg_catalog.pg_type
                        where typnamespace = pg_catalog.pg_my_temp_schema()),
    'temporary names', (select pg_catalog.jsonb_agg(name order by name)
                        from pg_catalog.unnest('{{{",".join(TEMP_NAMES)}}}'::text[]) name
                        where pg_catalog.to_regclass(name) is not null
                           or pg_catalog.to_regclass('pg_temp.' || name) is not null),
    'temporary function', pg_catalog.to_regprocedure('pg_temp.leak_temp_function()'),
    'advisory locks', (select pg_catalog.jsonb_agg(objid || ' ' || mode order by objid, mode)
                       from pg_catalog.pg_locks
                       where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()),
    'cursors', (select pg_catalog.jsonb_agg(name order by name) from pg_catalog.pg_cursors),
    'prepared statements', (select pg_catalog.jsonb_agg(name order by name) from public.kept_statements
                            where not pg_catalog.starts_with(name, '__pgweir_')),
    'channels', (select pg_catalog.jsonb_agg(channel) from pg_catalog.pg_listening_channels() channel),
    'lastval', public.leak_tried('select pg_catalog.lastval()'),
    'currval', public.leak_tried('select pg_catalog.currval(''public.leak_sequence'')'),
    'currval of a serial', public.leak_tried('select pg_catalog.currval(''public.leak_serial_id_seq'')'),
    'large object', public.leak_tried('select pg_catalog.lo_tell(0)'),
    'rows', (select pg_catalog.count(*) from public.leak_rows),
    'application_name', (select application_name from pg_catalog.pg_stat_activity
                         where pid = pg_catalog.pg_backend_pid()));
  perform pg_catalog.pg_notify('leak_channel', 'seen');
  return seen;
end $$;
"""

CLEANUP = """
drop table if exists leak_rows, leak_serial, leak_trigger;
drop sequence if exists leak_sequence;
drop function if exists leak_do(text), leak_fire(), leak_tried(text), leak_see();
"""

# Statements and portals first: a simple Query would destroy the unnamed ones. All in one write.
_QUESTIONS = [
    ("unnamed statement", m.B("", "") + m.E() + m.S),
    ("named statement", m.B("", "leak_statement") + m.E() + m.S),
    ("portal", m.E("leak_portal") + m.S),
    ("unnamed portal", m.E("") + m.S),
    ("everything else", m.Q("select public.leak_see()")),
]
QUESTIONS = b"".join(data for _, data in _QUESTIONS)


def read_view(wire, timeout=None):
    """The answers to QUESTIONS, which have been sent, as {what: seen}."""
    out = {"reported parameters": dict(wire.parameters)}
    for name, _ in _QUESTIONS:
        answer = wire.until_ready(timeout)
        notation = " ".join(str(x) if x.kind != "D" else "D" for x in answer)
        out[f"answer for {name}"] = notation
        rows = [x for x in answer if x.kind == "D"]
        if name == "everything else" and rows:
            out.update(json.loads(rows[0].values()[0]))
        elif rows:
            out[name] = [row.values() for row in rows]
    # The one documented exception: a custom parameter that was once set on a backend reads '' afterwards.
    out["custom parameters"] = {k: v or None for k, v in out.get("custom parameters", {}).items()}
    return out


def see(wire, timeout=None):
    wire.send(QUESTIONS)
    return read_view(wire, timeout)


def differences(fresh, seen):
    """{what: (a fresh connection's, this one's)}, settings each for itself; random() is not compared."""
    out = {}
    for key in (fresh.keys() | seen.keys()) - {"random"}:
        one, other = fresh.get(key), seen.get(key)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            out.update({f"{key}: {name}": (one.get(name), other.get(name)) for name in one.keys() | other.keys()
                        if one.get(name) != other.get(name)})
        else:
            out[key] = (one, other)
    return out
