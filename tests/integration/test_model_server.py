"""The model of a server that the simulation uses (docs/simulation.md) answers as the PostgreSQL of this run does."""

import os
import pathlib
import random
import signal
import subprocess
import sys

import pytest

from harness.proxy import binary
from harness.waiting import seconds, until
from harness.wire import LoginFailed, Wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPARE = ROOT / "tests/simulation/model/compare.py"
MODEL = pathlib.Path(binary()).parent / "model_pipe"
sys.path.append(str(COMPARE.parent))
from compare_logins import ACCESS  # noqa: E402

# New scripts each time where there is time for many; the same ones otherwise.
FACTOR, SEED = (15, random.randrange(10 ** 9)) if os.environ.get("PGWEIR_TEST_ALL") else (1, 1)
PROMOTIONS, REFUSED = 3, 3

pytestmark = [pytest.mark.own, pytest.mark.skipif(not MODEL.exists(), reason="only the release build has the simulation")]

# Waits for WAL for as long as the server is there.
BUSY = "while test -e postmaster.pid; do sleep 0.1; done; false"
CONFIGURATIONS = {"starting_up": f"restore_command = '{BUSY}'\n", "no_hot_standby": "hot_standby = off\n"}


@pytest.fixture
def plain_cluster(own_cluster):
    own_cluster.stop()
    (own_cluster.data / "pg_hba.conf").write_text(ACCESS)
    # What the model has is what PostgreSQL has without a configuration.
    (own_cluster.data / "postgresql.conf").write_text(
        f"port = {own_cluster.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"
        "timezone = 'Etc/UTC'\nfsync = off\npassword_encryption = md5\n")
    own_cluster.start()
    return own_cluster


def run(*arguments):
    done = subprocess.run([sys.executable, COMPARE, *map(str, arguments)], capture_output=True, text=True,
                          timeout=seconds(600))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def compare(cluster, count, state="writer", seed=SEED, **options):
    more = [word for name, value in options.items() for word in (f"--{name}", value)]
    told = run(MODEL, "--port", cluster.port, "--seed", seed, "--count", count, "--state", state, *more)
    assert f"{count} scripts against PostgreSQL" in told


def be_standby(cluster, configuration=""):
    """When it is started next. Its writer does not say anything."""
    run("--prepare", "--port", cluster.port)
    cluster.stop()
    (cluster.data / "standby.signal").touch()
    with open(cluster.data / "postgresql.conf", "a") as conf:
        conf.write(configuration)


def version_of(cluster):
    return cluster.execute("show server_version")[0][0]


def others_of(cluster):
    return cluster.execute("select count(*) from pg_stat_activity where backend_type = 'client backend' "
                           "and pid <> pg_backend_pid()")[0][0]


def refuses(cluster, sqlstate):
    """The server is there, and lets nobody in."""
    try:
        Wire(cluster.host, cluster.port).login("postgres", "postgres").terminate()
    except LoginFailed as refusal:
        return refusal.answer.kind == "E" and refusal.answer.sqlstate == sqlstate
    except OSError:
        pass
    return False


def test_the_model_answers_as_this_server_does(plain_cluster):
    compare(plain_cluster, 40 * FACTOR)


def test_the_model_of_a_standby_answers_as_this_standby_does(plain_cluster):
    for number in range(PROMOTIONS):
        be_standby(plain_cluster)
        plain_cluster.start()
        if number == 0:
            compare(plain_cluster, 20 * FACTOR, "standby")
        compare(plain_cluster, 1, "promotion", SEED + number)


def test_the_model_refuses_as_a_server_that_is_full(plain_cluster):
    version = version_of(plain_cluster)
    for setting, value in (("max_connections", 3), ("superuser_reserved_connections", 0)):
        plain_cluster.execute(f"alter system set {setting} = {value}")
    plain_cluster.stop()
    plain_cluster.start()
    until(lambda: others_of(plain_cluster) == 0, "the test's last connections are gone")
    others = [plain_cluster.connect() for _ in range(3)]
    assert refuses(plain_cluster, "53300")
    compare(plain_cluster, REFUSED, "too_many_clients", version=version)
    for other in others:
        other.close()


def test_the_model_refuses_as_a_server_that_shuts_down(plain_cluster):
    version = version_of(plain_cluster)
    with plain_cluster.connect():
        plain_cluster.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(plain_cluster, "57P03"), "the server lets nobody in")
        compare(plain_cluster, REFUSED, "shutting_down", version=version)


@pytest.mark.parametrize("state", CONFIGURATIONS)
def test_the_model_refuses_as_a_server_that_is(state, plain_cluster):
    version = version_of(plain_cluster)
    be_standby(plain_cluster, CONFIGURATIONS[state])
    plain_cluster.launch()
    until(lambda: refuses(plain_cluster, "57P03"), "the server lets nobody in")
    compare(plain_cluster, REFUSED, state, version=version)
