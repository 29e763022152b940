"""What a server says of itself at a login, such as whether it takes writes, may change under living server connections. Clients
that only log in are told so, too: libpq's target_session_attrs decides by that."""

import psycopg2
import pytest

from harness.waiting import until

pytestmark = pytest.mark.own


def told(proxy, name):
    with proxy.wire() as wire:
        return wire.parameters[name]


def test_a_server_that_takes_writes_again_by_a_reload(own_cluster, start):
    def set_read_only(value):
        own_cluster.execute(f"alter system set default_transaction_read_only = {value}")
        own_cluster.execute("select pg_reload_conf()")
        until(lambda: own_cluster.execute("show default_transaction_read_only")[0][0] == value, "the reload")

    set_read_only("on")
    proxy = start(own_cluster, max_size=2, role_check_interval="200ms")
    with proxy.wire() as wire:
        assert wire.value("show default_transaction_read_only") == "on"
    assert told(proxy, "default_transaction_read_only") == "on"
    with pytest.raises(psycopg2.OperationalError, match="read-only"):
        psycopg2.connect(**proxy.address(), target_session_attrs="read-write")
    set_read_only("off")
    until(lambda: told(proxy, "default_transaction_read_only") == "off", "clients are told")
    psycopg2.connect(**proxy.address(), target_session_attrs="read-write").close()


def test_a_standby_that_is_promoted(own_cluster, start):
    own_cluster.stop()
    (own_cluster.data / "standby.signal").touch()
    own_cluster.start()
    proxy = start(own_cluster, max_size=2, role_check_interval="200ms")
    with proxy.wire() as wire:
        assert wire.value("select pg_is_in_recovery()") == "t"
    assert told(proxy, "in_hot_standby") == "on"
    own_cluster.execute("select pg_promote()")
    until(lambda: told(proxy, "in_hot_standby") == "off", "clients are told")
    psycopg2.connect(**proxy.address(), target_session_attrs="primary").close()


def test_what_clients_set_is_not_taken_for_the_servers(own_cluster, start):
    proxy = start(own_cluster, max_size=1, role_check_interval="100ms")
    with proxy.wire() as wire:
        before = wire.value("select pg_backend_pid()")
        wire.query("set default_transaction_read_only = on; set timezone = 'Asia/Tokyo'")
    until(lambda: "rolvaliduntil" in own_cluster.execute(f"select query from pg_stat_activity where pid = {before}")[0][0],
          "the role is asked for")
    with proxy.wire() as wire:
        assert wire.parameters["default_transaction_read_only"] == "off"
        assert wire.value("select pg_backend_pid()") == before
