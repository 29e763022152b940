"""The systemd unit, as far as it can be judged without being process 1."""

import re
import subprocess

import pytest
import yaml

from harness.proxy import binary

EXPOSURE_MAX = 15  # in tenths; systemd calls anything below 2.0 "OK"


@pytest.fixture
def unit(root):
    return (root / "deploy" / "systemd" / "pgweir.service").read_text()


def exposure(text, tmp_path):
    path = tmp_path / "pgweir.service"
    path.write_text(text)
    return subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", path],
                          capture_output=True, text=True, timeout=300)


def verify(text, tmp_path):
    path = tmp_path / "pgweir.service"
    path.write_text(text.replace("/usr/bin/pgweir", binary()))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, timeout=300)
    # What other units of this machine do wrong is told, too.
    return done.returncode, [line for line in done.stderr.splitlines() if "pgweir.service" in line]


def test_it_is_a_valid_unit(unit, tmp_path):
    assert verify(unit, tmp_path) == (0, [])


def test_an_unknown_key_is_found(unit, tmp_path):
    assert verify(unit.replace("LockPersonality=", "LockPersonalty="), tmp_path)[1]


def test_it_leaves_the_program_little_to_do_harm_with(unit, tmp_path):
    done = exposure(unit, tmp_path)
    assert done.returncode == 0, done.stdout[-300:]


@pytest.mark.parametrize("key", ["SystemCallFilter", "CapabilityBoundingSet", "RestrictNamespaces"])
def test_it_would_be_noticed_if_a_restriction_went(unit, tmp_path, key):
    assert exposure(re.sub(rf"(?m)^{key}=.*\n", "", unit), tmp_path).returncode != 0


def value(unit, key):
    return re.search(rf"(?m)^{key}=(.*)$", unit)[1]


def test_a_drain_ends_before_systemd_loses_patience(unit, root):
    example = yaml.safe_load((root / "deploy" / "pgweir.example.yaml").read_text())
    drain = int(example["timeouts"]["drain"].removesuffix("s"))
    assert int(value(unit, "TimeoutStopSec").removesuffix("s")) >= drain + 10
    assert int(value(unit, "LimitNOFILE")) > example["listen"]["max_clients"] + 1000
