"""`pgweir-bench fleet`: a small fleet against PostgreSQL and against pgweir."""

import json
import os
import pathlib
import signal
import subprocess

import pytest

from harness import proxy as proxies
from harness.cluster import SUPERUSER, SUPERUSER_PASSWORD, USERS
from harness.waiting import seconds, until

pytestmark = pytest.mark.own


def program():
    return str(pathlib.Path(proxies.binary()).parent / "pgweir-bench")


def watch(cluster):
    return f"host={cluster.host} port={cluster.port} user={SUPERUSER} password={SUPERUSER_PASSWORD} dbname=postgres"


def command(cluster, targets, *options):
    named = [text for name, endpoint in targets.items()
             for text in ("--target", f"{name}={endpoint.host}:{endpoint.port}")]
    return [program(), "fleet", *named, "--user", "app", "--database", "app", "--watch", watch(cluster),
            *(str(option) for option in options)]


def environment():
    return {**os.environ, "PGPASSWORD": USERS["app"]}


def run(cluster, targets, *options, code=0):
    done = subprocess.run(command(cluster, targets, *options), env=environment(), capture_output=True, text=True,
                          timeout=seconds(150))
    assert done.returncode == code, done.stdout + done.stderr
    return done


def by_name(report):
    return {target["name"]: target for target in report["targets"]}


def add_up(report):
    """What the parts of a report say about the whole."""
    for target in report["targets"]:
        counts, environments = target["invocations"], target["environments"]
        parts = ("served", "failed", "unfinished", "unstarted", "abandoned", "not_due")
        assert counts["planned"] == report["schedule"]["invocations"] == sum(counts[part] for part in parts)
        assert sum(query["served"] for query in target["queries"]) == counts["served"]
        assert sum(query["failed"] for query in target["queries"]) == counts["failed"]
        assert sum(target["failures_by_code"].values()) == counts["failed"]
        assert sum(failure["count"] for failure in target["failures"]) == counts["failed"]
        assert sum(loss["count"] for loss in target["lost_connections"]) == target["connections"]["lost"]
        timeouts = target["failures_by_code"].get("TIMEOUT", 0)
        waited = counts["served"] + counts["unfinished"] + counts["unstarted"] + timeouts
        assert target["latency_us"]["count"] == waited
        assert target["error_latency_us"]["count"] == counts["failed"] - timeouts
        assert target["login_us"]["count"] == target["connections"]["opened"]
        series = target["series"]
        assert sum(series["served"]) == counts["served"] and sum(series["failed"]) == counts["failed"]
        assert sum(series["due"]) == counts["planned"] - counts["not_due"]
        assert max(series["connections"], default=0) == target["connections"]["max"]
        assert max(series["server_connections"]) == target["server_connections"]["max"]
        assert environments["frozen"] >= environments["thawed"]


# More environments than the server's 100 connections. Every one of them freezes now and then, some inside a
# transaction; some vanish, and leave their connection open.
FREEZING = ("--environments", 160, "--burst", 120, "--arrival-rate", 40, "--duration", 6, "--think-time", 0.5,
            "--freeze", 0.2, "--freeze-time", 0.5, "--freeze-in-transaction", 0.1, "--reap", 0.1, "--no-progress")


def test_the_same_fleet_directly_and_through_pgweir(cluster, direct, start, tmp_path):
    pooled = start(max_size=20)
    page, copy = tmp_path / "fleet.html", tmp_path / "fleet.json"
    done = run(cluster, {"direct": direct, "pgweir": pooled}, *FREEZING, "--json", "--html", page, "--json-file", copy)
    report = json.loads(done.stdout)
    assert json.loads(copy.read_text()) == report and done.stderr == ""
    add_up(report)
    schedule, targets = report["schedule"], by_name(report)
    assert schedule["freezes"] > 50 and schedule["reaped"] > 5 and schedule["frozen_in_transaction"] > 5

    # The server refuses what does not fit, and those that vanished still hold their connections.
    refused = targets["direct"]
    assert refused["failures_by_code"].get("53300", 0) > 0 and refused["connections"]["refused"] > 0
    assert refused["connections"]["max"] <= 100

    served = targets["pgweir"]
    assert served["failures"] == [] and served["lost_connections"] == []
    assert served["invocations"]["served"] + served["invocations"]["abandoned"] == schedule["invocations"]
    assert served["environments"]["arrived"] == schedule["environments"] == served["connections"]["opened"] > 100
    assert served["connections"]["max"] == schedule["environments"]  # the reaped ones are still open
    assert served["environments"]["reaped"] > 0 and served["environments"]["frozen_in_transaction"] > 0
    assert served["server_connections"]["max"] <= 20

    text = page.read_text()
    assert text.count("<svg") == 6 and "53300" in text and "http" not in text
    assert USERS["app"] not in text + done.stdout and SUPERUSER_PASSWORD not in text + done.stdout


def test_the_seed_alone_makes_the_schedule(cluster, start):
    pooled = start(max_size=5)
    options = ("--environments", 5, "--burst", 5, "--duration", 0.5, "--invocation-rate", 20, "--json",
               "--no-progress")
    reports = [json.loads(run(cluster, {"pgweir": pooled}, *options, "--seed", seed).stdout) for seed in (7, 7, 8)]
    digests = [report["schedule"]["digest"] for report in reports]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("connections, reaping", [("cached", "close"), ("cached", "reset"), ("per-invocation", "silent")])
def test_connections_of_the_reaped_end(cluster, start, connections, reaping):
    pooled = start(max_size=5)
    report = json.loads(run(
        cluster, {"pgweir": pooled}, "--environments", 20, "--burst", 20, "--duration", 3, "--invocations", 3,
        "--invocation-rate", 20, "--freeze-time", 0.1, "--connections", connections, "--reaping", reaping, "--json",
        "--no-progress", "--fail-on-errors").stdout)
    add_up(report)
    target, = report["targets"]
    assert target["environments"]["reaped"] == 20 and target["invocations"]["served"] == 60
    assert target["connections"]["opened"] == (60 if connections == "per-invocation" else 20)
    until(lambda: pooled.metric("pgweir_clients") == 0, "pgweir has noticed that the clients are gone")


def test_who_is_cut_off_while_frozen_in_a_transaction_is_told_so(cluster, start, tmp_path):
    mix = tmp_path / "mix"
    mix.write_text("one 1: SELECT 1\n")
    pooled = start(max_size=10, changes={"timeouts": {"idle_transaction": "300ms"}})
    report = json.loads(run(
        cluster, {"pgweir": pooled}, "--environments", 10, "--burst", 10, "--duration", 4, "--spacing", "even",
        "--think-time", 0.5, "--mix", mix, "--freeze", 1, "--freeze-time", 1.5, "--freeze-in-transaction", 1, "--json",
        "--no-progress", "--fail-on-errors", code=1).stdout)
    add_up(report)
    target, = report["targets"]
    assert target["failures_by_code"] == {"25P03": 20}  # due at 0 and 1.5 s; that of 3 s thaws after the end
    assert {failure["stage"] for failure in target["failures"]} == {"thawing"}
    assert target["invocations"]["abandoned"] == 10 and target["environments"]["frozen_in_transaction"] == 30
    assert target["connections"]["opened"] == 30


def test_latency_counts_from_when_an_invocation_was_due(cluster, start, tmp_path):
    """One environment, a query of 0.2 s every 0.1 s: the tenth waits for a second before it can begin."""
    pooled = start(max_size=2)
    mix = tmp_path / "mix"
    mix.write_text("slow 1:\n  SELECT pg_sleep(0.2)\n")
    report = json.loads(run(
        cluster, {"pgweir": pooled}, "--environments", 1, "--burst", 1, "--duration", 1, "--spacing", "even",
        "--think-time", 0.1, "--mix", mix, "--json", "--no-progress").stdout)
    add_up(report)
    target, = report["targets"]
    assert target["invocations"]["served"] == 10 and target["invocations"]["late"] >= 9
    assert 1_050_000 < target["latency_us"]["max"] < seconds(3_000_000)
    assert target["start_delay_us"]["max"] > 850_000


def test_an_interrupt_ends_the_run_with_a_report(cluster, direct, start):
    pooled = start(max_size=5)
    child = subprocess.Popen(
        command(cluster, {"pgweir": pooled, "direct": direct}, "--environments", 20, "--burst", 20, "--duration", 60,
                "--json", "--no-progress"),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: pooled.metric("pgweir_clients") == 20, "all environments are there")
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=seconds(20))
    finally:
        child.kill()
    assert child.returncode == 0, err
    report = json.loads(out)
    target, = report["targets"]
    assert target["interrupted"] and target["invocations"]["not_due"] > 0
    add_up(report)


def test_what_cannot_run_says_why(cluster, tmp_path):
    mix = tmp_path / "mix"
    mix.write_text("good 1: SELECT 1\nbad: SELECT 2\n")
    for options, sentence in (
            (("--target", "nonsense"), "--target nonsense is not NAME=HOST:PORT"),
            (("--target", "a=127.0.0.1:1", "--freeze", "2"), "--freeze is not a probability"),
            (("--target", "a=127.0.0.1:1", "--mix", mix), f"{mix}:2: the weight"),
            (("--target", "a=127.0.0.1:1", "--mix", tmp_path / "none"), "none: cannot be read"),
            (("--target", "a=127.0.0.1:1", "--html", tmp_path / "none" / "x"), "x: cannot be written"),
            (("--target", "a=127.0.0.1:1", "--watch", "host=127.0.0.1 port=1"), "--watch: ")):
        done = subprocess.run([program(), "fleet", *map(str, options)], capture_output=True, text=True, timeout=seconds(30))
        assert done.returncode == 2 and sentence in done.stderr, (options, done)


def test_a_target_that_does_not_answer_is_a_result(cluster, start):
    nobody = proxies.Endpoint()
    nobody.port = 1
    report = json.loads(run(cluster, {"nobody": nobody}, "--environments", 3, "--burst", 3, "--duration", 0.5,
                            "--invocation-rate", 10, "--json", "--no-progress").stdout)
    add_up(report)
    target, = report["targets"]
    assert target["invocations"]["failed"] == report["schedule"]["invocations"] > 0
    assert set(target["failures_by_code"]) == {"ECONNREFUSED"}
