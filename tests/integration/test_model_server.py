"""The model of a server that the simulation uses (docs/simulation.md) answers as the PostgreSQL of this run does."""

import os
import pathlib
import random
import subprocess
import sys

import pytest

from harness.proxy import binary
from harness.waiting import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = pathlib.Path(binary()).parent / "model_pipe"
# New scripts each time where there is time for many; the same ones otherwise.
COUNT, SEED = (600, random.randrange(10 ** 9)) if os.environ.get("PGWEIR_TEST_ALL") else (40, 1)


@pytest.mark.own
@pytest.mark.skipif(not MODEL.exists(), reason="only the release build has the simulation")
def test_the_model_answers_as_this_server_does(own_cluster):
    own_cluster.stop()
    (own_cluster.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")
    # What the model has is what PostgreSQL has without a configuration.
    (own_cluster.data / "postgresql.conf").write_text(
        f"port = {own_cluster.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"
        "timezone = 'Etc/UTC'\nfsync = off\n")
    own_cluster.start()
    done = subprocess.run([sys.executable, ROOT / "tests/simulation/model/compare.py", MODEL,
                           "--port", str(own_cluster.port), "--seed", str(SEED),
                           "--count", str(COUNT)], capture_output=True, text=True, timeout=seconds(600))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert f"{COUNT} scripts against PostgreSQL" in done.stdout
