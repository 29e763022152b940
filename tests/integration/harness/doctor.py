"""`pgweir doctor CONFIG --json`, in surroundings that a test makes."""

import json
import os
import subprocess

import yaml

from .cluster import CANARY, USERS
from .proxy import binary
from .waiting import seconds

# Nothing of whoever runs the tests.
CLEAN = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}


def diagnose(directory, host="127.0.0.1", port=5432, tls=None, user="app", password=None, inside="", options=(), env=(),
             limits=(), **changes):
    """{id: finding} for one database. `inside`: a shell script that makes its surroundings."""
    config = {"databases": {"app": {"host": host, "port": port, **({"tls": tls} if tls else {}), **changes.pop("database", {})}},
              "users": {user: {"password": password or USERS["app"]}}, "listen": {"max_clients": 100},
              "pool": {"max_size": 5}, **changes}
    (directory / "pgweir.yaml").write_text(yaml.safe_dump(config))
    command = [*limits, binary(), "doctor", str(directory / "pgweir.yaml"), "--json", *options]
    if inside:
        command = ["unshare", "--net", "--mount", "sh", "-ec", f'ip link set lo up; {inside}\nexec "$@"', "sh", *command]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ECS_"))}
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds(60), stdin=subprocess.DEVNULL,
                          env={**clean, **CLEAN, **dict(env)})
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert CANARY not in done.stdout + done.stderr, "a secret is shown"
    findings = {finding["id"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert sorted(findings) == [f"L{number:02}" for number in range(1, 31)]
    assert done.returncode == (1 if any(f["verdict"] == "problem" for f in findings.values()) else 0)
    return findings


def verdict(findings, id):
    return findings[id]["verdict"]


def the_problem(findings, id):
    """It alone is a problem, and nothing that depends on it is said to be well."""
    assert {i: f["summary"] for i, f in findings.items() if f["verdict"] == "problem"} == {id: findings[id]["summary"]}
    assert findings[id]["evidence"]
    number = int(id[1:])
    later = [f"L{n:02}" for n in range(number + 1, 23)] if number < 20 else []
    assert all(verdict(findings, i) != "ok" for i in later if i in ("L20", "L21", "L22"))
    return findings[id]
