"""Secrets of users in Secrets Manager and Systems Manager, as a fake of both serves them."""

import concurrent.futures
import json
import os
import time

import pytest

from harness.cluster import CANARY, USERS
from harness.fake_aws import FakeAws
from harness.proxy import merged
from harness.waiting import until
from harness.wire import LoginFailed

pytestmark = pytest.mark.own

NAME = "prod/app/db"


@pytest.fixture
def fake():
    with FakeAws() as made:
        made.secret(NAME).put({"username": "app", "password": USERS["app"], "engine": "postgres", "port": 5432},
                              "AWSCURRENT")
        yield made


def variables(**more):
    """Nothing of whoever runs the tests."""
    ours = {name: "" for name in os.environ if name.startswith("AWS_")}
    return {**ours, "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", **more}


def by_secret(fake, secret=None, **aws):
    return {"users": {"app": {"password": None, **(secret or {"secret": NAME})}}, "aws": fake.settings(**aws)}


@pytest.fixture
def serve(start, fake):
    def factory(secret=None, wait_ready=True, aws=None, env=None, **options):
        env = fake.key.environment() if env is None else env
        return start(changes=by_secret(fake, secret, **(aws or {})), variables=variables(**env),
                     wait_ready=wait_ready, **options)

    return factory


def admits(endpoint, user="app", password=USERS["app"], **options):
    try:
        endpoint.wire(user, password=password, **options).terminate()
        return True
    except LoginFailed as failed:
        assert failed.answer.sqlstate == "28P01", failed
        return False


def test_a_secret_lets_clients_in_and_opens_the_server(serve, fake):
    proxy = serve()
    with proxy.wire() as wire:
        assert wire.value("select current_user") == "app"
    assert not admits(proxy, password="wrong")
    assert proxy.metric("pgweir_secret_reads_total", result="ok") >= 1
    assert 0 <= proxy.metric("pgweir_secret_age_seconds", user="app") < 30
    assert CANARY not in proxy.log_text() and CANARY not in proxy.http("/metrics")[1]
    assert fake.count("GetSecretValue") > 0


@pytest.mark.parametrize("value", [USERS["app"], json.dumps({"username": "app", "password": USERS["app"]})])
def test_a_parameter_does_as_well(serve, fake, value):
    fake.parameters["/prod/app"] = (1, value)
    proxy = serve({"ssm_parameter": "/prod/app"})
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"


@pytest.mark.parametrize("age,admitted", [(10, True), (7200, False)])
def test_the_parameter_that_was_replaced_before_the_start_is_taken_for_the_grace(serve, fake, age, admitted):
    fake.parameters["/prod/app"] = [(7, USERS["app"]), (6, "replaced"), (5, "older")]
    fake.modified["/prod/app"] = time.time() - age
    proxy = serve({"ssm_parameter": "/prod/app"})
    assert admits(proxy)
    assert admits(proxy, password="replaced") == admitted
    assert not admits(proxy, password="older")


def test_a_parameter_whose_last_version_is_gone_is_none_the_worse(serve, fake):
    fake.parameters["/prod/app"] = (7, USERS["app"])
    proxy = serve({"ssm_parameter": "/prod/app"})
    assert admits(proxy) and not admits(proxy, password="replaced")
    assert "secret_read_failed" not in proxy.log_text()


def test_endpoints_by_tls_are_verified(start, certificates):
    with FakeAws(tls=certificates.server) as fake:
        fake.secret(NAME).put({"password": USERS["app"]}, "AWSCURRENT")
        changes = by_secret(fake, ca_file=str(certificates.ca.cert))
        proxy = start(changes=changes, variables=variables(**fake.key.environment()))
        assert admits(proxy)
        changes = by_secret(fake, ca_file=str(certificates.other_ca.cert))
        other = start(changes=changes, variables=variables(**fake.key.environment()), wait_ready=False)
        until(lambda: "secret_read_failed" in other.log_text(), "the secret cannot be read")
        assert '"result":"unreachable"' in other.log_text() and "certificate" in other.log_text()
        assert not admits(other)
        other.expected_exit = 0


class Sources:
    """Environments, by where the credentials are, with what has to be asked for them."""

    @staticmethod
    def environment(fake, directory):
        return fake.key.environment(), None

    @staticmethod
    def relative_uri(fake, directory):
        return {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/x"}, "container"

    @staticmethod
    def full_uri_with_token(fake, directory):
        fake.container_token = "Bearer one"
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": fake.url + "/full",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer one"}, "container"

    @staticmethod
    def full_uri_with_token_file(fake, directory):
        fake.container_token = "two"
        (directory / "token").write_text("two\n")
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": fake.url + "/full",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(directory / "token")}, "container"

    @staticmethod
    def web_identity(fake, directory):
        (directory / "identity").write_text("an identity\n")
        return {"AWS_WEB_IDENTITY_TOKEN_FILE": str(directory / "identity"),
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/weir"}, "AssumeRoleWithWebIdentity"

    @staticmethod
    def metadata_service(fake, directory):
        return {"AWS_EC2_METADATA_DISABLED": ""}, "metadata"

    @staticmethod
    def shared_file(fake, directory):
        key = fake.key
        (directory / "credentials").write_text(
            f"[dev]\naws_access_key_id = {key.access}\naws_secret_access_key = {key.secret}\n"
            f"aws_session_token = {key.token}\n")
        return {"AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"), "AWS_PROFILE": "dev"}, None


@pytest.mark.parametrize("source", [name for name in vars(Sources) if not name.startswith("_")])
def test_credentials_from(serve, fake, tmp_path, source):
    env, operation = getattr(Sources, source)(fake, tmp_path)
    assert admits(serve(env=env))
    assert operation is None or fake.count(operation) > 0


def test_credentials_are_renewed_when_they_have_ended(serve, fake):
    proxy = serve(env={"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}, aws={"secrets": {"refresh": "100ms"}})
    fake.key = fake.add_role("pgweir", "two")
    del fake.keys[next(iter(fake.keys))]  # AWS does not take the old ones any more
    until(lambda: fake.key.access in proxy.log_text(), "the new ones are in use")
    before = proxy.metric("pgweir_secret_reads_total", result="ok")
    until(lambda: proxy.metric("pgweir_secret_reads_total", result="ok") > before, "secrets are read again")


def test_without_credentials_the_log_says_what_to_do(serve):
    proxy = serve(env={}, wait_ready=False)
    until(lambda: "no AWS_ACCESS_KEY_ID, no role of a task" in proxy.log_text(), "the problem is named")
    assert not admits(proxy)


@pytest.mark.parametrize("how, result", [
    ("throttle", "throttled"), ("403", "expired"), ("500", "failed"), ("redirect", "invalid"), ("truncated", "unreachable"),
    ("bomb", "unreachable"), ("hang up", "unreachable"), (b"not json", "invalid"), (b"{}", "invalid")])
def test_a_misbehaving_service_leaves_running_users_alone(shared, how, result):
    """One pgweir for all: each kind of trouble comes and goes."""
    fake, proxy = running(shared)
    with proxy.wire() as old:
        with fake.misbehaving(how, "GetSecretValue"):
            until(lambda: proxy.metric("pgweir_secret_reads_total", result=result) > 0, f"a failure as {result}")
            assert old.value("select 1") == "1" and admits(proxy)
    before = proxy.metric("pgweir_secret_reads_total", result="ok")
    until(lambda: proxy.metric("pgweir_secret_reads_total", result="ok") > before, "secrets are read again")


def running(shared, made={}):
    if "fake" not in made:
        made["fake"] = FakeAws()
        made["fake"].secret(NAME).put({"username": "app", "password": USERS["app"]}, "AWSCURRENT")
    fake = made["fake"]
    changes = by_secret(fake, secrets={"refresh": "50ms"})
    return fake, shared("misbehaving", changes=changes, variables=variables(**fake.key.environment()))


def test_a_wrong_clock_is_named(serve, fake):
    fake.clock_offset = 3600
    proxy = serve(wait_ready=False)
    until(lambda: "is the clock of this machine right?" in proxy.log_text(), "the problem is named")


def test_an_outage_at_the_start_ends_by_itself(start, fake):
    """While the only user's secret cannot be read, there is nobody to serve."""
    fake.faults["GetSecretValue"] = "hang up"
    changes = merged(by_secret(fake), {"users": {"app2": None, "md5app": None}, "databases": {"app": {"users": ["app"]}}})
    proxy = start(wait_ready=False, changes=changes, variables=variables(**fake.key.environment()))
    until(lambda: fake.count("GetSecretValue") > 0, "the secret is asked for")
    assert not admits(proxy)
    assert proxy.http("/readyz")[0] == 503
    del fake.faults["GetSecretValue"]
    until(lambda: admits(proxy), "the secret is known")
    until(lambda: proxy.http("/readyz")[0] == 200, "it is ready")


def test_wrong_passwords_cost_few_calls(serve, fake):
    proxy = serve()
    before = fake.count("GetSecretValue")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(lambda _: admits(proxy, password="wrong"), range(16)))
    assert fake.count("GetSecretValue") - before <= 2 * 4, "two stages, for each of the few rounds that they took"
