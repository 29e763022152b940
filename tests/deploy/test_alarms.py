"""Every alarm of the stacks, and every alert of Prometheus, against what pgweir really says: it is run into the condition,
and its own lines and metrics decide."""

import pytest
import yaml

from checks import cloudwatch, prometheus
from checks import template as t
from conditions import Conditions
from harness.waiting import until
from test_ecs import STACKS

# What an alarm or alert is for. Of the outage, further down.
CAUSES = {
    "BorrowTimeouts": ["borrow_timeout"],
    "TooManyClients": ["too_many_clients"],
    "TransactionsLeftOpen": ["idle_transaction"],
    "DatabaseLoginsFailed": ["outage"],
    "InternalErrors": ["out_of_memory", "unreadable_state", "audit_finding", "impossible_message",
                       "garbage_from_the_server"],
}
ALERTS = {
    "PgweirDatabaseUnreachable": ["outage"],
    "PgweirServerRefusesLogins": ["refused_login"],
    "PgweirBorrowTimeouts": ["borrow_timeout"],
    "PgweirClientsWaitLong": ["long_wait"],
    "PgweirPoolNearlyFull": ["full_pool"],
    "PgweirManyPinnedSessions": ["pinned"],
    "PgweirTransactionsLeftOpen": ["idle_transaction"],
    "PgweirClientsDoNotRead": ["client_does_not_read"],
    "PgweirTooManyClients": ["too_many_clients"],
    "PgweirOutOfDescriptors": ["no_descriptors"],
    "PgweirWrongPasswords": ["wrong_passwords"],
    "PgweirTlsHandshakesFail": ["tls_handshakes_fail"],
    "PgweirCertificateExpires": ["certificate_expires"],
    "PgweirStateLeaked": ["audit_finding", "impossible_message", "garbage_from_the_server"],
    "PgweirInternalError": ["unreadable_state", "out_of_memory"],
}
OF_PROMETHEUS_ALONE = {"PgweirDown"}  # asks for `up`
LASTING = "DatabaseLoginsFailed"  # counts several minutes
# The last word of a process that an exception ends. Nothing that a test can do makes pgweir say it.
NOT_TO_BE_HAD = {'$.event = "internal_error"'}
FOR_METRICS = [(alert, cause) for alert, causes in ALERTS.items() for cause in causes]


@pytest.fixture(scope="module")
def templates(root):
    return {name: t.load((root / "deploy" / "ecs" / f"{name}.yaml").read_text()) for name in STACKS}


@pytest.fixture(scope="module", autouse=True)
def observe(shared, cluster, certificates):
    conditions = Conditions(shared, cluster, certificates)
    conditions.observe("outage")  # it has to last, so it begins first
    return conditions.observe


@pytest.fixture(scope="module")
def rules_path(root):
    return root / "deploy" / "prometheus" / "pgweir.rules.yml"


def filters_of(template):
    return {f["MetricTransformations"][0]["MetricName"]: f for f in t.resources(template, "AWS::Logs::MetricFilter").values()}


def alarms_of(template):
    """Those that the log feeds."""
    return {a["MetricName"]: a for a in t.resources(template, "AWS::CloudWatch::Alarm").values()
            if isinstance(a["Namespace"], dict)}


def test_every_alarm_and_alert_has_its_condition_here(templates, rules_path):
    for template in templates.values():
        assert filters_of(template).keys() == alarms_of(template).keys() == CAUSES.keys()
    rules = [rule["alert"] for group in yaml.safe_load(rules_path.read_text())["groups"] for rule in group["rules"]]
    assert set(rules) - OF_PROMETHEUS_ALONE == ALERTS.keys()


@pytest.mark.parametrize("metric", CAUSES)
def test_each_condition_of_each_filter_finds_a_line(templates, observe, metric):
    events = [event for cause in CAUSES[metric] for event in observe(cause).events()]
    for stack in STACKS:
        for condition in cloudwatch.parse(filters_of(templates[stack])[metric]["FilterPattern"]).conditions():
            found = any(condition.matches(event) for event in events)
            assert found != (condition.text in NOT_TO_BE_HAD), f"{stack}: nothing has ever said {condition.text}"


@pytest.mark.parametrize("metric, cause", [(metric, cause) for metric, causes in CAUSES.items() for cause in causes
                                           if metric != LASTING])
def test_each_cause_alone_reaches_its_alarm(templates, observe, metric, cause):
    for stack in STACKS:
        assert cloudwatch.fires(alarms_of(templates[stack])[metric], filters_of(templates[stack])[metric],
                                observe(cause).events()), stack


@pytest.mark.parametrize("metric", CAUSES)
def test_an_ordinary_day_reaches_no_alarm(templates, observe, metric):
    for stack in STACKS:
        pattern = cloudwatch.parse(filters_of(templates[stack])[metric]["FilterPattern"])
        assert [event for event in observe("quiet").events() if pattern.matches(event)] == []


@pytest.mark.parametrize("alert, cause", FOR_METRICS)
def test_each_cause_alone_reaches_its_alert(rules_path, tmp_path, observe, alert, cause):
    seen = observe(cause)
    assert prometheus.fires(rules_path, tmp_path, alert, seen.before, seen.after)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_ordinary_day_reaches_no_alert(rules_path, tmp_path, observe, alert):
    seen = observe("quiet")
    assert not prometheus.fires(rules_path, tmp_path, alert, seen.before, seen.after)


@pytest.mark.parametrize("stack", STACKS)
def test_one_minute_of_an_outage_is_not_enough(templates, observe, stack):
    """An alarm for each failover would be ignored."""
    events = observe("outage").events()
    begun = cloudwatch.time_of(events[0])
    first = [event for event in events if cloudwatch.time_of(event) < begun + 60]
    assert first and not cloudwatch.fires(alarms_of(templates[stack])[LASTING], filters_of(templates[stack])[LASTING], first)


@pytest.mark.parametrize("stack", STACKS)
def test_an_outage_that_lasts_reaches_its_alarm(templates, observe, stack):
    """With the lines of a single pool of a single task."""
    alarm, lines = alarms_of(templates[stack])[LASTING], filters_of(templates[stack])[LASTING]
    until(lambda: cloudwatch.fires(alarm, lines, observe("outage").events()), "the alarm is reached", timeout=200, interval=1)
