"""A secret is rotated while clients log in and query as fast as they can: none of them may notice.

The steps are those of AWS' rotation functions, each held until traffic has gone through it: createSecret puts a new
password beside the current one (AWSPENDING), setSecret gives it to the server, finishSecret makes it the current one.
"""

import contextlib
import json
import random
import threading
import uuid

import psycopg2
import pytest

from harness.cluster import CANARY
from harness.fake_aws import FakeAws
from harness.waiting import repetitions, seconds, until
from harness.wire import LoginFailed
from test_aws_secrets import variables

pytestmark = pytest.mark.own

NAME = "prod/rotated"
USERS = ("rotated", "rotated_clone")


def password():
    return f"{CANARY}-{uuid.uuid4().hex}"


def set_password(cluster, user, value):
    cluster.execute(f"alter role {user} password '{value}'")


@pytest.fixture
def fake(cluster):
    for user in USERS:
        cluster.execute(f"create role {user} login password '{password()}'")
    with FakeAws() as made:
        first = password()
        set_password(cluster, "rotated", first)
        made.secret(NAME).put({"username": "rotated", "password": first}, "AWSCURRENT")
        yield made
    for user in USERS:
        cluster.execute(f"drop role {user}")


class Lambda(threading.Thread):
    """Logs in with what `stage` says, queries, and goes; reads the secret anew only every few times."""

    def __init__(self, proxy, fake, stage, users):
        super().__init__(daemon=True)
        self.proxy, self.fake, self.stage, self.users = proxy, fake, stage, users
        self.logins, self.queries, self.failures, self.done = 0, 0, [], threading.Event()

    def read_secret(self):
        secret = self.fake.secrets[NAME]
        version = secret.stages.get(self.stage) or secret.stages["AWSCURRENT"]
        return json.loads(secret.versions[version])

    def run(self):
        known = self.read_secret()
        while not self.done.is_set():
            # A client with the replaced password keeps it for one rotation at the most, as the grace period is for.
            if self.stage == "AWSPREVIOUS" or random.random() < 0.3:
                known = self.read_secret()
            try:
                self.session(known)
            except psycopg2.Error as error:
                self.failures.append(str(error))
                return

    def session(self, known):
        user = known["username"] if self.users else "app"
        connection = psycopg2.connect(host=self.proxy.host, port=self.proxy.port, dbname="app", user=user,
                                      password=known["password"], connect_timeout=int(seconds(20)))
        self.logins += 1
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for _ in range(3):
                    cursor.execute("select current_user")
                    assert cursor.fetchone()[0] in USERS
                    self.queries += 1
        finally:
            connection.close()


class Traffic:
    def __init__(self, proxy, fake, users):
        self.clients = [Lambda(proxy, fake, stage, users) for stage in ("AWSCURRENT", "AWSCURRENT", "AWSPREVIOUS")]
        self.proxy = proxy

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.done.set()
        for client in self.clients:
            client.join()

    def failures(self):
        return [failure for client in self.clients for failure in client.failures]

    def flows(self, what):
        """Every client has logged in again, and backends have."""
        logins = [client.logins for client in self.clients]
        backends = self.proxy.metric("pgweir_backend_logins_total", result="ok")

        def moved():
            assert not self.failures(), self.failures()
            return all(c.logins > before + 1 for c, before in zip(self.clients, logins)) and \
                self.proxy.metric("pgweir_backend_logins_total", result="ok") > backends + 1

        until(moved, what, timeout=20, interval=0.05)


def rotate(cluster, fake, traffic, alternating):
    """One whole rotation."""
    secret = fake.secret(NAME)
    current = json.loads(secret.versions[secret.stages["AWSCURRENT"]])
    user = current["username"]
    if alternating:
        user = USERS[1 - USERS.index(user)]
    fresh = {"username": user, "password": password()}
    secret.put(fresh, "AWSPENDING")
    traffic.flows("createSecret")
    set_password(cluster, user, fresh["password"])
    traffic.flows("setSecret")
    secret.finish()
    traffic.flows("finishSecret")


@pytest.mark.parametrize("strategy", ["single user", "alternating users"])
def test_nobody_notices_a_rotation(start, cluster, fake, strategy):
    alternating = strategy == "alternating users"
    proxy = start(changes={"databases": {"app": {"users": ["app"]}, "other": None},
                           "users": {"app": {"password": None, "secret": NAME}, "app2": None, "md5app": None},
                           "aws": fake.settings(secrets={"refresh": "30s", "grace": "1m"})},
                  variables=variables(**fake.key.environment()), max_size=4, min_size=1, max_lifetime="200ms")
    rounds = repetitions(3, least=2)
    with an_old_client(proxy, fake) as old, Traffic(proxy, fake, alternating) as traffic:
        traffic.flows("before")
        for _ in range(rounds):
            rotate(cluster, fake, traffic, alternating)
            with old.cursor() as cursor:
                cursor.execute("select 1")
    assert traffic.failures() == []
    assert proxy.metric("pgweir_backend_logins_total", result="refused") == 0
    assert proxy.metric("pgweir_clients_ended_total", reason="authentication_failed") == 0
    assert fake.count("GetSecretValue") <= 12 * rounds, "AWS is not asked for every login"
    assert CANARY not in proxy.log_text()
    print(strategy, sum(c.logins for c in traffic.clients), "logins", sum(c.queries for c in traffic.clients),
          "queries", rounds, "rotations", fake.count("GetSecretValue"), "reads")


def an_old_client(proxy, fake):
    """It came before the rotation and stays."""
    secret = fake.secret(NAME)
    known = json.loads(secret.versions[secret.stages["AWSCURRENT"]])
    connection = psycopg2.connect(host=proxy.host, port=proxy.port, dbname="app", user="app",
                                  password=known["password"])
    connection.autocommit = True
    return contextlib.closing(connection)


def test_a_replaced_password_is_refused_after_the_grace_period(start, cluster, fake):
    proxy = start(changes={"databases": {"app": {"users": ["app"]}, "other": None},
                           "users": {"app": {"password": None, "secret": NAME}, "app2": None, "md5app": None},
                           "aws": fake.settings(secrets={"refresh": "50ms", "grace": f"{int(seconds(1))}s"})},
                  variables=variables(**fake.key.environment()))
    secret = fake.secret(NAME)
    old = json.loads(secret.versions[secret.stages["AWSCURRENT"]])["password"]
    with proxy.wire("app", password=old) as wire:
        backend = wire.value("select pg_backend_pid()")
    fresh = password()
    secret.put({"username": "rotated", "password": fresh}, "AWSPENDING")
    set_password(cluster, "rotated", fresh)
    secret.finish()

    def admits(value):
        try:
            proxy.wire("app", password=value).terminate()
            return True
        except LoginFailed as failed:
            assert failed.answer.sqlstate == "28P01"
            return False

    until(lambda: "secret_rotated" in proxy.log_text(), "the rotation is known")
    assert admits(old) and admits(fresh)
    with proxy.wire("app", password=fresh) as wire:
        assert wire.value("select pg_backend_pid()") == backend, "a backend that is there lives on"
    until(lambda: not admits(old), "the grace period is over", timeout=15)
    assert admits(fresh)
