"""Looks at state: what a client sees of itself, and of others if something leaks.

compare.py tells what is not looked at and why. A custom setting that is not set reads as NULL or as '', so those
are looked at through nullif.
"""

from ..kinds import messages, sql
from ..script import Q
from .settings import VALUES

PLAIN = [name for name in VALUES if "." not in name]
CUSTOM = [name for name in VALUES if "." in name]

SETTINGS = "select " + ", ".join([f"current_setting('{name}')" for name in PLAIN] +
                                 [f"nullif(current_setting('{name}', true), '')" for name in CUSTOM])
ROLES = "select current_user, session_user, current_setting('role'), current_setting('is_superuser')"
TEMPORARIES = ("select relname from pg_class where relnamespace = pg_my_temp_schema() and relkind in ('r', 'v', 'S') "
               "order by relname")
LOCKS = ("select classid, objid, mode from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() "
         "order by classid, objid, mode")
CURSORS = "select name, is_holdable from pg_cursors where name <> '' order by name"


@sql(6)
def show(draft):
    """SHOW of one setting"""
    return [f"show {draft.pick([*PLAIN, 'transaction_isolation', 'transaction_read_only', 'role'])}"]


@sql(8)
def settings(draft):
    """current_setting of everything that the scripts change"""
    return [SETTINGS]


@sql(5)
def effects(draft):
    """what settings do to values"""
    return ["select timestamptz '2021-03-04 05:06:07+00', interval '1 day 90 min', float8 '0.1' / 3, "
            "'\\xdead00'::bytea"]


@sql(3)
def dates_of_text(draft):
    """a date whose meaning depends on DateStyle when it is parsed"""
    return ["select date '01/02/2003', '01/02/2003'::date - 1"]


@sql(4)
def roles(draft):
    """who one is"""
    return [ROLES]


@sql(4)
def path(draft):
    """what search_path finds"""
    return [draft.pick(["select current_schema()", "select v from t where id = 1", "select whose()",
                        "select array_to_string(current_schemas(false), ',')"])]


@sql(3)
def temporaries(draft):
    """temporary objects"""
    return [TEMPORARIES]


@sql(3)
def locks(draft):
    """advisory locks of this session"""
    return [LOCKS]


@sql(2)
def cursors(draft):
    """open cursors"""
    return [CURSORS]


@messages(1)
def channels(draft):
    """pg_listening_channels(), outside of a transaction"""
    draft.ends()
    return [(Q("rollback"), Q("select * from pg_listening_channels() order by 1"))]


@sql(3)
def rows(draft):
    """the client's own rows"""
    return [f"select id, v from {draft.schema}.t order by id"]


def at_everything():
    """What a new client should find empty or at its defaults."""
    return [SETTINGS, ROLES, TEMPORARIES, LOCKS, CURSORS]
