"""A login whose default role is another one (ALTER ROLE ... SET role): "none" is then a choice, not the default, and
every client begins with the role of the login."""

import pytest

from harness import messages as m
from harness.waiting import until

SETUP = """do $$ begin if not exists (select from pg_roles where rolname = 'owner_of_all') then
create role owner_of_all; end if; end $$; grant owner_of_all to app2; alter role app2 set role = 'owner_of_all'"""
CLEANUP = "alter role app2 reset all; revoke owner_of_all from app2"


@pytest.fixture(scope="module")
def login(cluster):
    """Server connections that are opened from now on have it."""
    cluster.execute(SETUP, "app")
    yield
    cluster.execute(CLEANUP, "app")


@pytest.fixture(params=[1, 3])
def endpoint(request, login, shared):
    return shared(f"default{request.param}", max_size=request.param)


def who(wire):
    return wire.value("select current_user")


# What a client does, and who it is then.
WAYS = {
    "nothing": ("select 1", "owner_of_all"),
    "another setting": ("set time zone 'Asia/Tokyo'", "owner_of_all"),
    "RESET ALL": ("reset all", "owner_of_all"),
    "DISCARD ALL": ("discard all", "owner_of_all"),
    "SET ROLE NONE": ("set role none", "app2"),
    "SET ROLE to itself": ("set role app2", "app2"),
    "RESET ROLE": ("reset role", "owner_of_all"),
    "RESET ROLE after NONE": ("set role none; reset role", "owner_of_all"),
    "SET ROLE DEFAULT": ("set role none; set role to default", "owner_of_all"),
    "SET ROLE to the default": ("set role owner_of_all", "owner_of_all"),
    "DISCARD ALL after NONE": ("set role none", "app2", "discard all", "owner_of_all"),
    "RESET ALL after NONE": ("set role none; reset all", "app2"),
    "SET LOCAL ROLE NONE": ("begin; set local role none; commit", "owner_of_all"),
    "SET ROLE NONE rolled back": ("begin; set role none; rollback", "owner_of_all"),
    "SET ROLE NONE in a savepoint": ("begin; savepoint a; set role none; rollback to a; commit", "owner_of_all"),
    "SET ROLE NONE, released": ("begin; savepoint a; set role none; release a; commit", "app2"),
    "set_config": ("select set_config('role', 'none', false)", "app2"),
    "set_config, local": ("begin; select set_config('role', 'none', true); commit", "owner_of_all"),
    "DO": ("do $$ begin perform set_config('role', 'none', false);end $$", "app2"),
    "SESSION AUTHORIZATION to itself": ("set session authorization app2", "app2"),
    "SESSION AUTHORIZATION DEFAULT": ("set session authorization default", "owner_of_all"),
    "SESSION AUTHORIZATION, then RESET ROLE": ("set session authorization app2; reset role", "owner_of_all"),
    "RESET SESSION AUTHORIZATION": ("reset session authorization", "owner_of_all"),
}


STARTUP = [("options", "-c role=owner_of_all")]  # what the login gives anyway


@pytest.mark.parametrize("leave", ["stays", "terminates", "aborts", "asked for it"])
@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
@pytest.mark.parametrize("way", WAYS)
def test_every_client_begins_with_the_default_role(endpoint, cluster, way, extended, leave):
    steps = WAYS[way]
    login = {"user": "app2"}
    with endpoint.wire(**login) as before:
        assert who(before) == "owner_of_all"
    wire = endpoint.wire(**login, params=STARTUP if leave == "asked for it" else ())
    for sql, role in zip(steps[::2], steps[1::2]):
        for part in sql.split("; ") if extended else [sql]:
            heard = wire.ask(m.P("", part) + m.B() + m.E() + m.S if extended else m.Q(part))
            assert "E(" not in heard, heard
        assert who(wire) == role
        with endpoint.wire(**login) as other:
            assert who(other) == "owner_of_all"
            assert who(wire) == role
            assert who(other) == "owner_of_all"
    if leave in ("terminates", "aborts"):
        wire.terminate() if leave == "terminates" else wire.abort()
    for _ in range(3):
        with endpoint.wire(**login) as other:
            assert who(other) == "owner_of_all"
            other.query("set time zone 'Asia/Tokyo'")
            assert who(other) == "owner_of_all"
    if leave not in ("terminates", "aborts"):
        assert who(wire) == role
        wire.terminate()


def test_a_client_that_leaves_in_a_transaction_takes_its_role_along(endpoint):
    for sql in ("set role none", "set local role none", "set session authorization app2", "reset role"):
        wire = endpoint.wire(user="app2")
        wire.query(f"begin; {sql}")
        wire.abort()
        with endpoint.wire(user="app2") as other:
            assert who(other) == "owner_of_all", sql


def test_a_role_of_the_clients_own_at_its_login(endpoint):
    with endpoint.wire(user="app2", params=[("options", "-c role=none")]) as mine, endpoint.wire(user="app2") as other:
        for sql in ("select 1", "set role owner_of_all; reset role", "discard all"):
            mine.query(sql) if sql != "discard all" else mine.ask(m.Q(sql))
            assert who(mine) == "app2"
            assert who(other) == "owner_of_all"
        mine.query("reset role; set role owner_of_all")
        assert who(mine) == "owner_of_all"


@pytest.mark.own
def test_a_default_role_that_is_given_later_is_for_later_logins(start, own_cluster):
    endpoint = start(own_cluster, max_size=1)
    with endpoint.wire(user="app2") as early:
        assert who(early) == "app2"
    own_cluster.execute(SETUP, "app")
    own_cluster.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'app2'", "app")

    def is_default():
        with endpoint.wire(user="app2") as late:
            return who(late) == "owner_of_all"

    until(is_default, "new server connections have the role")
    with endpoint.wire(user="app2") as late:
        late.query("set role none")
        assert who(late) == "app2"
        late.query("reset role")
        assert who(late) == "owner_of_all"
