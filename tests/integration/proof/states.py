"""Every kind of state that a session can have, and how its owner knows that it still has it."""

from dataclasses import dataclass, field

from harness import messages as m


@dataclass
class Kind:
    name: str
    make: list  # messages, each answered up to ReadyForQuery; a string is a simple Query
    still: object = None  # (SQL, its first value) or callable(wire, context): the owner still has it
    superuser: bool = False
    follows: bool = False  # goes with the client from backend to backend: an idle owner keeps nobody waiting
    hidden: bool = False  # neither the client's text nor a tag shows it
    params: list = field(default_factory=list)  # of the startup message
    limit: str = ""  # a documented limit, and the reason: its cells are expected to fail

    def __str__(self):
        return self.name

    def messages(self):
        return [m.Q(step) if isinstance(step, str) else step for step in self.make]

    def single(self):
        """The SQL, if it is one statement."""
        only = self.make[0] if len(self.make) == 1 else b""
        return only if isinstance(only, str) and ";" not in only else None


def answers(data, expected):
    def check(wire, _context):
        assert wire.ask(data) == expected
    return check


def notified(wire, context):
    """A notification reaches it, although it has asked nothing."""
    context.admin("notify leak_channel, 'for its listener'")
    for _ in range(100):  # those of the views come as well
        message = wire.receive()
        assert message.kind == "A", message
        if str(message) == "A(leak_channel,for its listener)":
            return
    raise AssertionError("no notification")


def locked(count=1, shared=False):
    """The owner holds the lock as often as it took it, and another session cannot take it."""
    suffix = "_shared" if shared else ""

    def check(wire, context):
        assert context.admin("select pg_try_advisory_xact_lock(4711)") == [(False,)]
        for _ in range(count):
            assert wire.value(f"select pg_advisory_unlock{suffix}(4711)") == "t"
        assert context.admin("select pg_try_advisory_xact_lock(4711)") == [(True,)]
    return check


def seeded(wire, context):
    assert wire.value("select random()") == context.first_random


def owns(question):
    """Its own last value. A pool in which nobody has asked for one before may refuse the first question, which is a
    documented limit, but must not answer it with another client's value."""
    def check(wire, context):
        answer = wire.ask(m.Q(f"select {question}"))
        assert answer == "T D(t) C(SELECT 1) Z(I)" or (answer == "T E(55000) Z(I)" and context.learns), answer
    return check


WORK_MEM = ("show work_mem", "3MB")
TENANT = ("show leak.tenant", "secret")
TEAM = ("select current_user", "team")
TEMP = ("select v from pg_temp.leak_temp", "mine")
LASTVAL = owns("lastval() = currval('leak_sequence')")
SERIAL = owns("lastval() = currval('leak_serial_id_seq')")
HELD = ("fetch 1 from leak_cursor", "1")
PREPARED = ("execute leak_prepared", "mine")


def do(command):
    return f"do $do$ begin {command}; end $do$"


def call(oid, *args):
    """A FunctionCall message: no text shows what it does."""
    return m.F(oid, args)


def function(command):
    return "select leak_do($do$" + command + "$do$)"


SETTINGS = [
    Kind("SET", ["set work_mem to '3MB'"], WORK_MEM),
    Kind("SET of a custom parameter", ["set leak.tenant to 'secret'"], TENANT),
    Kind("set_config", ["select set_config('work_mem', '3MB', false)"], WORK_MEM),
    Kind("set_config of bound values",
         [m.P("", "select set_config($1, $2, false)") + m.B("", "", ("leak.tenant", "secret")) + m.E() + m.S], TENANT),
    Kind("set_config in a DO block", [do("perform set_config('work_mem', '3MB', false)")], WORK_MEM),
    Kind("custom parameter in a DO block", [do("perform set_config('leak.tenant', 'secret', false)")], TENANT),
    Kind("SET of a search_path", ["set search_path to pg_temp, pg_catalog, public"],
         ("show search_path", "pg_temp, pg_catalog, public")),
    Kind("SET SESSION CHARACTERISTICS", ["set session characteristics as transaction isolation level serializable"],
         ("show default_transaction_isolation", "serializable")),
    Kind("SET TIME ZONE", ["set time zone 'Asia/Tokyo'"], ("show timezone", "Asia/Tokyo")),
    Kind("client_encoding", ["set names 'LATIN1'"], ("show client_encoding", "LATIN1")),
    Kind("application_name", ["set application_name to 'its name'"], ("show application_name", "its name")),
    Kind("SET ROLE", ["set role team"], TEAM),
    Kind("role by set_config", ["select set_config('role', 'team', false)"], TEAM),
    Kind("SET SESSION AUTHORIZATION", ["set session authorization app2"], ("select session_user", "app2"),
         superuser=True),
    Kind("settings in a string",
         ["select 1; set work_mem to '3MB'; set leak.tenant to 'secret'; set role team"], TENANT),
    Kind("startup parameters", ["select 1"], TENANT,
         params=[("options", "-c leak.tenant=secret -c work_mem=3MB"), ("application_name", "its name")]),
]

STATEMENTS = [
    Kind("named statement", [m.P("leak_statement", "select 'mine'") + m.S],
         answers(m.B("", "leak_statement") + m.E() + m.S, "2 D(mine) C(SELECT 1) Z(I)")),
    Kind("unnamed statement", [m.P("", "select 'mine'") + m.S],
         answers(m.B("", "") + m.E() + m.S, "2 D(mine) C(SELECT 1) Z(I)")),
    Kind("SQL PREPARE", ["prepare leak_prepared as select 'mine'"], PREPARED),
    Kind("LISTEN", ["listen leak_channel"], notified),
]
for kind in SETTINGS + STATEMENTS:
    kind.follows = True

TEMPORARY = [
    Kind("temporary table", ["create temp table leak_temp as select 'mine' as v"], TEMP),
    Kind("temporary table by SELECT INTO", ["select 'mine' as v into local temporary leak_temp"], TEMP),
    Kind("temporary table by its schema", ["create table pg_temp.leak_temp as select 'mine' as v"], TEMP),
    Kind("temporary table by the search_path",
         ["set search_path to pg_temp, public", "create table leak_temp as select 'mine' as v",
          "reset search_path"], TEMP),
    Kind("temporary table in a DO block", [do("create temp table leak_temp as select 'mine' as v")], TEMP),
    Kind("temporary view", ["create temporary view leak_temp_view as select 'mine' as v"],
         ("select v from leak_temp_view", "mine")),
    Kind("temporary sequence", ["create temp sequence leak_temp_sequence"],
         ("select nextval('leak_temp_sequence')", "1")),
    Kind("temporary function", ["create function pg_temp.leak_temp_function() returns text return 'mine'"],
         ("select pg_temp.leak_temp_function()", "mine")),
    Kind("temporary type", ["create type pg_temp.leak_temp_type as enum ('mine')"],
         ("select 'mine'::pg_temp.leak_temp_type", "mine")),
]

LOCKS = [
    Kind("advisory lock", ["select pg_advisory_lock(4711)"], locked()),
    Kind("advisory lock tried", ["select pg_try_advisory_lock(4711)"], locked()),
    Kind("shared advisory lock", ["select pg_advisory_lock_shared(4711)"], locked(shared=True)),
    Kind("advisory lock taken twice", ["select pg_advisory_lock(4711)", "select pg_advisory_lock(4711)"], locked(2)),
    Kind("advisory lock taken twice, given back once",
         ["select pg_advisory_lock(4711), pg_advisory_lock(4711)", "select pg_advisory_unlock(4711)"], locked()),
    Kind("advisory lock of a bound key",
         [m.P("", "select pg_advisory_lock($1)") + m.B("", "", (4711,)) + m.E() + m.S], locked()),
    Kind("advisory lock in odd spelling", ['select u&"pg\\005fadvisory_lock" /* ( */ (4711)'], locked()),
    Kind("advisory lock in a DO block", [do("perform pg_advisory_lock(4711)")], locked()),
    Kind("advisory lock by EXECUTE",
         ["prepare leak_prepared as select pg_advisory_lock(4711)", "execute leak_prepared",
          "deallocate leak_prepared"], locked()),
]

OTHERS = [
    Kind("cursor WITH HOLD", ["declare leak_cursor cursor with hold for select generate_series(1, 3)"], HELD),
    Kind("nextval", ["select nextval('leak_sequence')"], LASTVAL),
    Kind("setval", ["select setval('leak_sequence', 4711)"], owns("currval('leak_sequence') = 4711")),
    Kind("nextval in a DO block", [do("perform nextval('leak_sequence')")], LASTVAL),
    Kind("nextval by a column's default", ["insert into leak_serial (v) values ('x')"], SERIAL),
    Kind("LOAD", ["load 'auto_explain'"], ("show auto_explain.log_min_duration", "-1"), superuser=True),
    Kind("setseed", ["select setseed(0.25)"], seeded),
    Kind("everything at once",
         ["set work_mem to '3MB'; set role team; prepare leak_prepared as select 1; listen leak_channel; "
          "select pg_advisory_lock(4711), pg_advisory_lock_shared(4712), nextval('leak_sequence'); "
          "create temp table leak_temp as select 'mine' as v; "
          "declare leak_cursor cursor with hold for select generate_series(1, 3)"], HELD),
]

# In an open transaction; the client keeps its backend in any case.
OPEN = [
    Kind("open transaction with rows", ["begin", "insert into leak_rows values (1, 'mine')"],
         ("select v from leak_rows", "mine")),
    Kind("open transaction with its own settings",
         ["begin isolation level serializable", "set local work_mem to '3MB'", "set local role team"], WORK_MEM),
    Kind("held portal",
         ["begin", m.P("", "select generate_series(1, 5)") + m.B("leak_portal") + m.E("leak_portal", 1) + m.S],
         answers(m.E("leak_portal", 1) + m.S, "D(2) s Z(T)")),
    Kind("cursor in a transaction", ["begin", "declare leak_cursor cursor for select generate_series(1, 3)"], HELD),
    Kind("large object descriptor", ["begin", "select lo_open(lo_create(0), 131072)"], ("select lo_tell(0)", "0")),
]

HIDDEN = [
    Kind("setting in a function", [function("set work_mem to '3MB'")], WORK_MEM),
    Kind("custom parameter in a function", [function("set leak.tenant to 'secret'")], TENANT),
    Kind("role in a function", [function("set role team")], TEAM),
    Kind("settings in a trigger", ["insert into leak_trigger values (1)"], WORK_MEM),
    Kind("temporary table in a function", [function("create temp table leak_temp as select 'mine' as v")], TEMP),
    Kind("advisory lock in a function", [function("select pg_advisory_lock(4711)")], locked()),
    Kind("nextval in a function", [function("select nextval('leak_sequence')")], LASTVAL),
    Kind("cursor WITH HOLD in a function",
         [function("declare leak_cursor cursor with hold for select generate_series(1, 3)")], HELD),
    Kind("advisory lock by a FunctionCall", [call(2880, 4711)], locked()),  # pg_advisory_lock(bigint)
    Kind("setting by a FunctionCall", [call(2078, "work_mem", "3MB", "f")], WORK_MEM),  # set_config
    Kind("nextval by a FunctionCall", [call(1574, "leak_sequence")], LASTVAL),
    Kind("PREPARE in a function", [function("prepare leak_prepared as select 'mine'")], PREPARED),
    Kind("LISTEN in a function", [function("listen leak_channel")], notified),
    Kind("LOAD in a function", [function("load 'auto_explain'")], ("show auto_explain.log_min_duration", "-1"),
         superuser=True, limit="dynamic SQL in a function loads a library, and the server shows nobody what is loaded"),
]
for kind in HIDDEN:
    kind.hidden = True

KINDS = SETTINGS + STATEMENTS + TEMPORARY + LOCKS + OTHERS + OPEN + HIDDEN
