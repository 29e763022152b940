"""Clients that prove a role of AWS instead of a password, by the helpers that are shipped for Lambda functions. STS is a
fake that verifies the signature with botocore."""

import base64
import concurrent.futures
import json
import pathlib
import subprocess
import sys

import botocore.session
import pytest

from harness import messages as m
from harness import tls
from harness.cluster import USERS
from harness.fake_aws import ACCOUNT, REGION, FakeAws
from harness.waiting import seconds, until
from harness.wire import LoginFailed, tls_context
from test_aws_secrets import variables

HELPERS = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "lambda" / "iam"
sys.path.insert(0, str(HELPERS))
sys.dont_write_bytecode = True
import pgweir_iam  # noqa: E402

pytestmark = pytest.mark.own

SERVER_ID = "weir-test"


class World:
    def __init__(self, certificates):
        self.fake = FakeAws()
        self.worker, self.other = self.fake.add_role("worker"), self.fake.add_role("other")
        role = f"arn:aws:iam::{ACCOUNT}:role/worker"
        self.changes = {**tls.listen(certificates.server), "aws": self.fake.settings(),
                        "users": {"app": {"password": USERS["app"], "iam": {"roles": [role]}}}}
        self.context = tls_context(certificates.ca.cert)


@pytest.fixture(scope="module")
def world(certificates):
    made = World(certificates)
    yield made
    made.fake.stop()


@pytest.fixture
def proxy(shared, world):
    return shared("iam", changes=world.changes, variables=variables())


def token(key, server_id=SERVER_ID, region=REGION):
    session = botocore.session.Session()
    session.set_credentials(key.access, key.secret, key.token)
    return pgweir_iam.token(server_id, region, session)


def changed(made, old, new):
    """A token with a part of its URL replaced, and not signed again."""
    text = made.removeprefix("pgweir-v1.")
    url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    assert old in url
    return packed(url.replace(old, new, 1))


def packed(url):
    return "pgweir-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def connect(proxy, world, password, user="app"):
    return proxy.wire(user, password=password, tls=world.context)


def refused(proxy, world, password):
    with pytest.raises(LoginFailed) as caught:
        connect(proxy, world, password)
    answer = caught.value.answer
    assert (answer.sqlstate, answer.text) == ("28000", 'IAM authentication failed for user "app"')


def verifications(proxy, result):
    return proxy.metric("pgweir_iam_verifications_total", result=result)


def test_a_role_lets_its_user_in_by_the_python_helper(proxy, world):
    made = token(world.worker)
    for _ in range(3):
        with connect(proxy, world, made) as wire:
            assert wire.value("select current_user") == "app"
    assert verifications(proxy, "verified") == 1 and verifications(proxy, "cached") == 2
    assert world.fake.count("GetCallerIdentity") == 1
    assert "pgweir-v1." not in proxy.log_text() and "X-Amz-Signature" not in proxy.log_text()


def test_a_role_lets_its_user_in_by_the_node_helper(proxy, world):
    key = world.worker
    script = (f"import {{ token }} from {json.dumps(str(HELPERS / 'pgweir_iam.mjs'))};"
              f"const key = {json.dumps({'accessKeyId': key.access, 'secretAccessKey': key.secret, 'sessionToken': key.token})};"
              f"process.stdout.write(await token({json.dumps(SERVER_ID)}, {json.dumps(REGION)}, async () => key));")
    made = subprocess.run(["node", "--input-type=module", "-e", script], capture_output=True, text=True, timeout=seconds(60),
                          check=True).stdout
    with connect(proxy, world, made) as wire:
        assert wire.value("select 1") == "1"


def test_drivers_send_the_token_as_any_password(proxy, world, certificates):
    connection = proxy.psycopg2(password=token(world.worker), sslmode="verify-full", sslrootcert=str(certificates.ca.cert))
    with connection.cursor() as cursor:
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)
    connection.close()


def test_without_tls_nothing_is_asked(proxy, world):
    with pytest.raises(LoginFailed) as caught:
        proxy.wire("app", password=token(world.worker))
    assert caught.value.answer.sqlstate == "28000"
    assert caught.value.answer.text == "IAM authentication is allowed only with SSL connections"


def test_the_users_password_is_for_the_server_only(proxy, world):
    refused(proxy, world, USERS["app"])


def test_another_role_is_not_mapped(proxy, world):
    before = verifications(proxy, "not_mapped")
    refused(proxy, world, token(world.other))
    assert verifications(proxy, "not_mapped") == before + 1
    assert f"arn:aws:iam::{ACCOUNT}:role/other is not one of the user's iam.roles" in proxy.log_text()


def test_a_token_for_another_server_id_is_refused(proxy, world):
    before = verifications(proxy, "refused")
    refused(proxy, world, token(world.worker, "another-weir"))
    assert verifications(proxy, "refused") == before + 1


def with_host(key, host):
    """Signed for a host of the attacker's choice."""
    made = token(key)
    return changed(made, f"sts.{REGION}.amazonaws.com", host)


MALFORMED = {
    "too large": lambda key: "pgweir-v1." + "a" * 8192,
    "wrong prefix": lambda key: "k8s-aws-v1." + token(key)[10:],
    "bad base64": lambda key: "pgweir-v1.###",
    ":ab:cd": lambda key: packed(":ab:cd"),
    "http scheme": lambda key: changed(token(key), "https://", "http://"),
    "https://google.com": lambda key: packed("https://google.com"),
    "/abc path": lambda key: changed(token(key), ".com/?", ".com/abc?"),
    "unknown parameter": lambda key: changed(token(key), "&X-Amz-Date", "&x=y&X-Amz-Date"),
    "action twice": lambda key: changed(token(key), "&X-Amz-Date", "&action=GetCallerIdentity&X-Amz-Date"),
    "NotGetCallerIdentity": lambda key: changed(token(key), "=GetCallerIdentity", "=NotGetCallerIdentity"),
    "server id not signed": lambda key: changed(token(key), "host%3Bx-pgweir-server-id", "host"),
    "expires 9999999": lambda key: changed(token(key), "Expires=900", "Expires=9999999"),
    "date garbage": lambda key: changed(token(key), "X-Amz-Date=2", "X-Amz-Date=x"),
    "date 1990": lambda key: changed(token(key), "X-Amz-Date=20", "X-Amz-Date=19"),
    "%gh escape": lambda key: changed(token(key), "Expires=900", "Expires=%gh"),
    "CVE-2022-2385": lambda key: changed(token(key), "&X-Amz-Date", "&x-amz-credential=AKIAOTHER&X-Amz-Date"),
    "GovCloud host": lambda key: with_host(key, "sts.us-gov-west-1.amazonaws.com"),
    "China host": lambda key: with_host(key, "sts.cn-north-1.amazonaws.com.cn"),
    "userinfo in host": lambda key: with_host(key, f"x@sts.{REGION}.amazonaws.com"),
    "port in host": lambda key: with_host(key, f"sts.{REGION}.amazonaws.com:444"),
    "fragment": lambda key: changed(token(key), "&X-Amz-Date", "#&X-Amz-Date"),
    "unicode host": lambda key: with_host(key, f"\u0455ts.{REGION}.amazonaws.com"),
    "another region": lambda key: token(key, region="us-east-1"),
    "nothing": lambda key: "",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_sts_is_not_asked_about(proxy, world, name):
    asked, before = world.fake.count("GetCallerIdentity"), verifications(proxy, "malformed")
    refused(proxy, world, MALFORMED[name](world.worker))
    assert verifications(proxy, "malformed") == before + 1
    assert world.fake.count("GetCallerIdentity") == asked


def test_a_forged_signature_is_refused_and_not_asked_about_again(proxy, world):
    made = changed(token(world.worker), "X-Amz-Signature=", "X-Amz-Signature=0")
    asked = world.fake.count("GetCallerIdentity")
    for _ in range(3):
        refused(proxy, world, made)
    assert world.fake.count("GetCallerIdentity") == asked + 1


def answer(arn, user_id):
    result = {"Account": ACCOUNT, "Arn": arn, "UserId": user_id}
    return json.dumps({"GetCallerIdentityResponse": {"GetCallerIdentityResult": result}}).encode()


@pytest.mark.parametrize("how, result", [
    ("403", "refused"), ("throttle", "unavailable"), ("500", "unavailable"), ("redirect", "unavailable"),
    ("truncated", "unavailable"), ("bomb", "unavailable"), ("hang up", "unavailable"),
    pytest.param(b"<xml/>", "unavailable", id="non-JSON"),
    pytest.param(answer("arn", "AROA:s"), "unavailable", id="ARN arn"),
    pytest.param(answer(f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/b:c", "a:b:c"), "unavailable", id="UserId a:b:c")])
def test_what_sts_answers_is_no_yes(proxy, world, how, result):
    made = token(world.fake.add_role("worker", "s"))
    before = verifications(proxy, result)
    with world.fake.misbehaving(how, "GetCallerIdentity"):
        refused(proxy, world, made)
    assert verifications(proxy, result) == before + 1
    if result == "unavailable":  # nothing of it is kept
        connect(proxy, world, made).terminate()


def test_many_with_one_token_are_one_question(proxy, world):
    made = token(world.fake.add_role("worker", "many"))
    with connect(proxy, world, token(world.worker)) as old:
        all_at_once(proxy, world, made, old)


def all_at_once(proxy, world, made, old):
    asked = world.fake.count("GetCallerIdentity")
    with world.fake.misbehaving("slow", "GetCallerIdentity"), concurrent.futures.ThreadPoolExecutor(20) as pool:
        logins = [pool.submit(connect, proxy, world, made) for _ in range(20)]
        until(lambda: world.fake.count("GetCallerIdentity") == asked + 1, "STS is asked")
        until(lambda: proxy.metric("pgweir_clients") >= 21, "all are there")
        assert old.value("select 1") == "1", "who is there does not wait with them"
        world.fake.released.set()
        for login in logins:
            login.result().terminate()
    assert world.fake.count("GetCallerIdentity") == asked + 1


def test_an_outage_of_sts_leaves_those_who_are_known(proxy, world):
    known = token(world.fake.add_role("worker", "known"))
    with connect(proxy, world, known) as wire:
        with world.fake.misbehaving("hang up"):
            assert wire.value("select 1") == "1"
            connect(proxy, world, known).terminate()
            refused(proxy, world, token(world.fake.add_role("worker", "new")))


def test_a_signature_by_somebody_elses_key_does_not_borrow_a_role(proxy, world):
    """The signature is right, for a key that AWS does not know."""
    key = world.fake.add_role("worker", "gone")
    del world.fake.keys[key.access]
    refused(proxy, world, token(key))


def test_a_leaver_while_sts_is_asked_is_no_trouble(proxy, world):
    made = token(world.fake.add_role("worker", "leaver"))
    asked, before = world.fake.count("GetCallerIdentity"), proxy.metric("pgweir_clients")
    with world.fake.misbehaving("slow", "GetCallerIdentity"):
        wire = proxy.socket()
        wire.start_tls(world.context)
        wire.send(startup("app"))
        assert wire.receive().kind == "R"
        wire.send(password_message(made))
        until(lambda: world.fake.count("GetCallerIdentity") == asked + 1, "STS is asked")
        wire.abort()
        until(lambda: proxy.metric("pgweir_clients") <= before, "it is gone")
    connect(proxy, world, made).terminate()


def startup(user):
    return m.startup([("user", user), ("database", "app")])


def password_message(text):
    return m.p(m.cstr(text))
