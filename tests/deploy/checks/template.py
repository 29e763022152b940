"""CloudFormation templates as plain documents, and what pgweir's own demand of theirs."""

import yaml


class Loader(yaml.SafeLoader):
    """!Ref X and its kind become {"Ref": X}, as in JSON."""


def _function(loader, suffix, node):
    kinds = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: loader.construct_sequence,
             yaml.MappingNode: loader.construct_mapping}
    value = kinds[type(node)](node) if isinstance(node, yaml.ScalarNode) else kinds[type(node)](node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _function)


def load(text):
    return yaml.load(text, Loader)


def resources(template, kind):
    return {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}


def walk(value, path=()):
    """(path, leaf) of everything below."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from walk(below, (*path, key))
    elif isinstance(value, list):
        for i, below in enumerate(value):
            yield from walk(below, (*path, i))
    else:
        yield path, value


def as_list(value):
    return value if isinstance(value, list) else [value]


# ---- security groups

def addresses_in_rules(template):
    """Rules by address instead of by group."""
    for name, resource in template["Resources"].items():
        if resource["Type"].startswith("AWS::EC2::SecurityGroup"):
            for path, value in walk(resource["Properties"]):
                if path[-1] in ("CidrIp", "CidrIpv6") or "Cidr" in str(path):
                    yield f"{name}: {value} instead of a security group"


def open_groups(template):
    """Groups without a rule for outgoing traffic keep the one that allows all of it."""
    closed = {p["GroupId"]["Ref"] for p in resources(template, "AWS::EC2::SecurityGroupEgress").values()}
    for name, properties in resources(template, "AWS::EC2::SecurityGroup").items():
        if name not in closed and not properties.get("SecurityGroupEgress"):
            yield f"{name}: may speak to everybody"


def arrows(template):
    """{(from, to, port)} that both ends have a rule for."""
    def ends(kind, key, turn):
        for p in resources(template, f"AWS::EC2::{kind}").values():
            if key in p:
                pair = (p["GroupId"]["Ref"], p[key]["Ref"])
                port = p["FromPort"]["Ref"] if isinstance(p["FromPort"], dict) else p["FromPort"]
                yield (*(pair if turn else pair[::-1]), port)
    out = set(ends("SecurityGroupEgress", "DestinationSecurityGroupId", True))
    return out & set(ends("SecurityGroupIngress", "SourceSecurityGroupId", False))


# ---- permissions

def wide_permissions(template):
    """A wildcard in an action, or as a resource of an action that knows resources."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            yield f"{name}: managed policies allow more than is needed"
        for policy in role.get("Policies", []):
            for statement in statements(policy):
                actions = as_list(statement["Action"])
                yield from (f"{name}: the action {a} has a wildcard" for a in actions if "*" in a)
                if "NotAction" in statement or "NotResource" in statement:
                    yield f"{name}: allows all but something"
                if statement["Resource"] == "*" and actions != ["ecr:GetAuthorizationToken"]:
                    yield f"{name}: {actions} on every resource"


def statements(policy):
    """Those behind Fn::If included."""
    for statement in policy["PolicyDocument"]["Statement"]:
        for choice in statement.get("Fn::If", [None, statement])[1:]:
            if "Action" in choice:
                yield choice


def trust_without_source(template):
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            if "aws:SourceAccount" not in statement.get("Condition", {}).get("StringEquals", {}):
                yield f"{name}: can be taken on behalf of another account"


# ---- zones

def single_zone(template):
    """A service needs two subnets, and a rule that compares their zones before anything is made."""
    for name, service in resources(template, "AWS::ECS::Service").items():
        subnets = service["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]
        named = {leaf for path, leaf in walk(subnets) if path[-1] == "Ref"}
        if not {"SubnetA", "SubnetB"} <= named:
            yield f"{name}: not in two subnets"
    compared = [leaf for path, leaf in walk(template.get("Rules", {})) if leaf == "AvailabilityZone"]
    of_subnets = [leaf for path, leaf in walk(template.get("Rules", {})) if leaf == "AWS::EC2::Subnet::Id"]
    if not compared or not of_subnets:
        yield "no rule compares the subnets' zones"
    if template["Parameters"].get("DesiredCount", {}).get("MinValue", 0) < 2:
        yield "DesiredCount may be one"


# ---- life and death of a task

def container(template):
    (definition,) = resources(template, "AWS::ECS::TaskDefinition").values()
    (only,) = definition["ContainerDefinitions"]
    return only


def weak_container(template):
    only = container(template)
    (service,) = resources(template, "AWS::ECS::Service").values()
    if not only.get("ReadonlyRootFilesystem"):
        yield "the root file system is writable"
    if only.get("User", "0").split(":")[0] in ("0", "root"):
        yield "runs as root"
    if only.get("LinuxParameters", {}).get("Capabilities", {}).get("Drop") != ["ALL"]:
        yield "keeps capabilities"
    if "HealthCheck" not in only:
        yield "no health check"
    elif "--ready" in only["HealthCheck"]["Command"]:
        yield "a task that waits for its database is stopped"
    if service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] != "DISABLED":
        yield "public address"
    breaker = service["DeploymentConfiguration"].get("DeploymentCircuitBreaker", {})
    if not (breaker.get("Enable") and breaker.get("Rollback")):
        yield "a bad deployment is not taken back"


def configuration(template):
    """PGWEIR_CONFIG, with CloudFormation's variables in it."""
    value = next(e["Value"] for e in container(template)["Environment"] if e["Name"] == "PGWEIR_CONFIG")["Fn::Sub"]
    return value if isinstance(value, str) else value[0]


def attributes(pairs):
    return {pair["Key"]: pair["Value"] for pair in pairs}


def weak_balancer(template):
    (balancer,) = resources(template, "AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    (listener,) = resources(template, "AWS::ElasticLoadBalancingV2::Listener").values()
    (group,) = resources(template, "AWS::ElasticLoadBalancingV2::TargetGroup").values()
    of_group, of_listener = attributes(group["TargetGroupAttributes"]), attributes(listener.get("ListenerAttributes", []))
    if (balancer["Scheme"], balancer["Type"]) != ("internal", "network"):
        yield "not an internal network load balancer"
    if not balancer.get("SecurityGroups"):
        yield "a balancer without a security group can never get one"
    if (listener["Protocol"], group["Protocol"]) != ("TCP", "TCP"):
        yield "PostgreSQL's TLS cannot end at the balancer"
    if of_group.get("proxy_protocol_v2.enabled") != "true":
        yield "no PROXY header"
    if (group["HealthCheckProtocol"], group["HealthCheckPath"], group["HealthCheckPort"]) != ("HTTP", "/readyz", "9127"):
        yield "health is not asked at /readyz"
    if "ready_requires" in configuration(template):
        yield "a failover of the database takes all tasks away from the balancer"
    if not 1800 < int(of_listener.get("tcp.idle_timeout.seconds", 350)) <= 6000:
        yield "idle clients are forgotten before pgweir closes them"
    if int(of_group["deregistration_delay.timeout_seconds"]) >= container(template)["StopTimeout"]:
        yield "deregistration outlasts stopTimeout"
    if of_group.get("deregistration_delay.connection_termination.enabled") != "false":
        yield "the balancer cuts clients off that pgweir would tell"
