"""deploy/Dockerfile, built and run: `tests/run.sh --container`, as root, with buildah, podman and runc.

The base is made by debootstrap, since a registry is not always to be had; the rest is what users build."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
sys.path.insert(0, str(TESTS / "integration"))

from harness import processes  # noqa: E402
from harness.cluster import Cluster, USERS  # noqa: E402
from harness.waiting import until  # noqa: E402

import psycopg2  # noqa: E402
import yaml  # noqa: E402

TAG = "pgweir-container-test"
SIZE_MAX = 40_000_000
# runc does without systemd and with whatever limits the caller has.
RUN = ["podman", "--runtime", "runc", "run", "--network", "host", "--no-healthcheck", "--read-only",
       "--read-only-tmpfs=false", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
       "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]


def run(*command, code=0, timeout=120, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=timeout, **options)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def image():
    cache = pathlib.Path(run(TESTS / "integration" / "drivers" / "install.sh", "cache").stdout.strip())
    run(ROOT / "deploy" / "container" / "build.sh", "--debootstrap", "--tag", TAG, "--ccache", cache / "image-ccache",
        timeout=1500, env={"BUILDAH_ISOLATION": "chroot", **os.environ})
    yield json.loads(run("podman", "inspect", TAG).stdout)[0]
    run("buildah", "rmi", TAG)


@pytest.fixture(scope="module")
def files(image):
    """The image's directory tree."""
    container = run("buildah", "from", TAG).stdout.strip()
    yield pathlib.Path(run("buildah", "mount", container).stdout.strip())
    run("buildah", "rm", container)


@pytest.fixture(scope="module")
def cluster():
    server = Cluster()
    yield server
    server.remove()


def executables(root):
    """What could be started, libraries aside."""
    return {str(path.relative_to(root)) for path in root.rglob("*")
            if path.is_file() and not path.is_symlink() and os.access(path, os.X_OK) and ".so" not in path.name}


def test_it_is_small(image):
    print(f"\nimage: {image['Size'] / 1e6:.1f} MB")
    assert image["Size"] < SIZE_MAX


def test_nothing_in_it_can_be_started_but_pgweir(files, tmp_path):
    assert executables(files) == {"usr/bin/pgweir"}
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").touch(0o755)
    assert executables(tmp_path) == {"bin/sh"}


def test_it_runs_as_nobody_in_particular_and_knows_its_health_check(image):
    assert image["Config"]["User"] == "65532:65532"
    assert image["Config"]["StopSignal"] in ("SIGTERM", "15")
    declared = {key.lower(): value for key, value in {**image["Config"], **image}.items()}
    # Without --ready: whoever restarts what fails it must not do so while a database is away.
    assert declared["healthcheck"]["Test"][1:] == ["/usr/bin/pgweir", "healthcheck", "/etc/pgweir/pgweir.yaml"]


def test_nothing_in_it_is_writable_for_that_user(files):
    assert [path for path in files.rglob("*") if not path.is_symlink()
            and (path.stat().st_uid == 65532 or path.stat().st_mode & 0o002)] == []


def test_the_base_is_pinned_by_its_digest():
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "scratch"]


def test_it_says_what_is_in_it(files):
    bill = json.loads((files / "usr/share/pgweir/sbom.cdx.json").read_text())
    named = {part["name"] for part in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX" and {"libc6", "libssl3", "libstdc++6", "ca-certificates"} <= named
    for part in bill["components"]:
        record = (files / "var/lib/dpkg/status.d" / part["name"]).read_text()
        assert f"\nVersion: {part['version']}\n" in record and part["purl"].startswith("pkg:deb/debian/")
        assert (files / "usr/share/doc" / part["name"] / "copyright").is_file()


@pytest.fixture
def served(image, cluster, tmp_path):
    """A running container, its port, and the name to talk to it by."""
    tmp_path.chmod(0o755)
    port, admin = processes.free_port(), processes.free_port()
    config = tmp_path / "pgweir.yaml"
    config.write_text(yaml.safe_dump({
        "listen": {"host": "127.0.0.1", "port": port, "max_clients": 500}, "admin": {"port": admin},
        "databases": {"app": {"host": "127.0.0.1", "port": cluster.port}},
        "users": {"app": {"password_env": "APP_PASSWORD"}}, "timeouts": {"drain": "5s"}}))
    name = f"{TAG}-{port}"
    run(*RUN, "--detach", "--name", name, "--volume", f"{config}:/etc/pgweir/pgweir.yaml:ro", "--env",
        f"APP_PASSWORD={USERS['app']}", TAG)
    yield name, port
    run("podman", "rm", "--force", "--time", "1", name, code=None)


def healthcheck(name):
    return run("podman", "--runtime", "runc", "exec", name, "/usr/bin/pgweir", "healthcheck", "/etc/pgweir/pgweir.yaml",
               code=None).returncode


def test_it_serves_with_a_read_only_root_and_drains(served):
    name, port = served
    until(lambda: healthcheck(name) == 0, "the health check is content", 30)
    connection = psycopg2.connect(host="127.0.0.1", port=port, user="app", password=USERS["app"], dbname="app",
                                  connect_timeout=10)
    with connection.cursor() as cursor:
        cursor.execute("select 40 + 2")
        assert cursor.fetchone() == (42,)
    connection.close()
    state = json.loads(run("podman", "inspect", name).stdout)[0]
    status = pathlib.Path(f"/proc/{state['State']['Pid']}/status").read_text()
    assert re.search(r"^Uid:\s+65532\s+65532", status, re.MULTILINE) and re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert state["HostConfig"]["ReadonlyRootfs"]
    run("podman", "stop", "--time", "20", name)
    assert json.loads(run("podman", "inspect", name).stdout)[0]["State"]["ExitCode"] == 0


def test_a_process_that_is_not_there_fails_the_health_check(image, tmp_path):
    tmp_path.chmod(0o755)
    config = tmp_path / "pgweir.yaml"
    config.write_text(yaml.safe_dump({"admin": {"port": processes.free_port()}, "databases": {"app": {"host": "127.0.0.1"}},
                                      "users": {"app": {"password": "x"}}}))
    done = run(*RUN, "--rm", "--volume", f"{config}:/etc/pgweir/pgweir.yaml:ro", TAG, "healthcheck",
               "/etc/pgweir/pgweir.yaml", code=None)
    assert done.returncode == 1
