"""Functions that are gone, or are others, when the transaction that has called them ends: what they left is their client's
alone, although nobody can read them any more. And random(), which whoever has seeded it keeps."""

import pytest

from harness import messages as m

SETS = "language plpgsql as $$ begin set work_mem = '3MB'; return 1; end $$"
LOCKS = "language sql as 'select 1 from pg_advisory_lock(77)'"
# What a client says, and whether its own session keeps the lock or the setting.
SETTING = {
    "made and dropped": [f"begin; create function passing() returns int {SETS}", "select passing()",
                         "drop function passing(); commit"],
    "made, called and dropped in one string": [f"create function passing() returns int {SETS}; select passing(); "
                                               "drop function passing()"],
    "replaced and put back": ["begin; create or replace function staying() returns int " + SETS, "select staying()",
                              "create or replace function staying() returns int language sql as 'select 1'; commit"],
}
LOCK = {
    "made and rolled back": [f"begin; create function passing() returns int {LOCKS}", "select passing()", "rollback"],
    "made in a savepoint": [f"begin; savepoint a; create function passing() returns int {LOCKS}", "select passing()",
                            "rollback to a; commit"],
    "temporary": [f"begin; create function pg_temp.passing() returns int {LOCKS}", "select pg_temp.passing()", "rollback"],
    "replaced and rolled back": [f"begin; create or replace function staying() returns int {LOCKS}", "select staying()",
                                 "rollback"],
    "replaced in the string that calls it": [f"begin; create or replace function staying() returns int {LOCKS}; "
                                             "select staying(); rollback"],
}
HELD = "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"


@pytest.fixture(scope="module")
def staying(cluster):
    cluster.execute("create function staying() returns int language sql as 'select 1'", "app")
    cluster.execute("grant all on schema public to app; alter function staying() owner to app", "app")
    yield
    cluster.execute("drop function staying()", "app")


def extended(sql):
    return m.P("", sql) + m.B() + m.E() + m.S


def say(wire, texts, protocol):
    for text in texts:
        heard = wire.ask(m.Q(text) if protocol == "simple" or ";" in text else extended(text), timeout=30)
        assert "E(" not in heard, (text, heard)


@pytest.mark.parametrize("known", [False, True], ids=["never called before", "known to be harmless"])
@pytest.mark.parametrize("protocol", ["simple", "extended"])
@pytest.mark.parametrize("way", SETTING)
def test_a_setting_of_a_function_that_is_gone(start, staying, way, protocol, known):
    endpoint = start(max_size=1, audit_every=0)
    with endpoint.wire() as mine, endpoint.wire() as other:
        if known:
            other.query("select staying()")
        say(mine, SETTING[way], protocol)
        assert other.value("show work_mem") == "4MB"
        assert mine.value("show work_mem") == "3MB"


@pytest.mark.parametrize("known", [False, True], ids=["never called before", "known to be harmless"])
@pytest.mark.parametrize("protocol", ["simple", "extended"])
@pytest.mark.parametrize("way", LOCK)
def test_a_lock_of_a_function_that_is_gone(start, staying, way, protocol, known):
    endpoint = start(max_size=1, audit_every=0, borrow_timeout="1s")
    with endpoint.wire() as mine, endpoint.wire() as other:
        if known:
            other.query("select staying()")
        say(mine, LOCK[way], protocol)
        assert "E(53300)" in other.ask(m.Q("select 1"), timeout=30)  # it keeps its connection
        assert mine.value(HELD) == "1"
        mine.query("select pg_advisory_unlock_all()")
        assert other.value(HELD) == "0"


SEEDS = {
    "SET": "set seed = 0.5",
    "set_config": "select set_config('seed', '0.5', false)",
    "set_config until the end of the transaction": "select set_config('seed', '0.5', true)",
    "a DO block": "do $$ begin set seed = 0.5; end $$",
    "set_config in a DO block": "do $$ begin perform set_config('seed', '0.5', true); end $$",
    "bound": None,
}


@pytest.mark.parametrize("way", SEEDS)
def test_nobody_else_draws_from_a_seed(start, way):
    endpoint = start(max_size=1, audit_every=0)
    with endpoint.wire() as mine:
        if way == "bound":
            mine.ask(m.P("", "select set_config($1, $2, false)") + m.B("", "", ("seed", "0.5")) + m.E() + m.S)
        else:
            mine.query(SEEDS[way])
        first = mine.value("select random()")
    with endpoint.wire() as direct_like:
        direct_like.query("set seed = 0.5")
        assert direct_like.value("select random()") == first
    with endpoint.wire() as mine, endpoint.wire() as other:
        if way == "bound":
            mine.ask(m.P("", "select set_config($1, $2, false)") + m.B("", "", ("seed", "0.5")) + m.E() + m.S)
        else:
            mine.query(SEEDS[way])
        mine.close()
        assert other.ask(m.Q("select random() = " + first), timeout=30) == "T D(f) C(SELECT 1) Z(I)"
