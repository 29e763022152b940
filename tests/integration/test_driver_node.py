"""node-postgres at its usual work; the script is drivers/node/work.js."""

import pathlib
import subprocess

import pytest

from harness.waiting import seconds

DRIVERS = pathlib.Path(__file__).parent / "drivers"


@pytest.fixture(scope="module")
def modules():
    done = subprocess.run([DRIVERS / "install.sh", "node"], capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("size", [1, 10])
def test_node_postgres(start, modules, size):
    endpoint = start(max_size=size)
    done = subprocess.run(["node", DRIVERS / "node" / "work.js"], capture_output=True, text=True,
                          env={**endpoint.environment(), "NODE_PATH": modules}, timeout=seconds(60),
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "node-postgres: all done"
