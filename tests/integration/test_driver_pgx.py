"""pgx (Go) at its usual work; the program is drivers/pgx. Needs the Go tool chain, so only with --all."""

import os
import pathlib
import subprocess

import pytest

from harness.waiting import seconds

pytestmark = pytest.mark.skipif(os.environ.get("PGWEIR_TEST_ALL") != "1", reason="only with tests/run.sh --all")
SOURCE = pathlib.Path(__file__).parent / "drivers" / "pgx"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    target = tmp_path_factory.mktemp("pgx") / "pgx-work"
    done = subprocess.run(["go", "build", "-mod=readonly", "-o", target, "."], cwd=SOURCE, capture_output=True,
                          text=True, timeout=600, stdin=subprocess.DEVNULL,
                          env={"HOME": "/root", **os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"})
    assert done.returncode == 0, done.stderr
    return target


@pytest.mark.parametrize("size", [1, 10])
def test_pgx(start, program, size):
    endpoint = start(max_size=size)
    done = subprocess.run([program], env=endpoint.environment(), capture_output=True, text=True, timeout=seconds(90),
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "pgx: all done"
