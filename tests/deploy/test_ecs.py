"""The CloudFormation templates: valid, and by the rules of this project. Each rule is shown a template that breaks it."""

import copy
import os
import re
import subprocess

import pytest

from checks import template as t
from harness.proxy import binary

STACKS = ("service-nlb", "service-cloudmap")
EXPECTED = {
    "service-nlb": {("ClientSecurityGroupId", "BalancerSecurityGroup", 5432),
                    ("BalancerSecurityGroup", "TaskSecurityGroup", 5432),
                    ("BalancerSecurityGroup", "TaskSecurityGroup", 9127)},
    "service-cloudmap": {("ClientSecurityGroupId", "TaskSecurityGroup", 5432)},
}
WITH_ROLES = ', iam: {roles: ["arn:aws:iam::123456789012:role/worker", "arn:aws:iam::123456789012:role/other"]}'
BEHIND = {("TaskSecurityGroup", "DbSecurityGroupId", "DbPort"), ("TaskSecurityGroup", "EndpointSecurityGroup", 443)}


@pytest.fixture(scope="module")
def templates(root):
    return {path.stem: t.load(path.read_text()) for path in (root / "deploy" / "ecs").glob("*.yaml")}


@pytest.fixture
def stack(templates):
    """Copies to break."""
    return lambda name="service-nlb": copy.deepcopy(templates[name])


def test_cfn_lint_has_nothing_to_say(root, templates):
    lint = subprocess.run([root / "tests" / "deploy" / "install.sh"], capture_output=True, text=True, timeout=600)
    assert lint.returncode == 0, lint.stderr
    paths = [root / "deploy" / "ecs" / f"{name}.yaml" for name in templates]
    done = subprocess.run([lint.stdout.strip(), "--include-checks", "I", "--", *paths], capture_output=True, text=True,
                          timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("check", [t.addresses_in_rules, t.open_groups, t.wide_permissions, t.trust_without_source])
def test_every_template_keeps(templates, check):
    assert len(templates) == 3
    assert [(name, p) for name, template in templates.items() for p in check(template)] == []


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("check", [t.single_zone, t.weak_container])
def test_the_stacks_keep(templates, name, check):
    assert list(check(templates[name])) == []


def test_the_balancer_keeps(templates):
    assert list(t.weak_balancer(templates["service-nlb"])) == []


@pytest.mark.parametrize("name", STACKS)
def test_packets_go_from_function_to_database_and_nowhere_else(templates, name):
    assert t.arrows(templates[name]) == EXPECTED[name] | BEHIND


def resource(template, name):
    return template["Resources"][name]["Properties"]


def attribute(template, key, value):
    for pair in resource(template, "TargetGroup")["TargetGroupAttributes"] + resource(template, "Listener")["ListenerAttributes"]:
        if pair["Key"] == key:
            pair["Value"] = value


def statement(template, **changes):
    resource(template, "ExecutionRole")["Policies"][0]["PolicyDocument"]["Statement"][1].update(changes)


def change_configuration(template, old, new):
    value = next(e["Value"] for e in t.container(template)["Environment"] if e["Name"] == "PGWEIR_CONFIG")["Fn::Sub"]
    assert old in value[0]
    value[0] = value[0].replace(old, new)


BROKEN = {
    "an open address": (t.addresses_in_rules, lambda x: (
        resource(x, "DatabaseFromTask").pop("SourceSecurityGroupId"), resource(x, "DatabaseFromTask").update(CidrIp="0.0.0.0/0"))),
    "an address inside": (t.addresses_in_rules, lambda x: resource(x, "TaskSecurityGroup").update(
        SecurityGroupIngress=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "CidrIp": "10.0.0.0/8"}])),
    "an open IPv6 address": (t.addresses_in_rules, lambda x: resource(x, "TaskToDatabase").update(CidrIpv6="::/0")),
    "a group that speaks to all": (t.open_groups, lambda x: [x["Resources"].pop(n) for n in (
        "BalancerToTask", "BalancerToTaskHealth")]),
    "a wildcard in an action": (t.wide_permissions, lambda x: statement(x, Action="ecr:*")),
    "every action": (t.wide_permissions, lambda x: statement(x, Action=["*"])),
    "every resource": (t.wide_permissions, lambda x: statement(x, Resource="*")),
    "a managed policy": (t.wide_permissions, lambda x: resource(x, "TaskRole").update(
        ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])),
    "a wildcard behind a condition": (t.wide_permissions, lambda x: resource(x, "ExecutionRole")["Policies"][0][
        "PolicyDocument"]["Statement"][4]["Fn::If"][1].update(Action="kms:*")),
    "a role for everybody's tasks": (t.trust_without_source, lambda x: resource(x, "TaskRole")[
        "AssumeRolePolicyDocument"]["Statement"][0].pop("Condition")),
    "one subnet": (t.single_zone, lambda x: resource(x, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"].update(
        Subnets=[{"Ref": "SubnetA"}])),
    "subnets of one zone": (t.single_zone, lambda x: x["Rules"].pop("Zones")),
    "one task": (t.single_zone, lambda x: x["Parameters"]["DesiredCount"].update(MinValue=1)),
    "a writable root": (t.weak_container, lambda x: t.container(x).update(ReadonlyRootFilesystem=False)),
    "root": (t.weak_container, lambda x: t.container(x).pop("User")),
    "capabilities": (t.weak_container, lambda x: t.container(x).pop("LinuxParameters")),
    "no health check": (t.weak_container, lambda x: t.container(x).pop("HealthCheck")),
    "a health check that asks for the database": (t.weak_container, lambda x: t.container(x)["HealthCheck"]["Command"].append(
        "--ready")),
    "a public address": (t.weak_container, lambda x: resource(x, "Service")["NetworkConfiguration"][
        "AwsvpcConfiguration"].update(AssignPublicIp="ENABLED")),
    "no circuit breaker": (t.weak_container, lambda x: resource(x, "Service")["DeploymentConfiguration"].pop(
        "DeploymentCircuitBreaker")),
    "a public balancer": (t.weak_balancer, lambda x: resource(x, "LoadBalancer").update(Scheme="internet-facing")),
    "a balancer without a group": (t.weak_balancer, lambda x: resource(x, "LoadBalancer").pop("SecurityGroups")),
    "TLS at the balancer": (t.weak_balancer, lambda x: resource(x, "Listener").update(Protocol="TLS")),
    "no PROXY header": (t.weak_balancer, lambda x: attribute(x, "proxy_protocol_v2.enabled", "false")),
    "a TCP health check": (t.weak_balancer, lambda x: resource(x, "TargetGroup").update(HealthCheckProtocol="TCP")),
    "a health check of the process only": (t.weak_balancer, lambda x: resource(x, "TargetGroup").update(
        HealthCheckPath="/healthz")),
    "all targets away with the database": (t.weak_balancer, lambda x: change_configuration(
        x, "port: 9127}", "port: 9127, ready_requires: [app]}")),
    "the balancer's default idle time": (t.weak_balancer, lambda x: attribute(x, "tcp.idle_timeout.seconds", "350")),
    "deregistration for ever": (t.weak_balancer, lambda x: attribute(
        x, "deregistration_delay.timeout_seconds", "300")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_rules_notice(stack, name):
    check, break_it = BROKEN[name]
    template = stack()
    break_it(template)
    assert list(check(template))


def test_a_broken_arrow_is_noticed(stack):
    template = stack()
    del template["Resources"]["TaskFromBalancer"]
    assert ("BalancerSecurityGroup", "TaskSecurityGroup", 5432) not in t.arrows(template)


def test_what_both_stacks_have_is_the_same(templates):
    first, second = (templates[name] for name in STACKS)
    differ = {name for name in first["Resources"].keys() & second["Resources"].keys()
              if first["Resources"][name] != second["Resources"][name]}
    # The balancer speaks the PROXY protocol, and is what a service belongs to.
    assert differ == {"TaskDefinition", "Service"}
    assert {n for n in first["Parameters"].keys() & second["Parameters"].keys()
            if first["Parameters"][n] != second["Parameters"][n]} == set()


VALUES = {"AWS::Region": "eu-west-1", "AWS::StackName": "pgweir", "Iam": "",
          "DbSecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app-AbCdEf", "MaxClients": "5000", "DbName": "app", "DbEndpoint": "db.example.internal", "DbPort": "5432", "DbUser": "app",
          "PoolSize": "10", "Networks": "10.20.0.0/20, 10.20.16.0/20"}


def configuration(template, **values):
    return re.sub(r"\$\{([\w:]+)\}", lambda match: {**VALUES, **values}[match[1]], t.configuration(template))


def check_configuration(template, certificates, bundle, iam="", **changes):
    """By pgweir itself, with what ECS would hand over."""
    text = configuration(template, Iam=iam).replace("/etc/pgweir/ca/rds.pem", str(bundle))
    pair = certificates.server
    environment = {**os.environ, "PGWEIR_CONFIG": text,
                   "PGWEIR_TLS_CERTIFICATE": pair.cert.read_text(), "PGWEIR_TLS_KEY": pair.key.read_text(), **changes}
    return subprocess.run([binary(), "check", t.container(template)["Command"][1]],
                          capture_output=True, text=True, env=environment, timeout=300)


@pytest.mark.parametrize("iam", ["", WITH_ROLES], ids=["password", "roles"])
@pytest.mark.parametrize("name", STACKS)
def test_pgweir_accepts_the_stacks_configuration(templates, certificates, name, iam):
    done = check_configuration(templates[name], certificates, certificates.ca.cert, iam)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", STACKS)
def test_the_roles_are_written_as_the_test_writes_them(templates, name):
    value = next(e["Value"] for e in t.container(templates[name])["Environment"] if e["Name"] == "PGWEIR_CONFIG")["Fn::Sub"]
    text, values = value[1]["Iam"]["Fn::If"][1]["Fn::Sub"]
    separator, _ = values["Roles"]["Fn::Join"]
    roles = separator.join(f"arn:aws:iam::123456789012:role/{role}" for role in ("worker", "other"))
    assert text.replace("${Roles}", roles) == WITH_ROLES and value[1]["Iam"]["Fn::If"][2] == ""


def test_pgweir_refuses_a_configuration_without_its_key(templates, certificates):
    done = check_configuration(templates["service-nlb"], certificates, certificates.ca.cert, PGWEIR_TLS_KEY="")
    assert done.returncode == 1 and "key_file" in done.stderr


@pytest.mark.parametrize("name", STACKS)
def test_a_drain_ends_before_ecs_kills(templates, name):
    drain = int(re.search(r"\bdrain: (\d+)s", configuration(templates[name]))[1])
    assert drain + 10 <= t.container(templates[name])["StopTimeout"] <= 120


@pytest.mark.parametrize("name", STACKS)
def test_the_alarms_ask_the_log_for_what_pgweir_writes(root, templates, start, name):
    sources = "".join(path.read_text() for path in (root / "proxy").rglob("*.cpp"))
    reasons = {series.split('"')[1] for series in start().metrics() if series.startswith("pgweir_clients_ended_total")}
    filters = t.resources(templates[name], "AWS::Logs::MetricFilter")
    asked = [pair for f in filters.values() for pair in re.findall(r'\$\.(\w+) = "(\w+)"', f["FilterPattern"])]
    assert len(asked) == sum(f["FilterPattern"].count("$.") for f in filters.values()) >= 7
    for field, value in asked:
        assert field in ("reason", "event")
        assert value in reasons if field == "reason" else f'"{value}", {{' in sources, value


@pytest.mark.parametrize("name", STACKS)
def test_every_alarm_of_the_log_has_its_filter(templates, name):
    names = {f["MetricTransformations"][0]["MetricName"] for f in t.resources(templates[name], "AWS::Logs::MetricFilter").values()}
    alarms = {a["MetricName"] for a in t.resources(templates[name], "AWS::CloudWatch::Alarm").values()
              if isinstance(a["Namespace"], dict)}
    assert names == alarms
