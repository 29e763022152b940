"""Who may come in, from where: access rules, the PROXY protocol, and users of whom only a verifier is known."""

import socket
import struct
import time

import psycopg2
import pytest

from harness import messages as m
from harness.cluster import USERS
from harness.scram import ScramClient, verifier
from harness.waiting import until
from harness.wire import EOF, LoginFailed

pytestmark = pytest.mark.own

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")


def header(source="192.0.2.7", port=4321, local=False):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    body = socket.inet_pton(family, source) * 2 + struct.pack("!HH", port, 6432)
    return SIGNATURE + bytes([0x20 if local else 0x21, 0x21 if ":" in source else 0x11]) + struct.pack("!H", len(body)) + body


def refused(endpoint, user="app", database="app", first=b""):
    with endpoint.socket() as wire:
        wire.send(first)
        with pytest.raises(LoginFailed) as caught:
            wire.login(user, database, USERS[user])
        return caught.value.answer


def test_the_first_rule_that_fits_decides(start):
    proxy = start(changes={"access": [{"allow": False, "users": ["app2"]}, {"networks": ["127.0.0.0/8"], "databases": ["app"]}]})
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"
    for user, database in (("app2", "app"), ("app", "other")):
        answer = refused(proxy, user, database)
        assert answer.sqlstate == "28000"
        assert answer.text == f'no access rule admits user "{user}" to database "{database}" from this address, no encryption'
    assert proxy.metric("pgweir_clients_ended_total", reason="no_access_rule") == 2


def admits(endpoint):
    try:
        endpoint.wire().terminate()
        return True
    except LoginFailed as failed:
        assert failed.answer.sqlstate == "28000"
        return False


def test_rules_are_taken_up_by_a_reload(start):
    proxy = start()
    with proxy.wire() as old:
        proxy.reload({"access": [{"networks": ["192.0.2.0/24"]}]})
        until(lambda: not admits(proxy), "the rule is in force")
        assert old.value("select 1") == "1", "who is in stays in"
        proxy.reload({"access": None})
        until(lambda: admits(proxy), "the rule is gone")


@pytest.fixture
def behind(start):
    """pgweir behind a load balancer: what comes from this machine begins with a header."""
    return start(changes={"listen": {"proxy_protocol": "v2", "proxy_sources": ["127.0.0.0/8"]},
                          "access": [{"networks": ["192.0.2.0/24", "2001:db8::/32"]}], "log": {"level": "debug"}})


@pytest.mark.parametrize("how", ["whole", "halves", "bytes"])
@pytest.mark.parametrize("source", ["192.0.2.7", "2001:db8::7"])
def test_the_header_names_the_client(behind, source, how):
    with behind.socket() as wire:
        wire.send(header(source), how)
        wire.login("app", "app", USERS["app"])
        assert wire.value("select 1") == "1"
    assert f'"peer":"{source}:4321"' in behind.log_text()


def test_the_header_and_the_first_packet_in_one_write(behind):
    with behind.socket() as wire:
        wire.send(header() + m.startup([("user", "app"), ("database", "app")]))
        wire.authenticate("app", USERS["app"])
        assert wire.value("select 1") == "1"


def test_rules_see_the_client_behind_the_balancer(behind):
    assert refused(behind, first=header("198.51.100.1")).sqlstate == "28000"


def test_a_balancer_that_speaks_for_itself_is_where_it_is(behind):
    """A health check: no address of a client, so that no rule admits it, and no alarm."""
    assert refused(behind, first=header(local=True)).sqlstate == "28000"
    with behind.socket() as wire:
        wire.send(header(local=True))
        wire.close()


def test_whoever_must_send_a_header_and_does_not_is_refused(behind):
    with behind.socket() as wire:
        wire.send(m.startup([("user", "app"), ("database", "app")]))
        answer = wire.until_eof()
        assert answer[0].sqlstate == "08P01" and answer[0].text == "expected a header of the PROXY protocol, version 2"


@pytest.mark.parametrize("changes", [{}, {"listen": {"proxy_protocol": "v2", "proxy_sources": ["192.0.2.1"]}}],
                         ids=["off", "from others only"])
def test_nobody_else_may_send_one(start, changes):
    """It would choose its own address, and so the rules that it falls under."""
    proxy = start(changes=changes)
    with proxy.socket() as wire:
        wire.send(header() + m.startup([("user", "app"), ("database", "app")]))
        answer = wire.until_eof()
        assert answer[-1] is EOF and answer[0].sqlstate == "08P01"
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"


@pytest.fixture
def verified(start, cluster):
    """pgweir that knows no password, but the server's own verifier of it."""
    stored, = cluster.execute("select rolpassword from pg_authid where rolname = 'app'")[0]
    return start(changes={"users": {"app": {"password": None, "scram_verifier": stored}},
                          "databases": {"app": {"users": ["app"]}, "other": {"users": ["app"]}}})


def test_a_verifier_is_enough(verified):
    with psycopg2.connect(**verified.address()) as connection, connection.cursor() as cursor:
        cursor.execute("select current_user, 42")
        assert cursor.fetchone() == ("app", 42)
    with verified.wire() as wire, verified.wire() as listener:
        listener.query("listen verified")
        wire.query("notify verified")
        assert str(listener.receive()).startswith("A(verified")


def test_a_verifier_keeps_out_a_wrong_password(verified):
    with verified.socket() as wire:
        with pytest.raises(LoginFailed) as caught:
            wire.login("app", "app", "wrong")
        assert caught.value.answer.sqlstate == "28P01"


def test_a_verifier_that_is_not_the_servers_opens_nothing(start):
    """Clients get in, and are told that the server does not."""
    proxy = start(changes={
        "users": {"app": {"password": None, "scram_verifier": verifier(USERS["app"], b"another salt....")}},
        "databases": {"app": {"users": ["app"]}, "other": {"users": ["app"]}}})
    answer = refused(proxy)
    assert answer.sqlstate == "57P03" and "scram_verifier that is not the server's" in answer.text


def test_whoever_guesses_waits_and_nobody_else(start):
    """The first three mistakes cost nothing, the fourth 100 ms. The right password is not held up behind them."""
    proxy = start(changes={"timeouts": {"failed_login": "1h"}})
    took = []
    for _ in range(5):
        with proxy.socket() as wire:
            began = time.monotonic()
            with pytest.raises(LoginFailed) as caught:
                wire.login("app", "app", "wrong")
            took.append(time.monotonic() - began)
            assert caught.value.answer.sqlstate == "28P01"
    assert took[3] >= 0.1 and took[4] >= 0.2
    doomed = [proxy.socket() for _ in range(12)]
    for wire in doomed:
        wire.send(m.startup([("user", "app"), ("database", "app")]))
        wire.receive()
        scram = ScramClient("wrong")
        first = scram.first()
        wire.send(m.p(m.cstr(scram.mechanism) + struct.pack("!i", len(first)) + first))
        wire.send(m.p(scram.final(wire.receive().body[4:])))
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"
    for wire in doomed:
        wire.close()
