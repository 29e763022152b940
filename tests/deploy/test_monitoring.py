"""Alert rules and the dashboard: they parse, fire when they should, and ask only for what a running pgweir exports."""

import json
import re
import subprocess

import pytest
import yaml

from checks import promql


def promtool(*arguments, code=0):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert (done.returncode == 0) == (code == 0), done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def rules_path(root):
    return root / "deploy" / "prometheus" / "pgweir.rules.yml"


@pytest.fixture(scope="module")
def rules(rules_path):
    return [rule for group in yaml.safe_load(rules_path.read_text())["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def dashboard(root):
    return json.loads((root / "deploy" / "grafana" / "pgweir.json").read_text())


@pytest.fixture(scope="module")
def exported(shared, certificates):
    endpoint = shared("tls", changes={"listen": {"tls": {
        "mode": "prefer", "cert_file": str(certificates.server.cert), "key_file": str(certificates.server.key)}}})
    with endpoint.psycopg2() as connection, connection.cursor() as cursor:
        cursor.execute("select 1")
    return promql.series_of(endpoint.http("/metrics")[1])


def expressions(dashboard):
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", ())]


def test_the_rules_and_the_scrape_configuration_are_valid(rules_path):
    promtool("check", "rules", rules_path)
    promtool("check", "config", rules_path.parent / "prometheus.yml")


def test_each_alert_comes_when_it_should_and_not_otherwise(rules_path):
    promtool("test", "rules", rules_path.parent / "pgweir.rules.test.yml")


def test_the_alerts_tests_can_fail(rules_path, tmp_path):
    (tmp_path / "pgweir.rules.yml").write_text(rules_path.read_text().replace('reason="borrow_timeout"',
                                                                             'reason="terminated"'))
    (tmp_path / "test.yml").write_text((rules_path.parent / "pgweir.rules.test.yml").read_text())
    assert "PgweirBorrowTimeouts" in promtool("test", "rules", tmp_path / "test.yml", code=1)


def test_each_alert_is_tested_both_ways(rules, rules_path):
    tests = yaml.safe_load((rules_path.parent / "pgweir.rules.test.yml").read_text())["tests"]
    fires, stays_quiet = set(), set()
    for case in (case for test in tests for case in test["alert_rule_test"]):
        (fires if case["exp_alerts"] else stays_quiet).add(case["alertname"])
    assert {rule["alert"] for rule in rules} == fires == stays_quiet


def test_rules_ask_for_what_pgweir_exports(rules, exported):
    assert [(rule["alert"], p) for rule in rules for p in promql.problems(rule["expr"], exported)] == []


def test_panels_ask_for_what_pgweir_exports(dashboard, exported):
    asked = expressions(dashboard)
    assert len(asked) > 30
    assert [(title, p) for title, expr in asked for p in promql.problems(expr, exported)] == []


@pytest.mark.parametrize("expression, problem", [
    ("rate(pgweir_borrow_waits_bucket[5m])", "no metric pgweir_borrow_waits_bucket"),
    ('pgweir_backends{status="idle"}', "pgweir_backends has no label status"),
    ('pgweir_backends{state=~"idle|asleep"}', 'pgweir_backends has no state="asleep"')])
def test_what_pgweir_does_not_export_is_found(exported, expression, problem):
    assert list(promql.problems(expression, exported)) == [problem]


def test_panels_are_valid_queries(dashboard, tmp_path):
    """As recording rules, since promtool parses these."""
    plain = [expr.replace("$__rate_interval", "5m") for _, expr in expressions(dashboard)]
    groups = {"groups": [{"name": "panels", "rules": [{"record": f"panel:{i}", "expr": expr}
                                                      for i, expr in enumerate(plain)]}]}
    (tmp_path / "panels.yml").write_text(yaml.safe_dump(groups))
    promtool("check", "rules", tmp_path / "panels.yml")


def test_panels_have_ids_places_and_descriptions_of_their_own(dashboard):
    panels = dashboard["panels"]
    taken = [(p["gridPos"]["x"] + dx, p["gridPos"]["y"] + dy) for p in panels
             for dx in range(p["gridPos"]["w"]) for dy in range(p["gridPos"]["h"])]
    assert len(taken) == len(set(taken)) and max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel.get("description") for panel in panels if panel["type"] != "row")


def anchors(text):
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def test_each_alert_has_its_section_in_the_operations_page(rules, root):
    for rule in rules:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert anchor in anchors((root / page).read_text()), rule["alert"]
        assert anchor == rule["alert"].lower() and rule["labels"]["severity"] in ("critical", "warning")
