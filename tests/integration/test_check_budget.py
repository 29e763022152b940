"""`pgweir check --server-connections` and `--connect`: whether all pools of all instances fit into the server."""

import subprocess

import pytest
import yaml

from harness import processes
from harness.cluster import CANARY, USERS
from harness.fake_aws import FakeAws
from harness.proxy import binary
from harness.waiting import seconds
from test_aws_secrets import variables

pytestmark = pytest.mark.own


@pytest.fixture
def check(tmp_path):
    def factory(port, *options, pool=10, users=("app",), databases=("app",), env=None, changes=()):
        path = tmp_path / "pgweir.yaml"
        path.write_text(yaml.safe_dump({
            "databases": {name: {"host": "127.0.0.1", "port": port} for name in databases},
            "users": {name: {"password": USERS[name]} for name in users}, "pool": {"max_size": pool}, **dict(changes)}))
        done = subprocess.run([binary(), "check", path, *map(str, options)], capture_output=True, text=True, timeout=seconds(60),
                              env=variables(**env) | {"PATH": "/usr/bin:/bin"} if env else None)
        assert done.returncode == 0 and CANARY not in done.stderr and done.stdout == f"{path}: ok\n"
        return done.stderr.removeprefix(f"{path}: warning: ").strip()
    return factory


def test_without_being_asked_it_connects_to_nothing_and_warns_of_nothing(check):
    assert check(1, "--tasks", 100) == ""


@pytest.mark.parametrize("options, needed", [(["--tasks", 2], 40), (["--tasks", 3, "--overlap", 1], 30), ([], 20)])
def test_the_pools_are_added_up(check, options, needed):
    assert check(5432, *options, "--server-connections", needed) == ""
    warning = check(5432, *options, "--server-connections", needed - 1)
    assert warning.startswith("127.0.0.1:5432: the pools may need 10 x ") and f"= {needed} connections" in warning
    assert warning.endswith(f"the server has {needed - 1}")


def test_each_user_of_each_database_has_a_pool(check):
    warning = check(5432, "--server-connections", 1, users=("app", "app2"), databases=("app", "other"))
    assert "may need 40 x 1 instances x 2 while deploying = 80" in warning


def test_the_server_is_asked(check, cluster):
    # 100, of which 3 are reserved for superusers.
    assert check(cluster.port, "--connect", "--tasks", 2, pool=24) == ""
    assert check(cluster.port, "--connect", "--tasks", 2, pool=25).endswith("= 100 connections, and the server has 97")


def test_the_server_is_asked_by_a_user_whose_secret_is_in_aws(check, cluster):
    with FakeAws() as fake:
        fake.secret("db").put(USERS["app"], "AWSCURRENT")
        changes = {"users": {"app": {"secret": "db"}}, "aws": fake.settings()}
        by_secret = {"changes": changes, "env": fake.key.environment()}
        assert check(cluster.port, "--connect", "--tasks", 2, pool=25, **by_secret).endswith("the server has 97")
        del fake.secrets["db"]
        assert "secret is not known" in check(cluster.port, "--connect", **by_secret)


def test_a_server_that_cannot_be_asked_is_told(check):
    port = processes.free_port()
    assert check(port, "--connect") == (f"127.0.0.1:{port}: cannot be asked for its connections: connecting is refused; "
                                        "`pgweir doctor` tells more")
