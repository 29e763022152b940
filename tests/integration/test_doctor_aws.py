"""`pgweir doctor CONFIG` where AWS has a say: each answer that it may give is given by a fake of it, and understood."""

import contextlib
import functools
import json
import os

import pytest

from harness import frozen, processes
from harness.cluster import CANARY, USERS
from harness.doctor import diagnose, the_problem, verdict
from harness.fake_aws import ACCOUNT, REGION, FakeAws
from harness.fake_rds import FakeRds
from test_aws_rds_login import TOKEN_USER
from test_tls_servers import TlsCluster

pytestmark = pytest.mark.own

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

NAME = "prod/app/db"
ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/pgweir/one"


@pytest.fixture
def fake():
    with FakeAws() as made:
        made.secret(NAME).put({"username": "app", "password": USERS["app"]}, "AWSCURRENT")
        made.parameters["/prod/app"] = (1, USERS["app"])
        yield made


@pytest.fixture
def doctor(tmp_path, cluster, fake):
    """Of a user whose secret is in AWS, with credentials of the environment, unless said otherwise."""
    def factory(secret=None, env=None, aws=None, **changes):
        changes = {"users": {"app": secret or {"secret": NAME}}, "aws": fake.settings(**(aws or {})),
                   "port": cluster.port, **changes}
        return diagnose(tmp_path, env=fake.key.environment() if env is None else env, **changes)

    return factory


def evidence(finding):
    return {one["where"]: one["value"] for one in finding["evidence"]}


# --- all is well

@pytest.mark.parametrize("secret, service", [({"secret": NAME}, "secretsmanager"), ({"ssm_parameter": "/prod/app"}, "ssm")])
def test_all_is_well(doctor, secret, service):
    found = doctor(secret)
    for id in ("L14", "L20", "L23", "L24", "L25", "L26", "L27", "L28"):
        assert verdict(found, id) == "ok", found[id]
    assert evidence(found["L28"])["sts GetCallerIdentity"] == ROLE
    assert evidence(found["L27"]).keys() == {"AWS' clock", "this machine's clock"}


def test_what_is_not_used_is_not_asked(doctor, fake):
    found = doctor(users={"app": {"password": USERS["app"]}})
    for id in ("L23", "L24", "L25", "L26", "L27", "L28"):
        assert verdict(found, id) == "not evaluated", found[id]
    assert not fake.seen


def test_secrets_of_all_users_are_read_once(doctor, fake):
    users = {"app": {"secret": NAME}, "app2": {"secret": "prod/other"}, "app3": {"secret": NAME}}
    found = doctor(users=users)
    assert "prod/other" in json.dumps(the_problem(found, "L26")) and verdict(found, "L20") == "ok"
    assert fake.count("GetSecretValue") == 2


# --- the way

def test_L24_an_endpoint_that_does_not_answer(doctor, fake):
    shut = fake.settings()["endpoints"] | {"secretsmanager": f"http://127.0.0.1:{processes.free_port()}"}
    found = doctor(aws={"endpoints": shut})
    assert "secretsmanager" in the_problem(found, "L24")["summary"]
    assert [verdict(found, id) for id in ("L25", "L26", "L27")] == ["not evaluated", "not evaluated", "ok"]


def test_L24_another_authority(doctor, certificates, tmp_path):
    with FakeAws(tls=certificates.server) as fake:
        fake.secret(NAME).put(USERS["app"], "AWSCURRENT")
        env = fake.key.environment()
        found = doctor(env=env, aws=fake.settings(ca_file=str(certificates.other_ca.cert)))
        assert "certificate" in json.dumps(the_problem(found, "L24")["evidence"])
        assert verdict(doctor(env=env, aws=fake.settings(ca_file=str(certificates.ca.cert))), "L25") == "ok"


def test_L24_a_service_that_throttles(doctor, fake):
    with fake.misbehaving("throttle", "GetSecretValue"):
        assert verdict(doctor(), "L24") == "warning"


@needs_root
def test_L23_no_way_out(doctor, fake):
    urls = fake.settings()["endpoints"] | {"secretsmanager": "https://203.0.113.7"}
    found = doctor(host="10.99.0.2", inside="true", aws={"endpoints": urls, "timeout": "1s"})
    assert verdict(found, "L23") == "problem"
    assert f"com.amazonaws.{REGION}.secretsmanager" in found["L23"]["fixes"][0]


# --- what AWS answers

DENIED = ("User: " + ROLE + " is not authorized to perform: secretsmanager:GetSecretValue on resource: " + NAME + " {}")


@pytest.mark.parametrize("because, first", [
    ("because no identity-based policy allows the secretsmanager:GetSecretValue action", "role of pgweir does not allow"),
    ("because no VPC endpoint policy allows the secretsmanager:GetSecretValue action", "policy of the VPC endpoint"),
    ("with an explicit deny in a resource-based policy", "secret's own policy"),
    ("Access to KMS is not allowed", "may not decrypt")], ids=["role", "endpoint", "resource", "key"])
def test_L25_denied(doctor, fake, because, first):
    with fake.misbehaving(("AccessDeniedException", DENIED.format(because)), "GetSecretValue"):
        found = doctor()
    finding = the_problem(found, "L25")
    assert first in finding["causes"][0] and len(finding["causes"]) == 4
    assert evidence(finding)["sts GetCallerIdentity"] == ROLE
    assert because in evidence(finding)[f"secretsmanager GetSecretValue {NAME}"]
    assert finding["fixes"][0].startswith("aws iam put-role-policy --role-name pgweir ")
    policy = json.loads(finding["fixes"][0].split("--policy-document ")[1].strip("'"))
    assert policy["Statement"][0]["Resource"] == f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{NAME}-??????"
    assert verdict(found, "L26") == "ok" and verdict(found, "L27") == "ok" and verdict(found, "L20") == "not evaluated"


def test_L25_one_policy_for_all_that_is_denied(doctor, fake):
    users = {"app": {"secret": NAME}, "app2": {"secret": "prod/other"}}
    with fake.misbehaving(("AccessDeniedException", "no"), "GetSecretValue"):
        fixes = the_problem(doctor(users=users), "L25")["fixes"]
    (grant,) = [fix for fix in fixes if "put-role-policy" in fix]
    assert NAME in grant and "prod/other" in grant


def test_L25_a_parameter_is_denied(doctor, fake):
    with fake.misbehaving(("AccessDeniedException", "no"), "GetParameter"):
        fix = the_problem(doctor({"ssm_parameter": "/prod/app"}), "L25")["fixes"][0]
    assert '"ssm:GetParameter"' in fix and f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/prod/app" in fix


@pytest.mark.parametrize("answer, secret, cause, fix", [
    (None, {"secret": "prod/nowhere"}, "another name", "list-secrets"),
    (None, {"secret": "prod-abc123"}, "taken for one", "list-secrets"),
    (None, {"ssm_parameter": "/nowhere"}, "another name", "describe-parameters"),
    (("InvalidRequestException", "marked for deletion"), None, "scheduled for deletion", "restore-secret"),
    (("DecryptionFailure", "Secrets Manager can't decrypt"), None, "key is disabled", "describe-key")],
    ids=["no secret", "partial ARN", "no parameter", "deleted", "key"])
def test_L26_a_secret_that_cannot_be_used(doctor, fake, answer, secret, cause, fix):
    with fake.misbehaving(answer, "GetSecretValue") if answer else contextlib.nullcontext():
        found = doctor(secret)
    finding = the_problem(found, "L26")
    assert cause in finding["causes"][0] and fix in finding["fixes"][0]
    assert verdict(found, "L25") == "ok" and verdict(found, "L14") == "not evaluated"


def test_L26_a_secret_without_a_password(doctor, fake):
    fake.secret(NAME).put({"api_key": CANARY}, "AWSCURRENT")
    assert 'holds no "password"' in the_problem(doctor(), "L26")["evidence"][0]["value"]


@pytest.mark.parametrize("offset", [3600, -3600])
def test_L27_a_wrong_clock(doctor, fake, offset):
    fake.clock_offset = offset
    found = doctor()
    finding = the_problem(found, "L27")
    assert "clock is wrong" in finding["summary"] and {"AWS' clock", "this machine's clock"} <= evidence(finding).keys()
    assert [verdict(found, id) for id in ("L25", "L26")] == ["not evaluated", "not evaluated"]


def test_L27_a_clock_that_is_not_wrong_enough_yet(doctor, fake):
    fake.clock_offset = 200
    found = doctor()
    assert verdict(found, "L27") == "warning" and verdict(found, "L25") == "ok"


def test_L27_an_access_key_that_is_not_known(doctor, fake):
    stranger = fake.add_role("nobody")
    del fake.keys[stranger.access]
    assert "expired" in the_problem(doctor(env=stranger.environment()), "L27")["causes"][0]


def test_L27_another_secret_key(doctor, fake):
    env = fake.key.environment() | {"AWS_SECRET_ACCESS_KEY": f"{CANARY}-other"}
    assert "does not belong to the access key" in the_problem(doctor(env=env), "L27")["causes"][0]


def test_L28_without_credentials(doctor):
    found = doctor(env={})
    assert "no AWS_ACCESS_KEY_ID" in json.dumps(the_problem(found, "L28")["evidence"])
    assert all("L28" in found[id]["summary"] for id in ("L25", "L26", "L27"))


# --- versions of a secret

def test_L14_a_rotation_that_is_under_way(doctor, fake):
    fake.secret(NAME).put({"username": "app", "password": f"{CANARY}-old"}, "AWSCURRENT")
    fake.secret(NAME).put({"username": "app", "password": USERS["app"]}, "AWSPENDING")
    found = doctor()
    assert verdict(found, "L14") == "warning" and verdict(found, "L20") == "ok"


def test_L14_a_rotation_that_the_server_has_not_seen(doctor, fake):
    fake.secret(NAME).put({"username": "app", "password": f"{CANARY}-new"}, "AWSCURRENT")
    fake.secret(NAME).put({"username": "app", "password": USERS["app"]}, "AWSPREVIOUS")
    finding = the_problem(doctor(), "L14")
    assert "not the server" in finding["causes"][0] and f"rotate-secret --secret-id {NAME}" in finding["fixes"][0]


def test_L14_no_version_is_right(doctor, fake):
    for stage in ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"):
        fake.secret(NAME).put({"username": "app", "password": f"{CANARY}-{stage}"}, stage)
    assert len(the_problem(doctor(), "L14")["evidence"]) == 3, "each is tried once"


# --- IAM to the database

@pytest.fixture
def rds(fake):
    made = FakeRds(fake)
    yield made
    made.close()


@pytest.fixture
def by_token(tmp_path, fake, rds, certificates):
    """Of a database that is logged in to by IAM; `hba`: what the server asks the user for."""
    server = TlsCluster()

    def factory(hba=None, env=None):
        (server.data / "pg_hba.conf").write_text((hba or rds.hba(f'"{TOKEN_USER}"'))
                                                 + "host all postgres 127.0.0.1/32 scram-sha-256\n")
        server.show(certificates.server, certificates.ca)
        if not server.execute(f"select 1 from pg_roles where rolname = '{TOKEN_USER}'"):
            server.execute(f"create role \"{TOKEN_USER}\" login password '{CANARY}-role'")
        return diagnose(tmp_path, "localhost", server.port, {"mode": "verify-full", "ca_file": str(certificates.ca.cert)},
                        database={"iam": True}, users={TOKEN_USER: {"password": CANARY}}, aws=fake.settings(),
                        env=fake.key.environment() if env is None else env)

    yield factory
    server.remove()


def test_a_token_that_is_taken(by_token, rds):
    found = by_token()
    assert [verdict(found, id) for id in ("L14", "L15", "L16", "L20", "L27", "L28")] == 6 * ["ok"], found
    assert rds.problems == [] and [verdict(found, id) for id in ("L25", "L26")] == 2 * ["not evaluated"]


def test_L15_a_token_that_is_refused(by_token, rds):
    rds.refuse_next = 1
    finding = the_problem(by_token(), "L15")
    assert f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:DBI_RESOURCE_ID/{TOKEN_USER}" in finding["fixes"][0]
    assert evidence(finding)["sts GetCallerIdentity"] == ROLE and "lacks rds-db:connect" in finding["causes"][0]


@pytest.mark.parametrize("method", ["scram-sha-256", "md5", "password"])
def test_L16_a_user_without_rds_iam(by_token, method):
    finding = the_problem(by_token(f"hostssl all all 127.0.0.1/32 {method}\n"), "L16")
    assert finding["fixes"][0] == f"GRANT rds_iam TO {TOKEN_USER}" and "not granted" in finding["causes"][0]


def test_L28_no_token_without_credentials(by_token):
    found = by_token(env={})
    assert verdict(found, "L15") == "not evaluated" and verdict(found, "L16") == "not evaluated"
    the_problem(found, "L28")


# --- the address

EC2 = {"AWS_EC2_METADATA_DISABLED": ""}


def test_L04_an_address_of_this_vpc(doctor, fake):
    fake.vpc_blocks = "10.20.0.0/16\n127.0.0.0/8"
    assert verdict(doctor(env=fake.key.environment() | EC2), "L04") == "ok"


def test_L04_another_vpc_with_a_way_to_it(doctor, fake):
    found = doctor(env=fake.key.environment() | EC2)
    assert verdict(found, "L04") == "ok" and "there is a way" in found["L04"]["summary"]


def test_L04_another_vpc_without_a_way_to_it(doctor, fake):
    with frozen.listener() as port:
        found = doctor(port=port, env=fake.key.environment() | EC2)
    assert verdict(found, "L04") == "problem" and "create-vpc-peering-connection" in found["L04"]["fixes"][0]
    assert "10.21.0.0/16" in json.dumps(found["L04"]["evidence"])


def test_L04_what_a_task_is_told(doctor, fake):
    env = fake.key.environment() | {"ECS_CONTAINER_METADATA_URI_V4": fake.url + "/task/x"}
    found = doctor(env=env)
    assert verdict(found, "L04") == "not evaluated" and "10.20.1.0/24" in found["L04"]["summary"]
    fake.task_networks = [{"IPv4SubnetCIDRBlock": "127.0.0.0/24"}]
    assert verdict(doctor(env=env), "L04") == "ok"
    assert "S02 and S08" in doctor()["L04"]["summary"]
