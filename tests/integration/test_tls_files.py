"""Certificate files: renewed while pgweir runs, broken while it runs, and broken before it starts."""

import signal
import ssl
import subprocess

import pytest
import yaml

from harness import messages as m
from harness import tls
from harness.certificates import Pair, openssl
from harness.proxy import binary
from harness.waiting import hold, seconds, until
from harness.wire import tls_context

pytestmark = pytest.mark.own

NOTICED = 10  # pgweir looks every 2 s


@pytest.fixture
def files(certificates):
    """A pair that the test may replace."""
    return certificates.copy_of(certificates.server, "live")


@pytest.fixture
def endpoint(start, files):
    return start(max_size=1, changes=tls.listen(files))


def shown(wire):
    """The serial number of the certificate that the client has seen."""
    pem = ssl.DER_cert_to_PEM_cert(wire.sock.getpeercert(binary_form=True))
    done = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, capture_output=True, text=True, check=True)
    return done.stdout.strip().split("=")[1]


def served(endpoint):
    with endpoint.wire(tls=tls_context()) as wire:
        assert wire.value("select 1") == "1"
        return shown(wire)


def events(endpoint, name):
    return [event for event in endpoint.log_events() if event.get("event") == name]


def test_a_renewed_certificate_is_used_without_anybodys_telling(endpoint, files, certificates):
    with endpoint.wire(tls=tls_context()) as old:
        certificates.renewed.put_at(files)
        until(lambda: served(endpoint) == certificates.renewed.serial(), "the new one is shown", timeout=NOTICED)
        assert old.value("select 1") == "1", "a connection that was made with the old one lives on"
        assert shown(old) == certificates.server.serial()


def test_SIGHUP_reads_the_files_at_once(endpoint, files, certificates):
    certificates.renewed.put_at(files)
    endpoint.signal(signal.SIGHUP)
    until(lambda: events(endpoint, "reloaded"), "the configuration is read again")
    assert served(endpoint) == certificates.renewed.serial()
    assert not events(endpoint, "tls_files_reloaded"), "before the files were looked at"


def test_a_broken_pair_is_refused_and_the_old_one_stays(endpoint, files, certificates):
    """A key that belongs to another certificate: half of a renewal."""
    files.key.write_bytes(certificates.renewed.key.read_bytes())
    [refusal] = until(lambda: events(endpoint, "tls_files_refused"), "the pair is refused", timeout=NOTICED)
    assert "listen.tls.key_file: does not belong to the certificate" in refusal["problem"]
    assert served(endpoint) == certificates.server.serial()
    endpoint.signal(signal.SIGHUP)
    until(lambda: events(endpoint, "reload_refused"), "a reload is refused, too")
    assert served(endpoint) == certificates.server.serial()
    certificates.renewed.put_at(files)
    until(lambda: served(endpoint) == certificates.renewed.serial(), "the other half has come", timeout=NOTICED)


def test_a_missing_file_is_refused_and_the_old_one_stays(endpoint, files, certificates):
    files.cert.unlink()
    until(lambda: events(endpoint, "tls_files_refused"), "it is missed", timeout=NOTICED)
    assert served(endpoint) == certificates.server.serial()


def test_servers_connections_stay_when_a_clients_certificate_is_renewed(endpoint, files, certificates):
    with endpoint.wire() as wire:
        before = wire.value("select pg_backend_pid()")
        certificates.renewed.put_at(files)
        until(lambda: events(endpoint, "tls_files_reloaded"), "the files are read again", timeout=NOTICED)
        hold(lambda: wire.value("select pg_backend_pid()") == before, "the same connection to the server", 0.5)


def test_TLS_is_switched_on_and_off_by_a_reload(endpoint, files):
    endpoint.reload({"listen": {"tls": {"mode": "require"}}})
    until(lambda: len(events(endpoint, "reloaded")) == 1, "reloaded")
    with endpoint.socket() as wire:
        wire.send(m.startup([("user", "app"), ("database", "app")]))
        assert str(wire.receive()) == "E(FATAL 28000)"
    endpoint.reload({"listen": {"tls": None}})
    until(lambda: len(events(endpoint, "reloaded")) == 2, "reloaded")
    with endpoint.wire() as wire:
        assert wire.value("select 1") == "1"
    assert endpoint.metric("pgweir_tls_certificate_expiry_timestamp_seconds") == 0, "none is shown"


def expiry(pair):
    """As the openssl command says it."""
    text = openssl("x509", "-in", pair.cert, "-noout", "-enddate").strip().split("=")[1]
    return ssl.cert_time_to_seconds(text)


def test_metrics(endpoint, files, certificates):
    assert endpoint.metric("pgweir_tls_handshakes_total") == 0
    served(endpoint)
    assert endpoint.metric("pgweir_tls_handshakes_total") == 1
    with endpoint.wire() as wire:
        assert wire.value("select 1") == "1"
    assert endpoint.metric("pgweir_tls_handshakes_total") == 1, "plain text is none"
    assert endpoint.metric("pgweir_tls_handshake_failures_total") == 0
    assert endpoint.metric("pgweir_tls_certificate_expiry_timestamp_seconds") == expiry(files)
    certificates.expired.put_at(files)
    endpoint.signal(signal.SIGHUP)
    until(lambda: endpoint.metric("pgweir_tls_certificate_expiry_timestamp_seconds") == expiry(certificates.expired),
          "the metric follows the file")


# --- pgweir check


CONFIG = """listen:
  tls:
    mode: require
    cert_file: {cert}
    key_file: {key}
    client_ca_file: {ca}
databases:
  app:
    host: db.example.com
    tls:
      mode: verify-full
      ca_file: {server_ca}
users: {{app: {{password: x}}}}
"""


@pytest.fixture
def check(certificates, tmp_path):
    """Runs `pgweir check` on CONFIG with some of its files replaced; all it says about its problems."""
    def run(**replaced):
        names = {"cert": certificates.server.cert, "key": certificates.server.key, "ca": certificates.ca.cert,
                 "server_ca": certificates.ca.cert, **replaced}
        path = tmp_path / "pgweir.yaml"
        path.write_text(CONFIG.format(**names))
        yaml.safe_load(path.read_text())
        done = subprocess.run([binary(), "check", path], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=seconds(20))
        assert (done.returncode == 0) == ("ok" in done.stdout)
        return done.stderr.replace(f"{path}:", "")

    return run


def written(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def locked(certificates, path):
    """The server's key behind a passphrase, which nobody is there to type."""
    openssl("ec", "-in", certificates.server.key, "-aes128", "-passout", "pass:secret", "-out", path)
    path.chmod(0o600)
    return path


def test_check_finds_nothing_wrong_with_good_files(check):
    assert check() == ""


def test_check_warns_of_an_expired_certificate(check, certificates):
    """It is used all the same: the old one may be all there is."""
    pair = certificates.expired
    assert check(cert=pair.cert, key=pair.key) == "4: listen.tls.cert_file: warning: the certificate has expired\n"


def test_check_takes_files_that_stand_beside_the_configuration(check, certificates, tmp_path):
    certificates.server.put_at(Pair(tmp_path / "beside.crt", tmp_path / "beside.key"))
    assert check(cert="beside.crt", key="beside.key") == ""


@pytest.mark.parametrize("replace, where, text", [
    (lambda c, d: {"cert": d / "none"}, "4: listen.tls.cert_file: ", "No such file"),
    (lambda c, d: {"cert": c.server.key}, "4: listen.tls.cert_file: ", "no usable certificate in PEM"),
    (lambda c, d: {"cert": written(d / "empty", "")}, "4: listen.tls.cert_file: ", "no usable certificate in PEM"),
    (lambda c, d: {"key": c.rsa.key}, "5: listen.tls.key_file: ", "does not belong to the certificate"),
    (lambda c, d: {"key": c.renewed.key}, "5: listen.tls.key_file: ", "does not belong to the certificate"),
    (lambda c, d: {"key": locked(c, d / "locked.key")}, "5: listen.tls.key_file: ", "without a passphrase"),
    (lambda c, d: {"key": written(d / "text.key", "nonsense")}, "5: listen.tls.key_file: ", "no usable private key"),
    (lambda c, d: {"ca": written(d / "text.crt", "nonsense")}, "6: listen.tls.client_ca_file: ", "no usable certificate"),
    (lambda c, d: {"server_ca": d / "none"}, "12: databases.app.tls.ca_file: ", "No such file"),
    (lambda c, d: {"server_ca": c.server.key}, "12: databases.app.tls.ca_file: ", "no usable certificate"),
])
def test_check_names_line_and_key_of_what_is_wrong(check, certificates, tmp_path, replace, where, text):
    said = check(**replace(certificates, tmp_path))
    assert said.startswith(where) and text in said and said.count("\n") == 1, said
