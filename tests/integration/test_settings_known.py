"""What a transaction does to settings is known from its text and its values: the server is asked nothing after it, and
still every setting is where it belongs."""

import pytest

from harness import messages as m

TEXT, BOOL, VARCHAR, UNKNOWN = 25, 16, 1043, 705

FUNCTIONS = """
create or replace function enter_sql(t text) returns text language sql as $$ select set_config('app.tenant', t, true) $$;
create or replace function enter_plpgsql(t text) returns void language plpgsql as $$ begin perform set_config('app.tenant', t, true); end $$;
create or replace function enter_both(t text, u text) returns void language plpgsql as
$$ begin perform set_config('app.tenant', t, true), set_config('app.user_id', u, true); end $$;
create or replace function enter_deep(t text) returns void language sql as $$ select enter_plpgsql(t) $$;
create or replace function enter_local(t text) returns void language plpgsql as
$$ declare x text; begin x := set_config('app.tenant', t, true); end $$;
drop table if exists rows_of_tenants cascade; create table rows_of_tenants (tenant text, v int);
insert into rows_of_tenants values ('7', 1), ('8', 2); alter table rows_of_tenants enable row level security;
create policy own on rows_of_tenants using (tenant = current_setting('app.tenant', true));
grant all on rows_of_tenants to public
"""
CLEANUP = """drop function enter_sql(text), enter_plpgsql(text), enter_both(text, text), enter_local(text), enter_deep(text);
drop table rows_of_tenants"""


@pytest.fixture(scope="module")
def functions(cluster):
    cluster.execute(FUNCTIONS, "app")
    yield
    cluster.execute(CLEANUP, "app")


@pytest.fixture(params=[1, 3])
def endpoint(request, functions, shared):
    return shared(f"known{request.param}", max_size=request.param, audit_every=0)


def checks(endpoint):
    return endpoint.metric("pgweir_state_checks_total") if endpoint.kind == "pgweir" else 0


def bound(text, *values, types=(), formats=(), name=""):
    body = m.cstr("") + m.cstr(name) + formats_of(formats) + len(values).to_bytes(2, "big")
    for value in values:
        data = value if isinstance(value, bytes) else value.encode()
        body += len(data).to_bytes(4, "big") + data
    return (m.P(name, text, types) if text else b"") + m.message(b"B", body + b"\0\0") + m.E()


def formats_of(formats):
    return len(formats).to_bytes(2, "big") + b"".join(x.to_bytes(2, "big") for x in formats)


# How the transaction of tenant `t` begins, after BEGIN.
LOCAL = {
    "literal": lambda t: m.Q(f"select set_config('app.tenant', '{t}', true)"),
    "literal, on": lambda t: m.Q(f"select set_config('app.tenant', '{t}', 'on')"),
    "qualified": lambda t: m.Q(f"select pg_catalog.set_config('app.tenant', '{t}', true)"),
    "upper case, aliased": lambda t: m.Q(f"SELECT SET_CONFIG('app.tenant', '{t}', TRUE) AS \"Tenant\""),
    "casts": lambda t: m.Q(f"select set_config('app.tenant'::text, '{t}'::text, true::boolean)"),
    "bound value": lambda t: bound("select set_config('app.tenant', $1, true)", t) + m.S,
    "bound value, declared": lambda t: bound("select set_config('app.tenant', $1, true)", t, types=(TEXT,)) + m.S,
    "bound value, varchar": lambda t: bound("select set_config('app.tenant', $1, true)", t, types=(VARCHAR,)) + m.S,
    "bound value, binary": lambda t: bound("select set_config('app.tenant', $1, true)", t, types=(TEXT,), formats=(1,)) + m.S,
    "bound value, cast": lambda t: bound("select set_config('app.tenant', $1::text, true)", t) + m.S,
    "all bound": lambda t: bound("select set_config($1, $2, $3)", "app.tenant", t, "t") + m.S,
    "all bound, true": lambda t: bound("select set_config($1, $2, $3)", "app.tenant", t, "true") + m.S,
    "all bound, binary": lambda t: bound("select set_config($1, $2, $3)", "app.tenant", t, b"\1", types=(TEXT, TEXT, BOOL),
                                         formats=(1, 1, 1)) + m.S,
    "all bound, only the boolean binary": lambda t: bound("select set_config($1, $2, $3)", "app.tenant", t, b"\1",
                                                          types=(0, 0, BOOL), formats=(0, 0, 1)) + m.S,
    "several names": lambda t: m.Q(f"select set_config('app.tenant', '{t}', true), set_config('app.user_id', '1', true)"),
    "several names, bound": lambda t: bound("select set_config($1, $2, true), set_config($3, $4, true)", "app.tenant", t,
                                            "app.user_id", "1") + m.S,
    "SET LOCAL": lambda t: m.Q(f"set local app.tenant = '{t}'"),
    "SET LOCAL TO, quoted": lambda t: m.Q(f"SET LOCAL \"app\".tenant TO '{t}'"),
    "SET LOCAL, extended": lambda t: bound(f"set local app.tenant = '{t}'") + m.S,
    "SQL wrapper": lambda t: m.Q(f"select enter_sql('{t}')"),
    "PL/pgSQL wrapper": lambda t: m.Q(f"select enter_plpgsql('{t}')"),
    "wrapper of a wrapper": lambda t: m.Q(f"select enter_deep('{t}')"),
    "wrapper of several": lambda t: m.Q(f"select enter_both('{t}', '1')"),
    "wrapper in an assignment": lambda t: m.Q(f"select enter_local('{t}')"),
    "SQL wrapper, bound": lambda t: bound("select enter_sql($1)", t) + m.S,
    "PL/pgSQL wrapper, bound": lambda t: bound("select enter_plpgsql($1)", t) + m.S,
    "with BEGIN in one string": lambda t: m.Q(f"select 1; set local app.tenant = '{t}'"),
    "with a query": lambda t: m.Q(f"select set_config('app.tenant', '{t}', true) from pg_am limit 1"),
    "DO block": lambda t: m.Q(f"do $$ begin perform set_config('app.tenant', '{t}', true); end $$"),
    "DO block with SET LOCAL": lambda t: m.Q(f"do $$ begin set local app.tenant = '{t}'; end $$"),
    "in a WITH": lambda t: m.Q(f"with x as (select set_config('app.tenant', '{t}', true)) select * from x"),
}
QUERY = m.P("", "select current_setting('app.tenant', true), v from rows_of_tenants") + m.B() + m.E() + m.S


def fine(wire, data):
    """Sends; one ReadyForQuery for each Query or Sync."""
    wire.send(data)
    heard = wire.until_ready()
    assert not [x for x in heard if x.kind in ("E", "EOF")], " ".join(f"{x} {x.text or ''}" for x in heard)
    return " ".join(map(str, heard))


@pytest.mark.parametrize("end", ["commit", "rollback", "commit and chain"])
@pytest.mark.parametrize("way", LOCAL)
def test_a_tenants_transaction_asks_the_server_nothing(endpoint, way, end):
    with endpoint.wire("app2") as one, endpoint.wire("app2") as two:
        before = None
        for turn in range(4):
            if turn == 2:  # the pool knows its functions by now
                before = checks(endpoint)
            for wire, tenant, v in ((one, "7", 1), (two, "8", 2)):
                fine(wire, m.Q("begin"))
                fine(wire, LOCAL[way](tenant))
                assert fine(wire, QUERY) == f"1 2 D({tenant},{v}) C(SELECT 1) Z(T)"
                fine(wire, m.Q(end))
                if end.endswith("chain"):
                    assert fine(wire, QUERY).startswith("1 2 C(SELECT 0)"), "it is gone with its transaction"
                    fine(wire, m.Q("commit"))
                assert fine(wire, QUERY).startswith("1 2 C(SELECT 0)"), "it is gone with its transaction"
        assert checks(endpoint) == before


def test_the_whole_transaction_in_one_batch(endpoint):
    with endpoint.wire("app2") as one, endpoint.wire("app2") as two:
        before = None
        for turn in range(4):
            if turn == 2:
                before = checks(endpoint)
            for wire, tenant, v in ((one, "7", 1), (two, "8", 2)):
                batch = bound("begin") + bound("select set_config($1, $2, true)", "app.tenant", tenant) + \
                    bound("select v from rows_of_tenants") + bound("commit") + m.S
                heard = fine(wire, batch)
                assert heard == (f"1 2 C(BEGIN) 1 2 D({tenant}) C(SELECT 1) 1 2 D({v}) C(SELECT 1) 1 2 C(COMMIT) Z(I)")
        assert checks(endpoint) == before


# How a client sets it for good.
LASTING = {
    "literal": lambda t: m.Q(f"select set_config('app.tenant', '{t}', false)"),
    "bound value": lambda t: bound("select set_config('app.tenant', $1, false)", t) + m.S,
    "all bound": lambda t: bound("select set_config($1, $2, $3)", "app.tenant", t, "f") + m.S,
    "all bound, off": lambda t: bound("select set_config($1, $2, $3)", "app.tenant", t, "off") + m.S,
    "all bound, binary": lambda t: bound("select set_config($1, $2, $3)", "app.tenant", t, b"\0", types=(TEXT, TEXT, BOOL),
                                         formats=(1, 1, 1)) + m.S,
    "odd case": lambda t: m.Q(f"select set_config('APP.Tenant', '{t}', false)"),
    "several names": lambda t: m.Q(f"select set_config('app.tenant', '{t}', false), set_config('app.user_id', '1', false)"),
    "twice": lambda t: m.Q(f"select set_config('app.tenant', 'no', false), set_config('app.tenant', '{t}', false)"),
    "SET": lambda t: m.Q(f"set app.tenant = '{t}'"),
    "in a transaction": lambda t: m.Q(f"begin; select set_config('app.tenant', '{t}', false); commit"),
    "SET in a transaction": lambda t: m.Q(f"begin; set app.tenant = '{t}'; commit"),
    "before a savepoint that goes": lambda t: m.Q(
        f"begin; set app.tenant = '{t}'; savepoint a; set app.tenant = 'no'; rollback to a; commit"),
    "in a savepoint that stays": lambda t: m.Q(f"begin; set app.tenant = 'no'; savepoint a; set app.tenant = '{t}'; release a; end"),
    "in a string": lambda t: m.Q(f"select 1; set app.tenant = '{t}'; select 2"),
    "COMMIT AND CHAIN": lambda t: m.Q(f"begin; set app.tenant = '{t}'; commit and chain; set app.tenant = 'no'; rollback"),
    "local on top": lambda t: m.Q(f"begin; set app.tenant = '{t}'; set local app.tenant = 'no'; commit"),
    "after a rolled back transaction": lambda t: m.Q(
        f"begin; set app.tenant = 'no'; rollback; begin; set app.tenant = '{t}'; commit"),
    "a failed COMMIT before": lambda t: m.Q(f"set app.tenant = '{t}'") + m.Q("begin") + m.Q("set app.tenant = 'no'") +
    m.Q("select 1/0") + m.Q("commit"),
    "a nested savepoint of the same name": lambda t: m.Q(
        f"begin; savepoint a; set app.tenant = '{t}'; savepoint a; set app.tenant = 'no'; rollback to a; release a; commit"),
    "SQL wrapper afterwards": lambda t: m.Q(f"set app.tenant = '{t}'; select enter_sql('no')"),
    "RESET and again": lambda t: m.Q(f"set app.tenant = 'no'; reset app.tenant; set app.tenant = '{t}'"),
    "SAVEPOINT by extended messages": lambda t: bound("begin") + bound(f"set app.tenant = '{t}'") + bound("savepoint a") +
    bound("set app.tenant = 'no'") + bound("rollback to savepoint a") + bound("commit") + m.S,
}

EXACT = [way for way in LASTING if way != "SQL wrapper afterwards"]


def play(wire, data):
    wire.send(data)
    at, owed = 0, 0
    while at < len(data):
        owed += data[at:at + 1] in (b"Q", b"S")
        at += 1 + int.from_bytes(data[at + 1:at + 5], "big")
    for _ in range(owed):
        wire.until_ready()


@pytest.mark.parametrize("way", LASTING)
def test_a_setting_for_good_follows_its_client_and_asks_nothing(endpoint, way):
    with endpoint.wire("app2") as one, endpoint.wire("app2") as two, endpoint.wire("app2") as none:
        for turn in range(3):
            before = checks(endpoint)
            for wire, tenant in ((one, f"one {turn}"), (two, f"two {turn}")):
                play(wire, LASTING[way](tenant))
            for _ in range(2):
                for wire, tenant in ((one, f"one {turn}"), (two, f"two {turn}"), (none, "")):
                    assert wire.value("select coalesce(current_setting('app.tenant', true), '')") == tenant
            if way in EXACT and turn:
                assert checks(endpoint) == before


@pytest.mark.parametrize("setting, value, shown", [("work_mem", "3MB", "3MB"), ("search_path", "pg_catalog", "pg_catalog"),
                                                   ("timezone", "Asia/Tokyo", "Asia/Tokyo"), ("statement_timeout", "9s", "9s"),
                                                   ("datestyle", "German", "German, DMY"), ("role", "team", "team"),
                                                   ("app.\u00e9t\u00e9", "A\u00e9", "A\u00e9"), ("app.\u65e5\u672c", "\u8a9e", "\u8a9e")])
@pytest.mark.parametrize("how", ["SET", "set_config", "bound", "quoted"])
def test_each_kind_of_setting(endpoint, setting, value, shown, how):
    data = {"SET": m.Q(f"set {setting} = '{value}'"), "set_config": m.Q(f"select set_config('{setting}', '{value}', false)"),
            "bound": bound("select set_config($1, $2, false)", setting, value) + m.S,
            "quoted": m.Q('set "' + setting.replace(".", '"."') + f"\" = '{value}'")}[how]
    with endpoint.wire() as one, endpoint.wire() as two:
        default = two.value(f"select coalesce(current_setting('{setting}', true), '')")
        fine(one, data)
        for _ in range(2):
            assert one.value(f"select current_setting('{setting}', true)") == shown
            assert two.value(f"select coalesce(current_setting('{setting}', true), '')") == default
        fine(one, m.Q("discard all"))
        assert one.value(f"select coalesce(current_setting('{setting}', true), '')") == default


@pytest.mark.parametrize("name", ["app.t\u00e9", "app.\u65e5\u672c", "\u00e9.t"])
def test_an_unquoted_name_that_is_not_ascii(endpoint, name):
    """On a pgweir that has not seen the name before."""
    with endpoint.wire() as one, endpoint.wire() as two:
        for sql in (f"set {name} = 'A'", f"set session {name} to 'A'", f"begin; set {name} = 'A'; commit"):
            fine(one, m.Q(sql))
            assert not two.value(f"select coalesce(current_setting('{name}', true), '')")
            assert one.value(f"select current_setting('{name}', true)") == "A"
            fine(one, m.Q(f"reset {name}"))
            assert not one.value(f"select current_setting('{name}', true)")


def test_a_pipeline_of_transactions(endpoint):
    with endpoint.wire("app2") as one, endpoint.wire("app2") as two:
        for how in ("whole", "halves", "bytes"):
            for wire, first, second in ((one, "7", "8"), (two, "8", "7")):
                data = b"".join(m.Q(f"begin; select set_config('app.tenant', '{t}', {local}); commit") +
                                m.Q("select current_setting('app.tenant', true)")
                                for t, local in ((first, "true"), (second, "false"), (first, "true")))
                wire.send(data, how)
                heard = [" ".join(map(str, wire.until_ready())) for _ in range(6)]
                assert heard[3] == heard[5] == f"T D({second}) C(SELECT 1) Z(I)"
            for wire, value in ((one, "8"), (two, "7")):
                assert wire.value("select current_setting('app.tenant', true)") == value
