"""TLS towards database servers: what each mode takes and refuses, and that nothing is ever said in plain text that must
not be."""

import io

import pytest

from harness import messages as m
from harness.cluster import CANARY, Cluster
from harness.intruder import Intruder, Pretender, TlsPretender
from harness.link import Link
from harness.relay import Relay
from harness.waiting import repetitions, seconds, until
from harness.wire import LoginFailed, Wire

pytestmark = pytest.mark.own

ENCRYPTED = bytes([0x14, 0x15, 0x16, 0x17])  # the types of TLS's records
ACCESS = """
hostssl all app2 127.0.0.1/32 scram-sha-256 clientcert=verify-full
host all app2 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
"""


class TlsCluster(Cluster):
    """A server whose TLS a test may change."""

    def show(self, pair, ca):
        """Uses this certificate from now on; None: no TLS."""
        if pair is not None:
            copy = pair.for_postgres(self.directory)
            self.execute(f"alter system set ssl_cert_file = '{copy.cert}'")
            self.execute(f"alter system set ssl_key_file = '{copy.key}'")
            self.execute(f"alter system set ssl_ca_file = '{ca.cert}'")
        self.execute(f"alter system set ssl = {'off' if pair is None else 'on'}")
        self.execute("select pg_reload_conf()")
        until(lambda: self.shown() == (pair and pair.der()), "the server shows another certificate")

    def shown(self):
        wire = Wire(self.host, self.port)
        try:
            return wire.start_tls().sock.getpeercert(binary_form=True)
        except AssertionError:
            return None
        finally:
            wire.close()


@pytest.fixture(scope="module")
def tls_cluster(certificates):
    server = TlsCluster()
    (server.data / "pg_hba.conf").write_text(ACCESS)
    server.show(certificates.server, certificates.ca)
    yield server
    server.remove()


@pytest.fixture
def show(tls_cluster, certificates):
    """Factory: show('expired') or show(None); the usual certificate comes back afterwards."""
    def change(name):
        tls_cluster.show(name and getattr(certificates, name), certificates.ca)

    yield change
    change("server")


def to_server(mode, port=None, host="127.0.0.1", **more):
    """Configuration of TLS towards the server, through a relay if a port is given."""
    entry = {"host": host, "tls": {"mode": mode, **{key: str(value) for key, value in more.items()}}}
    if port is not None:
        entry["port"] = port
    return {"databases": {"app": {**entry, "users": ["app"]}, "other": None}}


@pytest.fixture
def serve(start, tls_cluster):
    def factory(mode, wait_ready=True, size=1, **more):
        return start(cluster=tls_cluster, wait_ready=wait_ready, max_size=size, changes=to_server(mode, **more))

    return factory


def encryption(wire):
    return wire.query("select ssl, version from pg_stat_ssl where pid = pg_backend_pid()")[0]


def is_secret(flights):
    """Was anything said in plain text but that TLS is wanted?"""
    joined = b"".join(flights)
    return bool(joined) and CANARY.encode() not in joined and b"user\0" not in joined and \
        all(flight == m.SSL_REQUEST or flight[0] in ENCRYPTED for flight in flights)


@pytest.mark.parametrize("mode, encrypted", [("disable", False), ("prefer", True), ("require", True),
                                             ("verify-ca", True), ("verify-full", True)])
def test_modes(serve, tls_cluster, certificates, mode, encrypted):
    more = {"ca_file": certificates.ca.cert} if mode.startswith("verify") else {}
    with Relay(tls_cluster.host, tls_cluster.port) as relay:
        endpoint = serve(mode, port=relay.port, **more)
        with endpoint.wire() as wire:
            assert encryption(wire) == (["t", "TLSv1.3"] if encrypted else ["f", None])
        assert is_secret(relay.take_flights()) is encrypted
        endpoint.stop()


@pytest.mark.parametrize("pair", ["rsa", "sha384"])
def test_kinds_of_certificates(serve, show, certificates, pair):
    show(pair)
    with serve("verify-full", ca_file=certificates.ca.cert).wire() as wire:
        assert encryption(wire)[0] == "t"


def test_a_name_instead_of_an_address(serve, certificates):
    with serve("verify-full", host="localhost", ca_file=certificates.ca.cert).wire() as wire:
        assert encryption(wire)[0] == "t"


def test_prefer_goes_on_without_TLS_where_there_is_none(serve, show):
    show(None)
    with serve("prefer").wire() as wire:
        assert encryption(wire)[0] == "f"


def test_verify_ca_and_require_take_what_they_should(serve, show, certificates):
    show("wrong_name")
    with serve("verify-ca", ca_file=certificates.ca.cert).wire() as wire:
        assert encryption(wire)[0] == "t"
    show("by_other")
    with serve("require").wire() as wire:
        assert encryption(wire)[0] == "t"


@pytest.mark.parametrize("mode, shown, ca, complaint", [
    ("require", None, None, "the server offers none, and tls.mode require demands it"),
    ("verify-ca", None, "ca", "the server offers none, and tls.mode verify-ca demands it"),
    ("verify-full", None, "ca", "the server offers none, and tls.mode verify-full demands it"),
    ("verify-ca", "by_other", "ca", "certificate not accepted: unable to get local issuer certificate"),
    ("verify-full", "by_other", "ca", "certificate not accepted: unable to get local issuer certificate"),
    ("verify-full", "server", "other_ca", "certificate not accepted: self-signed certificate in certificate chain"),
    ("verify-full", "server", None, "certificate not accepted: self-signed certificate in certificate chain"),
    ("verify-ca", "expired", "ca", "certificate not accepted: certificate has expired"),
    ("verify-full", "expired", "ca", "certificate not accepted: certificate has expired"),
    ("verify-full", "wrong_name", "ca", "certificate not accepted: IP address mismatch"),
])
def test_servers_that_are_refused(serve, show, tls_cluster, certificates, mode, shown, ca, complaint):
    """Never by a silent fall back: the server hears no name of a user, and log and client hear why."""
    show(shown)
    more = {"ca_file": getattr(certificates, ca).cert} if ca else {}
    with Relay(tls_cluster.host, tls_cluster.port) as relay:
        endpoint = serve(mode, wait_ready=False, port=relay.port, **more)
        until(lambda: complaint in endpoint.log_text(), "the log tells why")
        with pytest.raises(LoginFailed) as failure:
            endpoint.wire()
        assert str(failure.value.answer) == "E(FATAL 57P03)" and complaint in failure.value.answer.text
        assert is_secret(relay.take_flights())
        endpoint.stop()


def test_a_name_that_is_not_in_the_certificate(serve, show, certificates):
    show("wrong_name")
    endpoint = serve("verify-full", wait_ready=False, host="localhost", ca_file=certificates.ca.cert)
    until(lambda: "certificate not accepted: hostname mismatch" in endpoint.log_text(), "the log tells why")


def test_a_server_that_is_put_right_is_used(serve, show, certificates):
    """A refusal is not for ever."""
    show("expired")
    endpoint = serve("verify-full", wait_ready=False, ca_file=certificates.ca.cert)
    until(lambda: "certificate has expired" in endpoint.log_text(), "the log tells why")
    show("server")
    until(endpoint.ready, "pgweir is ready", timeout=20)
    with endpoint.wire() as wire:
        assert encryption(wire)[0] == "t"


@pytest.mark.parametrize("answer, complaint", [
    (b"S" + b"Z\0\0\0\5I", "unencrypted data after its answer"),
    (b"N" + b"R\0\0\0\x08\0\0\0\0", "unencrypted data after its answer"),
    (m.message(b"E", b"SFATAL\0C53300\0Msorry\0\0"), "answered the request for TLS by an error"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "this is no PostgreSQL server"),
    (b"S" * 1, "TLS: "),  # and then nothing
    (b"", "TLS: the server did not answer in time"),
])
@pytest.mark.parametrize("mode", ["prefer", "require"])
def test_servers_that_are_none(start, tls_cluster, mode, answer, complaint):
    """CVE-2021-23222: what comes in plain text behind the answer must not count as said inside TLS. What a server says
    that has not proved who it is reaches nobody."""
    with Pretender(answer) as server:
        endpoint = start(cluster=tls_cluster, wait_ready=False, max_size=1, connect_timeout="1s",
                         changes=to_server(mode, port=server.port))
        until(lambda: complaint in endpoint.log_text(), "the log tells why")
        assert is_secret([heard[:8] for heard in server.heard]) and "sorry" not in endpoint.log_text()
        assert all(not heard[8:] or heard[8] in ENCRYPTED for heard in server.heard)
        endpoint.stop()


# --- SCRAM-SHA-256-PLUS


def strip_plus(data):
    """What somebody in between would do who wants to be taken for the server."""
    without = data.replace(b"SCRAM-SHA-256-PLUS\0", b"")
    return without if without == data else without[:1] + (len(without) - 1).to_bytes(4, "big") + without[5:]


@pytest.mark.parametrize("change, complaint", [
    (lambda data: data, "channel binding check failed"),
    (strip_plus, "channel binding negotiation error"),
])
def test_somebody_in_between_is_found_out_by_channel_binding(serve, tls_cluster, certificates, change, complaint):
    """With mode require nobody looks at the certificate; the login does."""
    with Intruder((tls_cluster.host, tls_cluster.port), certificates.by_other, change) as intruder:
        endpoint = serve("require", wait_ready=False, port=intruder.port)
        until(lambda: complaint in endpoint.log_text(), "the server has refused the login")
        assert not endpoint.ready()
        endpoint.stop()


def test_a_session_is_resumed_where_the_server_lets_it(serve, certificates):
    """PostgreSQL does not; what stands in front of it may."""
    with TlsPretender(certificates.server) as server:
        endpoint = serve("verify-full", wait_ready=False, port=server.port, ca_file=certificates.ca.cert)
        until(lambda: True in server.resumed, "a session is resumed")
        assert server.resumed[0] is False
        endpoint.stop()


# --- Certificates of ours


def with_app2(certificates, client):
    tls = {"mode": "verify-full", "ca_file": str(certificates.ca.cert)}
    if client is not None:
        tls.update(cert_file=str(client.cert), key_file=str(client.key))
    return {"databases": {"app": {"users": ["app2"], "tls": tls}, "other": None}}


def test_our_certificate_is_shown_to_a_server_that_asks_for_it(start, tls_cluster, certificates):
    client = certificates.ca.client("app2", user="app2")
    with start(cluster=tls_cluster, max_size=1, changes=with_app2(certificates, client)).wire("app2") as wire:
        assert wire.query("select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()") == [["t", "/CN=app2"]]


@pytest.mark.parametrize("client, complaint", [
    (None, "connection requires a valid client certificate"),
    ("client", "authentication failed"),  # it is made for another user
    ("client_by_other", "TLS: tlsv1 alert unknown ca"),
])
def test_a_certificate_of_ours_that_the_server_refuses(start, tls_cluster, certificates, client, complaint):
    pair = client and getattr(certificates, client)
    endpoint = start(cluster=tls_cluster, wait_ready=False, max_size=1, changes=with_app2(certificates, pair))
    until(lambda: complaint in endpoint.log_text(), "the log tells why")
    with pytest.raises(LoginFailed) as failure:
        endpoint.wire("app2")
    assert complaint in failure.value.answer.text


# --- The pool behind TLS


@pytest.fixture
def secured(serve, certificates):
    return lambda **more: serve("verify-full", ca_file=certificates.ca.cert, **more)


def test_a_cancel_goes_through_TLS(secured, tls_cluster):
    with Relay(tls_cluster.host, tls_cluster.port) as relay:
        endpoint = secured(port=relay.port)
        with endpoint.wire() as wire:
            wire.send(m.Q("select pg_sleep(30)"))
            until(lambda: tls_cluster.execute("select 1 from pg_stat_activity where query = 'select pg_sleep(30)' "
                                              "and state = 'active'"), "the query runs")
            endpoint.cancel(wire)
            assert " ".join(str(x) for x in wire.until_ready()) == "T E(57014) Z(I)"
            assert wire.value("select 1") == "1"
        assert endpoint.metric("pgweir_cancels_forwarded_total") == 1
        assert is_secret(relay.take_flights())
        endpoint.stop()


def test_listen(secured):
    endpoint = secured(size=2)
    with endpoint.wire() as listener, endpoint.wire() as other:
        assert listener.ask(m.Q("listen news")) == "C(LISTEN) Z(I)"
        other.query("notify news, 'read all about it'")
        assert str(listener.receive()) == "A(news,read all about it)"


def test_prepared_statements_of_clients_that_share(secured):
    endpoint = secured()
    with endpoint.wire() as one, endpoint.wire() as two:
        for wire, text in ((one, "one"), (two, "two")):
            assert wire.ask(m.P("s", f"select '{text}'") + m.S) == "1 Z(I)"
        for _ in range(3):
            for wire, text in ((one, "one"), (two, "two")):
                assert wire.ask(m.B("", "s") + m.E() + m.S) == f"2 D({text}) C(SELECT 1) Z(I)"


@pytest.mark.parametrize("cut", [{}, {"bite": 7}, {"narrow": 2304}])
def test_large_copies_both_ways(secured, tls_cluster, cut):
    """Also over a link that passes on little at a time."""
    count = repetitions(100_000) if not cut else 2_000
    lines = "".join(f"{number}\tv{number:060d}\n" for number in range(count))
    link = Link(tls_cluster.host, tls_cluster.port, **cut)
    try:
        endpoint = secured(port=link.port)
        connection = endpoint.psycopg2()
        with connection, connection.cursor() as cursor:
            cursor.execute("create temp table tls_copy (id int, v text)")
            cursor.copy_expert("copy tls_copy from stdin", io.StringIO(lines))
            out = io.StringIO()
            cursor.copy_expert("copy (select * from tls_copy order by id) to stdout", out)
            assert out.getvalue() == lines
        connection.close()
        endpoint.stop()
    finally:
        link.close()


def test_a_server_that_is_started_again(secured, tls_cluster):
    """What breaks in the middle of a handshake is a server that stops, not one that is refused."""
    endpoint = secured(size=2)
    with endpoint.wire() as wire:
        before = wire.value("select pg_backend_pid()")
        tls_cluster.stop()
        tls_cluster.start()
        until(lambda: endpoint.metric("pgweir_backends", state="idle") > 0, "there is a new connection", timeout=20)
        assert wire.value("select pg_backend_pid()", seconds(10)) != before
        assert encryption(wire)[0] == "t"


def test_a_changed_ca_file_makes_new_connections(start, tls_cluster, certificates, tmp_path):
    ca = tmp_path / "ca.crt"
    ca.write_bytes(certificates.ca.cert.read_bytes())
    endpoint = start(cluster=tls_cluster, max_size=1, changes=to_server("verify-full", ca_file=ca))
    with endpoint.wire() as wire:
        before = wire.value("select pg_backend_pid()")
        ca.write_bytes(certificates.ca.cert.read_bytes() + certificates.other_ca.cert.read_bytes())
        until(lambda: wire.value("select pg_backend_pid()") != before, "the pool is made anew")
    ca.write_bytes(certificates.other_ca.cert.read_bytes())
    until(lambda: "certificate not accepted" in endpoint.log_text(), "the server's is not trusted any more")


# --- TLS without a SSLRequest


def test_direct_negotiation(serve, tls_cluster, certificates):
    if tls_cluster.version() < 17:
        pytest.skip("since PostgreSQL 17")
    with Relay(tls_cluster.host, tls_cluster.port) as relay:
        endpoint = serve("verify-full", port=relay.port, ca_file=certificates.ca.cert, negotiation="direct")
        with endpoint.wire() as wire:
            assert encryption(wire)[0] == "t"
        flights = relay.take_flights()
        assert is_secret(flights) and m.SSL_REQUEST not in flights
        endpoint.stop()


def test_direct_negotiation_with_an_old_server(serve, tls_cluster, certificates):
    if tls_cluster.version() >= 17:
        pytest.skip("it is new enough")
    endpoint = serve("verify-full", wait_ready=False, ca_file=certificates.ca.cert, negotiation="direct")
    until(lambda: "as PostgreSQL before 17 does with negotiation direct" in endpoint.log_text(), "the log tells why")


def test_direct_negotiation_with_something_else(serve, tls_cluster, certificates):
    """A server of TLS that does not name the protocol is none of PostgreSQL's."""
    with TlsPretender(certificates.server, direct=True) as server:
        endpoint = serve("verify-full", wait_ready=False, port=server.port, ca_file=certificates.ca.cert,
                         negotiation="direct")
        until(lambda: 'did not choose the protocol' in endpoint.log_text(), "the log tells why")
        assert not any(server.heard), "it was told nothing"
        endpoint.stop()
