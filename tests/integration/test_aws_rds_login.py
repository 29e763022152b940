"""Logins to a server that asks for the password in clear text: with tokens of IAM, and where the configuration allows
it."""

import pytest

from harness.cluster import CANARY, USERS
from harness.fake_aws import FakeAws
from harness.fake_rds import FakeRds
from harness.waiting import until
from harness.wire import LoginFailed
from test_aws_secrets import variables
from test_tls_servers import TlsCluster

pytestmark = pytest.mark.own

TOKEN_USER = "iam user@example"  # what has to be encoded in a token


@pytest.fixture(scope="module")
def fake():
    with FakeAws() as made:
        yield made


@pytest.fixture(scope="module")
def rds(fake):
    made = FakeRds(fake)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(certificates, rds):
    made = TlsCluster()
    (made.data / "pg_hba.conf").write_text(
        rds.hba(f'"{TOKEN_USER}"') + "hostssl all app2 127.0.0.1/32 password\nhost all app2 127.0.0.1/32 password\n"
        "host all all 127.0.0.1/32 scram-sha-256\n")
    made.show(certificates.server, certificates.ca)
    made.execute(f'create role "{TOKEN_USER}" login')
    yield made
    made.remove()


def configuration(fake, certificates, user, **database):
    tls = {"mode": "verify-full", "ca_file": str(certificates.ca.cert)}
    return {"databases": {"app": {"users": [user], "tls": tls, **database}, "other": None},
            "users": {name: None for name in USERS if name != user} | {user: {"password": USERS.get(user, f"{CANARY}-iam")}},
            "aws": fake.settings()}


@pytest.fixture
def serve(start, server, fake, certificates):
    def factory(user=TOKEN_USER, wait_ready=True, database=None, **options):
        changes = configuration(fake, certificates, user, **(database or {"iam": True}))
        return start(cluster=server, wait_ready=wait_ready, changes=changes,
                     variables=variables(**fake.key.environment()), **options)

    return factory


def connect(endpoint):
    return endpoint.wire(TOKEN_USER, password=f"{CANARY}-iam")


def test_backends_log_in_by_tokens(serve, rds):
    proxy = serve(min_size=2)
    with connect(proxy) as wire:
        assert wire.value("select current_user") == TOKEN_USER
    assert rds.problems == []
    assert len(set(rds.tokens[-2:])) == 1, "a token serves several logins"
    assert "X-Amz-Signature" not in proxy.log_text() and CANARY not in proxy.log_text()


def test_a_refused_token_that_is_fresh_is_not_made_again(serve, rds):
    rds.refuse_next = 10**6
    before = len(rds.tokens)
    proxy = serve(wait_ready=False)
    until(lambda: "server_login_failed" in proxy.log_text(), "the login failed")
    with pytest.raises(LoginFailed) as caught:
        connect(proxy)
    assert caught.value.answer.sqlstate == "57P03" and "LDAP authentication failed" in caught.value.answer.text
    rds.refuse_next = 0
    assert len(set(rds.tokens[before:])) == 1
    until(lambda: proxy.http("/readyz")[0] == 200, "it goes on trying")


def test_logins_by_tokens_are_spread(serve, rds):
    """A second's worth at once, and then 20 in a second."""
    before = len(rds.tokens)
    proxy = serve(min_size=28, max_logins=28, max_size=28)
    until(lambda: proxy.metric("pgweir_backends", state="idle") == 28, "the pool is warm")
    times = rds.times[before:]
    assert len(times) == 28 and rds.problems == []
    assert times[-1] - times[0] > 0.3, "eight more than a burst have 50 ms each"


def test_a_server_that_asks_iam_for_a_password_is_told_nothing(serve, server):
    proxy = serve("app", wait_ready=False)
    until(lambda: "was rds_iam granted to this user?" in proxy.log_text(), "the problem is named")


def test_without_credentials_the_reason_is_named(start, server, fake, certificates):
    proxy = start(cluster=server, wait_ready=False, changes=configuration(fake, certificates, TOKEN_USER, iam=True),
                  variables=variables())
    until(lambda: "IAM: no credentials" in proxy.log_text(), "the problem is named")


@pytest.mark.parametrize("allowed", [True, False])
def test_a_password_in_clear_text_is_told_where_that_is_allowed(serve, certificates, allowed):
    tls = {"mode": "verify-full", "ca_file": str(certificates.ca.cert), "allow_cleartext_password": allowed}
    proxy = serve("app2", database={"tls": tls}, wait_ready=allowed)
    if allowed:
        with proxy.wire("app2") as wire:
            assert wire.value("select current_user") == "app2"
    else:
        until(lambda: "clear text, which needs verified TLS and tls.allow_cleartext_password" in proxy.log_text(),
              "the problem is named")
    assert CANARY not in proxy.log_text()


def test_a_password_in_clear_text_is_not_told_without_tls(serve):
    proxy = serve("app2", database={"tls": {"mode": "disable"}}, wait_ready=False)
    until(lambda: "clear text" in proxy.log_text(), "the problem is named")
