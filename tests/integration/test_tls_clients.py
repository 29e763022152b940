"""TLS towards clients: who gets it, who must have it, and what is refused."""

import os
import shutil
import signal
import ssl
import subprocess

import psycopg2
import pytest

from harness import messages as m
from harness import tls
from harness.cluster import BIN, USERS
from harness.scram import ScramClient
from harness.waiting import seconds, until
from harness.wire import EOF, LoginFailed, tls_context

pytestmark = pytest.mark.own

WHO = [("user", "app"), ("database", "app")]
BINDS = "p=tls-server-end-point,,"


@pytest.fixture
def serve(shared, certificates):
    """Factory of proxies: serve() has TLS for who wants it."""
    def factory(mode="prefer", pair="server", **more):
        key = "-".join([mode, pair, *more])
        changes = tls.listen(getattr(certificates, pair), mode, **more) if mode != "disable" else {}
        return shared(key, max_size=2, changes=changes)

    return factory


@pytest.fixture
def prefer(serve):
    return serve()


def by_psycopg2(endpoint, **options):
    """Does the connection go through TLS? None: it was refused."""
    try:
        connection = endpoint.psycopg2(**options)
    except psycopg2.OperationalError as error:
        return str(error)
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    try:
        return connection.info.ssl_in_use
    finally:
        connection.close()


def by_psql(endpoint, **options):
    environment = {**endpoint.environment(), **{"PG" + name.upper(): str(value) for name, value in options.items()}}
    done = subprocess.run([shutil.which("psql"), "-X", "-c", "\\conninfo"], env=environment, capture_output=True,
                          text=True, timeout=seconds(20))
    return done.stderr if done.returncode else "SSL connection (protocol: TLSv1.3" in done.stdout


TABLE = {
    ("disable", "disable"): False, ("disable", "prefer"): False,
    ("disable", "require"): "server does not support SSL", ("disable", "verify-full"): "server does not support SSL",
    ("prefer", "disable"): False, ("prefer", "prefer"): True, ("prefer", "require"): True,
    ("prefer", "verify-full"): True,
    ("require", "disable"): "no encryption: pgweir takes connections with TLS only", ("require", "prefer"): True,
    ("require", "require"): True, ("require", "verify-full"): True,
}


@pytest.mark.parametrize("client", [by_psycopg2, by_psql])
@pytest.mark.parametrize("mode, sslmode", TABLE)
def test_who_gets_TLS(serve, certificates, client, mode, sslmode):
    """listen.tls.mode against the client's sslmode."""
    found, expected = client(serve(mode), sslmode=sslmode, sslrootcert=certificates.ca.cert), TABLE[mode, sslmode]
    assert expected in found if isinstance(expected, str) else found is expected


@pytest.mark.parametrize("pair", ["server", "rsa", "sha384"])
def test_kinds_of_certificates_and_channel_binding(serve, certificates, pair):
    """The data of the binding are the certificate's hash by the algorithm that signed it, on both sides."""
    found = by_psycopg2(serve(pair=pair), sslmode="verify-full", sslrootcert=certificates.ca.cert,
                        channel_binding="require")
    assert found is True


def test_channel_binding_cannot_be_had_in_plain_text(prefer):
    found = by_psycopg2(prefer, sslmode="disable", channel_binding="require")
    assert "channel binding" in found


@pytest.mark.parametrize("pair, ca, host, complaint", [
    ("server", "other_ca", "localhost", "certificate verify failed"),
    ("by_other", "ca", "localhost", "certificate verify failed"),
    ("expired", "ca", "localhost", "certificate verify failed"),
    ("wrong_name", "ca", "localhost", 'does not match host name "localhost"'),
    ("wrong_name", "ca", "127.0.0.1", 'does not match host name "127.0.0.1"'),
])
def test_a_client_that_verifies_refuses(serve, certificates, pair, ca, host, complaint):
    endpoint = serve(pair=pair)
    failures = endpoint.metric("pgweir_tls_handshake_failures_total")
    found = by_psycopg2(endpoint, host=host, hostaddr="127.0.0.1", sslmode="verify-full",
                        sslrootcert=getattr(certificates, ca).cert)
    assert complaint in found
    if pair != "wrong_name":  # which libpq finds out after the handshake
        until(lambda: endpoint.metric("pgweir_tls_handshake_failures_total") == failures + 1, "the failure is counted")


# --- What must be encrypted


def test_require_refuses_plain_text_before_any_password_is_asked_for(serve):
    with serve("require").socket() as wire:
        wire.send(m.startup(WHO))
        answer = wire.receive()
        assert str(answer) == "E(FATAL 28000)" and "TLS only" in answer.text
        assert wire.receive() is EOF


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_cancel_request_is_taken_either_way(serve, admin, encrypted):
    """libpq before 17 never encrypts it."""
    endpoint = serve("require")
    with endpoint.wire(tls=tls_context()) as wire:
        wire.send(m.Q("select pg_sleep(30)"))
        until(lambda: sleeps(admin), "the query runs")
        with endpoint.socket() as other:
            if encrypted:
                other.start_tls()
            other.send(m.cancel_request(wire.pid, wire.secret))
            assert other.receive() is EOF
        assert " ".join(str(x) for x in wire.until_ready()) == "T E(57014) Z(I)"
        assert wire.value("select 1") == "1"


def sleeps(admin):
    with admin.cursor() as cursor:
        cursor.execute("select 1 from pg_stat_activity where state = 'active' and query = 'select pg_sleep(30)'")
        return cursor.fetchone()


# --- Negotiation


def test_direct_TLS(prefer):
    with prefer.socket() as wire:
        wire.start_tls(direct=True).login("app", "app", USERS["app"])
        assert wire.sock.selected_alpn_protocol() == "postgresql"
        assert wire.value("select 1") == "1"


def test_direct_TLS_of_libpq(serve, cluster, certificates):
    """By the libpq that belongs to the server under test."""
    if cluster.version() < 17:
        pytest.skip("since version 17")
    dsn = {**serve("require").address(), "sslmode": "verify-full", "sslrootcert": str(certificates.ca.cert),
           "sslnegotiation": "direct", "channel_binding": "require"}
    program = f"import psycopg2; c = psycopg2.connect(**{dsn!r}); print(c.info.ssl_in_use, c.info.ssl_attribute('protocol'))"
    done = subprocess.run(["/usr/bin/python3", "-c", program], capture_output=True, text=True, timeout=seconds(20),
                          env={**os.environ, "LD_LIBRARY_PATH": str(BIN.parent / "lib")})
    assert done.stdout == "True TLSv1.3\n", done.stderr


def test_direct_TLS_without_the_protocols_name_is_closed(prefer):
    """What is meant for another service must not be taken for a client's (ALPACA)."""
    failures = prefer.metric("pgweir_tls_handshake_failures_total")
    with prefer.socket() as wire:
        wire.start_tls(tls_context(alpn=()), direct=True)
        assert wire.receive() is EOF
    assert prefer.metric("pgweir_tls_handshake_failures_total") == failures + 1


@pytest.mark.parametrize("direct", [False, True])
def test_another_protocols_name_is_refused(prefer, direct):
    with prefer.socket() as wire, pytest.raises(ssl.SSLError, match="no application protocol"):
        wire.start_tls(tls_context(alpn=["http/1.1", "h2"]), direct)


def test_one_of_several_names_is_chosen(prefer):
    with prefer.wire(tls=tls_context(alpn=["h2", "postgresql"])) as wire:
        assert wire.sock.selected_alpn_protocol() == "postgresql"


def test_a_server_without_TLS_takes_no_ClientHello(serve):
    with serve("disable").socket() as wire:
        wire.send(tls.client_hello(tls_context()))
        assert str(wire.receive()) == "E(FATAL 08P01)"


def test_SSLRequest_and_GSSENCRequest_come_once_each(prefer):
    with prefer.socket() as wire:
        wire.send(m.GSSENC_REQUEST)
        assert wire.read_exactly(1) == b"N"
        wire.start_tls().login("app", "app", USERS["app"])
        assert wire.value("select 1") == "1"


@pytest.mark.parametrize("request_", [m.SSL_REQUEST, m.GSSENC_REQUEST])
def test_no_request_for_encryption_inside_TLS(prefer, request_):
    with prefer.socket() as wire:
        wire.start_tls()
        wire.send(request_)
        answer = wire.receive()
        assert str(answer) == "E(FATAL 08P01)" and "twice" in answer.text


def test_no_ClientHello_inside_TLS(prefer):
    with prefer.socket() as wire:
        wire.start_tls()
        wire.send(tls.client_hello(tls_context()))
        assert str(wire.receive()) == "E(FATAL 08P01)"


@pytest.mark.parametrize("more", [b"\0", m.startup(WHO), m.SSL_REQUEST])
def test_plain_text_behind_SSLRequest_is_refused(prefer, more):
    """CVE-2021-23214: it would be taken for what the client said inside TLS."""
    with prefer.socket() as wire:
        wire.send(m.SSL_REQUEST + more)
        answer = wire.receive()
        assert str(answer) == "E(FATAL 08P01)" and "unencrypted data after SSL request" in answer.text
        assert wire.receive() is EOF


def test_plain_text_in_place_of_a_handshake_is_refused(prefer):
    with prefer.socket() as wire:
        wire.send(m.SSL_REQUEST)
        assert wire.read_exactly(1) == b"S"
        wire.send(m.startup(WHO))
        assert wire.receive() is EOF
    until(lambda: "wrong version number" in prefer.log_text(), "the log tells why")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(prefer, version):
    with prefer.wire(tls=tls_context(version=version)) as wire:
        assert wire.sock.version() == version.name.replace("_", ".")
        assert wire.value("select 1") == "1"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_TLS_1_1_is_refused(prefer):
    with prefer.socket() as wire, pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        wire.start_tls(tls_context(version=ssl.TLSVersion.TLSv1_1))
    until(lambda: "unsupported protocol" in prefer.log_text(), "the log tells why")


# --- Channel binding


def scram_login(wire, **options):
    wire.login("app", "app", scram=ScramClient(USERS["app"], **options))
    return wire.value("select 1")


def test_PLUS_is_offered_first_and_taken(prefer):
    with prefer.socket() as wire:
        wire.start_tls()
        assert scram_login(wire, gs2=BINDS, binding=wire.end_point()) == "1"
        assert wire.heard[0].body[4:] == b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"


def test_PLUS_is_not_offered_in_plain_text(prefer):
    with prefer.wire() as wire:
        assert wire.heard[0].body[4:] == b"SCRAM-SHA-256\0\0"


def test_a_client_that_cannot_bind_need_not(prefer):
    with prefer.socket() as wire:
        wire.start_tls()
        assert scram_login(wire, gs2="n,,") == "1"


REFUSED = {
    "told that we cannot bind": (dict(gs2="y,,"), "28000", "channel binding negotiation error"),
    "bound to another certificate": (dict(gs2=BINDS, binding=bytes(32)), "28000", "channel binding check failed"),
    "bound to nothing": (dict(gs2=BINDS, binding=b""), "28000", "channel binding check failed"),
    "bound to something else": (dict(gs2="p=tls-unique,,", binding=bytes(12)), "08P01", "malformed SCRAM"),
    "PLUS without binding": (dict(mechanism="SCRAM-SHA-256-PLUS"), "08P01", "malformed SCRAM"),
    "binding without PLUS": (dict(gs2=BINDS, mechanism="SCRAM-SHA-256"), "08P01", "malformed SCRAM"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bindings_that_are_refused(prefer, case):
    options, sqlstate, text = REFUSED[case]
    with prefer.socket() as wire, pytest.raises(LoginFailed) as failure:
        wire.start_tls()
        scram_login(wire, **options)
    assert str(failure.value.answer) == f"E(FATAL {sqlstate})" and text in failure.value.answer.text


def test_PLUS_without_TLS_is_refused(prefer):
    with prefer.socket() as wire, pytest.raises(LoginFailed) as failure:
        scram_login(wire, gs2=BINDS, binding=bytes(32))
    assert str(failure.value.answer) == "E(FATAL 08P01)"


def test_a_wrong_password_is_refused_with_binding_as_without(prefer):
    for user in ("app", "nobody"):
        with prefer.socket() as wire, pytest.raises(LoginFailed) as failure:
            wire.start_tls()
            wire.login(user, "app", scram=ScramClient("wrong", gs2=BINDS, binding=wire.end_point()))
        assert str(failure.value.answer) == "E(FATAL 28P01)"


# --- Clients that must show a certificate


def test_client_certificates(serve, certificates):
    endpoint = serve("require", client_ca_file=certificates.ca.cert)
    with endpoint.wire(tls=tls_context(client=certificates.client)) as wire:
        assert wire.value("select 1") == "1"
    pair = certificates.client
    assert by_psycopg2(endpoint, sslmode="require", sslcert=pair.cert, sslkey=pair.key) is True


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("client, alert, logged", [
    (None, "(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)", "peer did not return a certificate"),
    ("client_by_other", "UNKNOWN_CA", "unable to get local issuer certificate"),
    ("server", "UNSUPPORTED_CERTIFICATE", "unsuitable certificate purpose"),
])
def test_client_certificates_that_are_refused(serve, certificates, version, client, alert, logged):
    """With TLS 1.3 the client hears of it when it reads for the first time."""
    endpoint = serve("require", client_ca_file=certificates.ca.cert)
    context = tls_context(version=version, client=client and getattr(certificates, client))
    with endpoint.socket() as wire, pytest.raises(ssl.SSLError, match=alert):
        wire.start_tls(context)
        wire.send(m.startup(WHO))
        wire.receive()
    until(lambda: logged in endpoint.log_text(), "the log tells why")


# --- Clients that stay behind in a handshake


def begin_handshake(endpoint, share=0.5):
    wire = endpoint.socket()
    wire.send(m.SSL_REQUEST)
    assert wire.read_exactly(1) == b"S"
    hello = tls.client_hello(tls_context())
    wire.send(hello[:int(len(hello) * share)])
    return wire


def ended(endpoint, reason):
    return endpoint.metric("pgweir_clients_ended_total", reason=reason)


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_handshake_that_stalls_is_closed_in_time(serve, share):
    endpoint = serve(handshake_timeout=f"{int(seconds(300))}ms")
    before = ended(endpoint, "tls_failed")
    with begin_handshake(endpoint, share) as wire:
        assert wire.receive() is EOF
    assert ended(endpoint, "tls_failed") == before + 1


@pytest.mark.parametrize("share", [0.5, 1])
@pytest.mark.parametrize("leave", ["close", "abort"])
def test_a_client_that_vanishes_in_a_handshake(prefer, share, leave):
    before = prefer.metric("pgweir_tls_handshake_failures_total")
    getattr(begin_handshake(prefer, share), leave)()
    until(lambda: prefer.metric("pgweir_tls_handshake_failures_total") == before + 1, "the failure is counted")
    until(lambda: prefer.metric("pgweir_clients") == 0, "nothing of it is left")


def test_a_drain_closes_a_client_in_a_handshake(start, certificates):
    endpoint = start(max_size=1, changes=tls.listen(certificates.server))
    with begin_handshake(endpoint) as wire:
        until(lambda: endpoint.metric("pgweir_clients") == 1, "it has been accepted")
        endpoint.signal(signal.SIGTERM)
        assert wire.receive() is EOF
    assert endpoint.process.wait(seconds(5)) == 0
