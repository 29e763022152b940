"""The task of a stack, started here as ECS would start it: configuration, certificate and password in the environment, a
load balancer that says in front of each connection where the client is, and asks for health."""

import json
import os
import signal
import socket
import struct
import urllib.request

import pytest

from checks import template as t
from harness import processes
from harness.cluster import Cluster, USERS
from harness.fake_aws import ACCOUNT, FakeAws
from harness.proxy import binary
from harness.waiting import until
from harness.wire import Wire, tls_context
from test_aws_iam_clients import token
from test_ecs import STACKS, configuration

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf"
ROLES = f', iam: {{roles: ["arn:aws:iam::{ACCOUNT}:role/worker"]}}'

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
LOCAL = SIGNATURE + bytes([0x20, 0, 0, 0])
CLIENT = SIGNATURE + bytes([0x21, 0x11]) + struct.pack("!H4s4sHH", 12, bytes([10, 20, 3, 4]), bytes(4), 4321, 5432)


@pytest.fixture(scope="module")
def tls_cluster(certificates):
    """RDS has TLS, and a certificate for its name."""
    server = Cluster()
    pair = certificates.server.for_postgres(server.directory)
    server.execute(f"alter system set ssl_cert_file = '{pair.cert}'")
    server.execute(f"alter system set ssl_key_file = '{pair.key}'")
    server.execute("alter system set ssl = on")
    server.execute("select pg_reload_conf()")
    yield server
    server.remove()


def get(port, path, first=b""):
    """Status of one HTTP request; 0 while nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), 60) as sock:
            sock.sendall(first + f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return int(sock.makefile("rb").readline().split()[1])
    except ConnectionRefusedError:
        return 0


class Task:
    def __init__(self, template, by_role, cluster, certificates, aws, directory):
        self.port, self.admin = processes.free_port(), processes.free_port()
        text = configuration(template, DbEndpoint="localhost", DbPort=str(cluster.port), Networks="127.0.0.0/8",
                             DbSecretArn=SECRET, Iam=ROLES if by_role else "")
        for old, new in (("host: 0.0.0.0\n  port: 5432", f"host: 127.0.0.1\n  port: {self.port}"),
                         ("{host: 0.0.0.0, port: 9127}", f"{{host: 127.0.0.1, port: {self.admin}}}"),
                         ("/etc/pgweir/ca/rds.pem", str(certificates.ca.cert)), ("max_clients: 5000", "max_clients: 50"),
                         ("aws: {region: eu-west-1, iam: {server_id: pgweir}}", f"aws: {json.dumps(aws.settings())}"),
                         ("drain_accept_grace: 15s", "drain_accept_grace: 0s")):
            assert old in text
            text = text.replace(old, new)
        self.environment = {**os.environ, "PGWEIR_CONFIG": text, **aws.key.environment(),
                            "PGWEIR_TLS_CERTIFICATE": certificates.server.cert.read_text(),
                            "PGWEIR_TLS_KEY": certificates.server.key.read_text()}
        self.log = directory / "log"
        container = t.container(template)
        self.health = [binary(), *container["HealthCheck"]["Command"][2:]]
        self.command = [binary(), *container["Command"]]
        self.start()

    def start(self):
        self.process = processes.start(self.command, self.log, env=self.environment)

    def alive(self):
        assert self.process.poll() is None, self.log.read_text()
        return True


@pytest.fixture(scope="module")
def aws():
    with FakeAws() as made:
        made.secret(SECRET).put({"username": "app", "password": USERS["app"]}, "AWSCURRENT")
        yield made


@pytest.fixture(params=[(name, by_role) for name in STACKS for by_role in (False, True)],
                ids=lambda pair: f"{pair[0]} {'role' if pair[1] else 'password'}")
def task(request, root, tls_cluster, certificates, aws, tmp_path):
    name, by_role = request.param
    template = t.load((root / "deploy" / "ecs" / f"{name}.yaml").read_text())
    started = Task(template, by_role, tls_cluster, certificates, aws, tmp_path)
    started.balanced = name == "service-nlb"
    started.password = token(aws.add_role("worker")) if by_role else USERS["app"]
    yield started
    assert processes.stop(started.process, (signal.SIGTERM, signal.SIGKILL), 20) == 0, started.log.read_text()


def test_it_becomes_healthy_and_serves_through_tls(task, certificates):
    until(lambda: task.alive() and get(task.admin, "/readyz", LOCAL if task.balanced else b"") == 200, "it is ready", 20)
    assert healthy(task)
    with Wire("127.0.0.1", task.port) as wire:
        if task.balanced:
            wire.send(CLIENT)
        wire.start_tls(tls_context(certificates.ca.cert)).login("app", "app", task.password)
        assert wire.value("select 6 * 7") == "42"
    with urllib.request.urlopen(f"http://127.0.0.1:{task.admin}/metrics", timeout=60) as metrics:
        assert b"pgweir_tls_handshakes_total" in metrics.read()
    assert USERS["app"] not in task.log.read_text()


def healthy(task):
    return processes.subprocess.run(task.health, env=task.environment, timeout=100).returncode == 0


def test_a_failover_stops_no_task_and_takes_none_from_the_balancer(task, tls_cluster):
    first = LOCAL if task.balanced else b""
    until(lambda: task.alive() and get(task.admin, "/readyz", first) == 200, "it is ready", 20)
    tls_cluster.stop()
    try:
        until(lambda: "server_login_failed" in task.log.read_text(), "the database is missed")
        assert healthy(task) and get(task.admin, "/readyz", first) == 200
    finally:
        tls_cluster.start()


def test_a_new_task_without_its_database_lives_but_is_not_ready(task, tls_cluster):
    """ECS lets it be, the balancer does not use it, and it begins by itself when the database is back."""
    first = LOCAL if task.balanced else b""
    until(lambda: task.alive() and get(task.admin, "/readyz", first) == 200, "the first one is ready", 20)
    processes.stop(task.process, (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL))
    tls_cluster.stop()
    try:
        task.start()
        until(lambda: task.alive() and task.log.read_text().count('"started"') == 2, "it runs")
        until(lambda: "server_login_failed" in task.log.read_text(), "the database is missed")
        assert healthy(task) and get(task.admin, "/readyz", first) == 503
    finally:
        tls_cluster.start()
    until(lambda: task.alive() and get(task.admin, "/readyz", first) == 200, "it is ready", 20)


@pytest.mark.parametrize("first", [b"", LOCAL, LOCAL * 4, CLIENT + LOCAL], ids=["none", "one", "four", "two kinds"])
def test_health_is_told_to_balancers_with_and_without_a_header(start, first):
    assert get(start().admin_port, "/readyz", first) == 200


def test_a_header_that_is_none_gets_no_health(start):
    with socket.create_connection(("127.0.0.1", start().admin_port), 60) as sock:
        sock.sendall(SIGNATURE + b"\x20\x00\xff\xff" + b"GET /readyz HTTP/1.1\r\n\r\n")
        assert sock.makefile("rb").readline().split()[1:2] in ([], [b"400"])
