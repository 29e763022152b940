"""JDBC at its usual work; the program is drivers/jdbc. Needs a JDK, so only with --all."""

import os
import pathlib
import subprocess

import pytest

from harness.cluster import USERS
from harness.waiting import seconds

pytestmark = pytest.mark.skipif(os.environ.get("PGWEIR_TEST_ALL") != "1", reason="only with tests/run.sh --all")
SOURCE = pathlib.Path(__file__).parent / "drivers" / "jdbc"
LIBRARY = "/usr/share/java/postgresql.jar"


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    target = tmp_path_factory.mktemp("jdbc")
    done = subprocess.run(["javac", "-cp", LIBRARY, "-d", target, SOURCE / "Work.java"], capture_output=True, text=True,
                          timeout=300, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return target


@pytest.mark.parametrize("size", [1, 10])
def test_jdbc(start, classes, size):
    endpoint = start(max_size=size)
    url = f"jdbc:postgresql://{endpoint.host}:{endpoint.port}/app"
    done = subprocess.run(["java", "-cp", f"{classes}:{LIBRARY}:/usr/share/java/*", "Work", url, "app", USERS["app"]],
                          capture_output=True, text=True, timeout=seconds(120), stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "JDBC: all done"
