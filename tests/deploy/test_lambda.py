"""The handlers of deploy/lambda/, each in an environment of its own that is warm between requests, through TLS."""

import json
import os
import shutil
import subprocess

import pytest

from harness import tls
from harness.cluster import USERS
from harness.fake_aws import ACCOUNT, REGION, FakeAws
from harness.waiting import until

PYTHON = ("psycopg2_password", "psycopg2_iam", "psycopg3_password", "psycopg3_iam")
NODE = ("pg_password", "pg_iam")
GOOD = [f"python/{name}.py" for name in PYTHON] + [f"node/{name}.js" for name in NODE]

SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app"
SERVER_ID = "weir-test"

# What the runtimes of Lambda bring and this machine lacks.
STUBS = {
    "boto3.py": f"""
import json, os
class Client:
    def get_secret_value(self, SecretId):
        assert SecretId == "{SECRET}"
        return {{"SecretString": json.dumps({{"username": "app", "password": os.environ["SECRET_VALUE"]}})}}
def client(service):
    assert service == "secretsmanager"
    return Client()
""",
    "node_modules/@aws-sdk/client-sts/index.js": """
const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
exports.STSClient = class {
  config = { credentials: async () => ({ accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY,
                                         sessionToken: AWS_SESSION_TOKEN }) };
};
""",
}


@pytest.fixture(scope="module")
def node_modules(root):
    done = subprocess.run([root / "tests" / "integration" / "drivers" / "install.sh", "node"], capture_output=True,
                          text=True, timeout=600, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module", autouse=True)
def table(cluster):
    cluster.execute("create table visits (id bigint generated always as identity, name text); "
                    "grant all on visits to app", "app")


class Environment:
    """One function environment."""

    def __init__(self, command, variables):
        self.process = subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def invoke(self, name):
        self.process.stdin.write(json.dumps({"name": name}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(20)
        self.process.stdout.close()
        return code


@pytest.fixture
def environment(root, certificates, node_modules, worker, tmp_path):
    """Factory: the deployment package of a handler, started."""
    running = []

    def factory(handler, endpoint, **variables):
        package = tmp_path / f"package{len(running)}"
        package.mkdir()
        source = root / "deploy" / "lambda" / handler
        shutil.copy(source, package)
        for name, text in STUBS.items():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(text)
        for helper in (root / "deploy" / "lambda" / "iam").iterdir():
            shutil.copy(helper, package)
        command = (["node", root / "tests/deploy/invoke.js"] if source.suffix == ".js" else
                   ["/usr/bin/python3", root / "tests/deploy/invoke.py"])
        running.append(Environment([*command, package / source.name], {
            "PATH": os.environ["PATH"], "NODE_PATH": node_modules, "DB_HOST": "localhost", "DB_PORT": str(endpoint.port),
            "DB_NAME": "app", "DB_USER": "app", "DB_CA_FILE": str(certificates.ca.cert), "DB_PASSWORD": USERS["app"],
            "SECRET_VALUE": USERS["app"], "AWS_REGION": REGION, "PGWEIR_SERVER_ID": SERVER_ID, "HOME": "/nonexistent",
            **worker.environment(), **variables}))
        return running[-1]

    yield factory
    for one in running:
        assert one.end() == 0


@pytest.fixture(scope="module")
def sts():
    with FakeAws() as made:
        yield made


@pytest.fixture(scope="module")
def worker(sts):
    """The credentials of the function's role."""
    return sts.add_role("worker")


@pytest.fixture
def proxy(start, certificates, sts):
    """For handlers that come by role, and for those that come by password."""
    def factory(handler, **changes):
        roles = {"iam": {"roles": [f"arn:aws:iam::{ACCOUNT}:role/worker"]}} if "iam" in handler else {}
        user = {"password": USERS["app"], **roles}
        return start(max_size=1, changes={**tls.listen(certificates.server, "require"), "users": {"app": user},
                                          "aws": sts.settings(), **changes})
    return factory


def visits(cluster, name):
    return cluster.execute(f"select count(*) from visits where name = '{name}'", "app")[0][0]


@pytest.mark.parametrize("handler", GOOD)
def test_it_commits_and_gives_its_server_connection_back(proxy, environment, cluster, handler):
    endpoint, name = proxy(handler), f"commits {handler}"
    warm = environment(handler, endpoint)
    ids = [int(warm.invoke(name)["result"]["id"]) for _ in range(3)]
    assert ids == sorted(set(ids)) and visits(cluster, name) == 3
    assert endpoint.metric("pgweir_clients_accepted_total") == 1, "a warm environment keeps its connection"
    until(lambda: endpoint.metric("pgweir_backends", state="borrowed") == 0, "nothing is held while it is frozen")


@pytest.mark.parametrize("handler", GOOD)
def test_a_connection_that_was_closed_meanwhile_costs_nobody_a_request(proxy, environment, cluster, handler):
    """The task was replaced, or its idle clients were closed, while the environment was frozen."""
    endpoint, name = proxy(handler), f"replaced {handler}"
    warm = environment(handler, endpoint)
    assert "result" in warm.invoke(name)
    endpoint.stop()
    endpoint.start()
    assert "result" in warm.invoke(name) and visits(cluster, name) == 2


@pytest.mark.parametrize("handler", GOOD)
def test_its_own_mistakes_leave_nothing_behind(proxy, environment, cluster, handler):
    endpoint = proxy(handler)
    cluster.execute("alter table visits add constraint no_bad check (name <> 'bad')", "app")
    warm = environment(handler, endpoint)
    try:
        assert "no_bad" in warm.invoke("bad")["error"]
        assert "result" in warm.invoke(f"good {handler}")
    finally:
        cluster.execute("alter table visits drop constraint no_bad", "app")
    until(lambda: endpoint.metric("pgweir_backends", state="borrowed") == 0, "nothing is held")


@pytest.mark.parametrize("handler", [handler for handler in GOOD if "iam" in handler])
def test_the_role_is_what_counts(proxy, environment, sts, handler):
    endpoint = proxy(handler)
    assert "result" in environment(handler, endpoint, DB_PASSWORD="wrong").invoke("by role")
    assert endpoint.metric("pgweir_iam_verifications_total", result="verified") == 1
    other = environment(handler, endpoint, **sts.add_role("other").environment())
    assert "error" in other.invoke("by another role")
    elsewhere = environment(handler, endpoint, PGWEIR_SERVER_ID="another-pgweir")
    assert "error" in elsewhere.invoke("for another pgweir")


@pytest.mark.parametrize("handler", ["python/psycopg2_password.py", "python/psycopg3_password.py"])
def test_the_password_may_come_from_secrets_manager(proxy, environment, handler):
    warm = environment(handler, proxy(handler), DB_PASSWORD="wrong", DB_SECRET_ARN=SECRET)
    assert "result" in warm.invoke("secret")


@pytest.mark.parametrize("handler", GOOD)
def test_it_trusts_nobody_else(proxy, environment, certificates, handler):
    warm = environment(handler, proxy(handler), DB_CA_FILE=str(certificates.other_ca.cert))
    assert "certificate" in warm.invoke("somebody in between")["error"]


def test_the_handler_that_never_commits_loses_its_transaction_and_nobody_else_anything(proxy, environment):
    endpoint = proxy("never_commits", timeouts={"idle_transaction": "1s"})
    frozen = environment("python/never_commits.py", endpoint)
    assert "result" in frozen.invoke("x")
    assert endpoint.metric("pgweir_backends", state="borrowed") == 1, "it holds the only one"
    other = environment("python/psycopg2_password.py", endpoint)
    assert "result" in other.invoke("waits for at most a second")
    assert endpoint.metric("pgweir_clients_ended_total", reason="idle_transaction_timeout") == 1
    assert "OperationalError" in frozen.invoke("x")["error"]
