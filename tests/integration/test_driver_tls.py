"""node-postgres, pgx and JDBC through TLS: each mode, certificates of clients, and whom they must refuse.

What each driver has no word for is not in its table: pgx 5.5 and JDBC 42.5 neither begin with TLS directly nor bind SCRAM
to the certificate. libpq's part is in test_tls_clients.py.
"""

import json
import os
import pathlib
import subprocess

import pytest

from harness import tls
from harness.certificates import openssl
from harness.cluster import USERS
from harness.waiting import seconds

pytestmark = pytest.mark.own
DRIVERS = pathlib.Path(__file__).parent / "drivers"
WITH_ALL = pytest.mark.skipif(os.environ.get("PGWEIR_TEST_ALL") != "1", reason="only with tests/run.sh --all")
JDBC = "/usr/share/java/postgresql.jar"


def run(command, timeout=60, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds(timeout), stdin=subprocess.DEVNULL,
                          **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture
def serve(shared, certificates):
    """Factory of proxies by their mode, certificate and whether they want one of their clients."""
    def factory(mode="prefer", pair="server", mutual=False):
        more = {"client_ca_file": certificates.ca.cert} if mutual else {}
        changes = tls.listen(getattr(certificates, pair), mode, **more) if mode != "disable" else {}
        return shared(f"{mode}-{pair}-{mutual}", max_size=2, changes=changes)

    return factory


@pytest.fixture(scope="module")
def node():
    modules = run([DRIVERS / "install.sh", "node"], timeout=300)

    def connect(endpoint, **wanted):
        wanted = {key: str(value) if isinstance(value, pathlib.Path) else value for key, value in wanted.items()}
        environment = {**endpoint.environment(), "NODE_PATH": modules}
        environment.pop("PGSSLMODE")
        return json.loads(run(["node", DRIVERS / "node" / "tls.js", json.dumps(wanted)], env=environment))

    return connect


def served(found, encrypted=True):
    return found.get("n") == 42 and found.get("encrypted") is encrypted


def test_node_postgres_in_each_mode(serve, node, certificates):
    ca = certificates.ca.cert
    assert served(node(serve("disable"), tls=False), encrypted=False)
    assert "does not support SSL" in node(serve("disable"), tls=True)["error"]
    assert served(node(serve("prefer"), tls=False), encrypted=False)
    assert served(node(serve("prefer"), tls=True, verify=True, ca=ca))
    assert "TLS only" in node(serve("require"), tls=False)["error"]
    assert served(node(serve("require"), tls=True, verify=True, ca=ca))


def test_node_postgres_directly_and_bound(serve, node, certificates):
    ca = certificates.ca.cert
    assert served(node(serve("require"), tls=True, verify=True, ca=ca, direct=True))
    assert served(node(serve("require"), tls=True, verify=True, ca=ca, bind=True))
    assert served(node(serve("require", "rsa"), tls=True, verify=True, ca=ca, bind=True, direct=True))


def test_node_postgres_refuses_what_it_must(serve, node, certificates):
    ca = certificates.ca.cert
    for pair, code in [("by_other", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"), ("expired", "CERT_HAS_EXPIRED"),
                       ("wrong_name", "ERR_TLS_CERT_ALTNAME_INVALID")]:
        assert node(serve("require", pair), tls=True, verify=True, ca=ca)["code"] == code
        assert served(node(serve("require", pair), tls=True)), "it does as it is told"


def test_node_postgres_shows_a_certificate(serve, node, certificates):
    proxy, mine = serve("require", mutual=True), certificates.client
    trusted = {"tls": True, "verify": True, "ca": certificates.ca.cert}
    assert served(node(proxy, **trusted, cert=mine.cert, key=mine.key))
    assert "error" in node(proxy, **trusted)
    foreign = certificates.client_by_other
    assert "error" in node(proxy, **trusted, cert=foreign.cert, key=foreign.key)


# --- pgx and JDBC speak of TLS in libpq's words

@pytest.fixture(scope="module")
def pgx(tmp_path_factory):
    program = tmp_path_factory.mktemp("pgx") / "pgx-tls"
    run(["go", "build", "-mod=readonly", "-o", program, "./tls"], cwd=DRIVERS / "pgx", timeout=600,
        env={"HOME": "/root", **os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"})

    def connect(endpoint, **options):
        words = {"host": endpoint.host, "port": endpoint.port, "user": "app", "password": USERS["app"],
                 "dbname": "app", **options}
        return json.loads(run([program, " ".join(f"{key}={value}" for key, value in words.items())]))

    return connect


@pytest.fixture(scope="module")
def jdbc(tmp_path_factory):
    classes = tmp_path_factory.mktemp("jdbc")
    run(["javac", "-cp", JDBC, "-d", classes, DRIVERS / "jdbc" / "Tls.java"], timeout=300)

    def connect(endpoint, **options):
        if "sslkey" in options:  # JDBC reads keys as DER
            der = classes / f"{pathlib.Path(options['sslkey']).stem}.pk8"
            openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in", options["sslkey"], "-out", der)
            options["sslkey"] = der
        before = endpoint.metric("pgweir_tls_handshakes_total")
        url = f"jdbc:postgresql://{endpoint.host}:{endpoint.port}/app?" + "&".join(
            f"{key}={value}" for key, value in options.items())
        said = run(["java", "-cp", f"{classes}:{JDBC}:/usr/share/java/*", "Tls", url, "app", USERS["app"]], timeout=120)
        if not said.startswith("n="):
            return {"error": said}
        return {"n": int(said[2:]), "encrypted": endpoint.metric("pgweir_tls_handshakes_total") > before}

    return connect


@WITH_ALL
@pytest.mark.parametrize("driver", ["pgx", "jdbc"])
def test_modes_in_libpqs_words(request, serve, certificates, driver):
    connect, ca = request.getfixturevalue(driver), certificates.ca.cert
    assert served(connect(serve("disable"), sslmode="prefer"), encrypted=False)
    assert "SSL" in connect(serve("disable"), sslmode="require")["error"].upper().replace("TLS", "SSL")
    assert served(connect(serve("prefer"), sslmode="disable"), encrypted=False)
    assert "TLS only" in connect(serve("require"), sslmode="disable")["error"]
    for mode in ["prefer", "require"]:
        for sslmode in ["prefer", "require", "verify-ca", "verify-full"]:
            assert served(connect(serve(mode), sslmode=sslmode, sslrootcert=ca)), (mode, sslmode)


@WITH_ALL
@pytest.mark.parametrize("driver", ["pgx", "jdbc"])
@pytest.mark.parametrize("pair", ["by_other", "expired", "wrong_name"])
def test_what_verify_full_refuses(request, serve, certificates, driver, pair):
    connect, proxy = request.getfixturevalue(driver), serve("require", pair)
    assert "error" in connect(proxy, sslmode="verify-full", sslrootcert=certificates.ca.cert)
    assert served(connect(proxy, sslmode="require")), "it does as it is told"


@WITH_ALL
@pytest.mark.parametrize("driver", ["pgx", "jdbc"])
def test_certificates_of_clients(request, serve, certificates, driver):
    connect, proxy = request.getfixturevalue(driver), serve("require", mutual=True)
    trusted = {"sslmode": "verify-full", "sslrootcert": certificates.ca.cert}
    mine, foreign = certificates.client, certificates.client_by_other
    assert served(connect(proxy, **trusted, sslcert=mine.cert, sslkey=mine.key))
    assert "error" in connect(proxy, **trusted)
    assert "error" in connect(proxy, **trusted, sslcert=foreign.cert, sslkey=foreign.key)
