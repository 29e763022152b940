"""`pgweir doctor --from DIR`: each check finds what is wrong in a document, passes what is right, and says "not evaluated"
where its document is missing."""

import json
import subprocess

import pytest
import yaml

from harness import aws_documents as aws
from harness.proxy import binary
from harness.waiting import seconds

pytestmark = pytest.mark.own

CONFIG = {"databases": {"app": {"host": "127.0.0.1", "port": 1}}, "users": {"app": {"password": "x"}}, "pool": {"max_size": 10}}
IDS = [f"S{number:02}" for number in range(1, 23)]


@pytest.fixture
def examine(tmp_path):
    """Factory: {id: finding} and the exit code of the doctor over these documents."""
    def factory(documents, *options):
        for old in tmp_path.glob("*.json"):
            old.unlink()
        for name, document in documents.items():
            text = document if isinstance(document, str) else json.dumps(document)
            (tmp_path / f"{name}.json").write_text(text)
        done = subprocess.run([binary(), "doctor", "--from", tmp_path, "--user", "app", "--json", *options],
                              capture_output=True, text=True, timeout=seconds(60))
        assert done.returncode in (0, 1), done.stdout + done.stderr
        findings = json.loads(done.stdout)["findings"]
        static = [f for f in findings if f["id"].startswith("S")]
        assert sorted(f["id"] for f in static) == IDS
        return {f["id"]: f for f in static}, done.returncode
    return factory


def verdicts(found):
    return {id: finding["verdict"] for id, finding in found.items()}


def test_a_healthy_deployment_has_no_problem(examine):
    found, code = examine(aws.healthy())
    # Without a configuration the port and the size of the pools are not known.
    assert {id for id, verdict in verdicts(found).items() if verdict != "ok"} == {"S06", "S21"}
    assert found["S06"]["verdict"] == found["S21"]["verdict"] == "not evaluated" and code == 0


def change(name, *path, value):
    def apply(documents):
        place = documents[name]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    return apply


def db(**values):
    return lambda documents: aws.database(documents).update(values)


def rules(group, *new, egress=False):
    return lambda d: aws.group(d, group).update({"IpPermissionsEgress" if egress else "IpPermissions": list(new)})


def acl(*entries):
    return change("ec2-network-acls", "NetworkAcls", 0, "Entries", value=list(entries))


def route(**values):
    return lambda d: d["ec2-route-tables"]["RouteTables"][0]["Routes"].append(values)


def no_pooler(then=lambda d: None):
    return lambda documents: (aws.without_pooler(documents), then(documents))


def attribute(name, key, value):
    return lambda d: d[name]["Attributes"].append({"Key": key, "Value": value}) if value is None else [
        pair.update(Value=value) for pair in d[name]["Attributes"] if pair["Key"] == key]


WRONG = {
    "S01 no VPC": ("problem", change("lambda-function", "VpcConfig", value={"VpcId": "", "SubnetIds": [], "SecurityGroupIds": []})),
    "S01 no VPC at all": ("problem", lambda d: d["lambda-function"].pop("VpcConfig")),
    "S02 another VPC": ("problem", lambda d: aws.database(d)["DBSubnetGroup"].update(VpcId="vpc-2")),
    "S02 a peering": ("warning", lambda d: (aws.database(d)["DBSubnetGroup"].update(VpcId="vpc-2"), d.update({
        "ec2-vpc-peering-connections": {"VpcPeeringConnections": [{
            "RequesterVpcInfo": {"VpcId": "vpc-2"}, "AccepterVpcInfo": {"VpcId": "vpc-1"}, "Status": {"Code": "active"}}]}}))),
    "S02 a peering that was not accepted": ("problem", lambda d: (aws.database(d)["DBSubnetGroup"].update(VpcId="vpc-2"), d.update({
        "ec2-vpc-peering-connections": {"VpcPeeringConnections": [{
            "RequesterVpcInfo": {"VpcId": "vpc-2"}, "AccepterVpcInfo": {"VpcId": "vpc-1"},
            "Status": {"Code": "pending-acceptance"}}]}}))),
    "S03 nobody admitted": ("problem", rules(aws.DB_GROUP)),
    "S03 another group admitted": ("problem", rules(aws.DB_GROUP, aws.rule(5432, "sg-else"))),
    "S03 another port": ("problem", rules(aws.DB_GROUP, aws.rule(5433, aws.TASK_GROUP))),
    "S03 UDP": ("problem", rules(aws.DB_GROUP, aws.rule(5432, aws.TASK_GROUP, protocol="udp"))),
    "S03 another address block": ("problem", rules(aws.DB_GROUP, aws.rule(5432, blocks=["10.99.0.0/16"]))),
    "S04 an address block": ("warning", rules(aws.DB_GROUP, aws.rule(5432, blocks=["10.20.0.0/16"]))),
    "S04 every address": ("problem", rules(aws.DB_GROUP, aws.rule(5432, blocks=["0.0.0.0/0"]))),
    "S05 nothing out": ("problem", rules(aws.TASK_GROUP, egress=True)),
    "S05 out to others": ("problem", rules(aws.TASK_GROUP, aws.rule(443, aws.DB_GROUP), egress=True)),
    "S07 the answer is dropped": ("problem", acl(aws.acl_entry(100, True, 5432, 5432), aws.acl_entry(100, False))),
    "S07 a part of the answers": ("problem", acl(aws.acl_entry(100, True, 0, 40000), aws.acl_entry(100, False))),
    "S07 denied first": ("problem", acl(aws.acl_entry(100, True), aws.acl_entry(100, False),
                                        aws.acl_entry(50, False, 5432, 5432, action="deny"))),
    "S07 no rule": ("problem", acl()),
    "S08 no route": ("problem", change("ec2-route-tables", "RouteTables", 0, "Routes", value=[])),
    "S08 blackhole": ("problem", route(DestinationCidrBlock="10.20.10.0/24", VpcPeeringConnectionId="pcx-1", State="blackhole")),
    "S08 to the internet": ("problem", route(DestinationCidrBlock="10.20.10.0/24", NatGatewayId="nat-1", State="active")),
    "S09 public": ("warning", route(DestinationCidrBlock="0.0.0.0/0", GatewayId="igw-1", State="active")),
    "S10 no endpoint": ("warning", change("ec2-vpc-endpoints", "VpcEndpoints", value=[])),
    "S10 no private DNS": ("warning", change("ec2-vpc-endpoints", "VpcEndpoints", 0, "PrivateDnsEnabled", value=False)),
    "S10 an endpoint that is not there yet": ("warning", change("ec2-vpc-endpoints", "VpcEndpoints", 1, "State", value="pending")),
    "S10 an endpoint that admits others": ("warning", rules(aws.ENDPOINT_GROUP, aws.rule(443, "sg-else"))),
    "S11 one zone": ("warning", change("ec2-subnets", "Subnets", 1, "AvailabilityZone", value="eu-west-1a")),
    "S11 a database in one zone": ("warning", db(MultiAZ=False)),
    "S12 no addresses": ("warning", change("ec2-subnets", "Subnets", 0, "AvailableIpAddressCount", value=3)),
    "S13 no policy": ("problem", change("iam-attached-policies", "AttachedPolicies", value=[])),
    "S13 some actions": ("problem", lambda d: d.update({
        "iam-attached-policies": {"AttachedPolicies": []}, "iam-role-policy": {"PolicyDocument": {"Statement": [
            {"Effect": "Allow", "Action": ["ec2:CreateNetworkInterface"], "Resource": "*"}]}}})),
    "S13 denied": ("problem", lambda d: d.update({
        "iam-attached-policies": {"AttachedPolicies": []}, "iam-role-policy": {"PolicyDocument": {"Statement": [
            {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "ec2:Delete*", "Resource": "*"}]}}})),
    "S14 IAM off": ("warning", db(IAMDatabaseAuthenticationEnabled=False)),
    "S14 another user": ("warning", change("iam-task-role-policy", "PolicyDocument", "Statement", "Resource",
                                           value="arn:aws:rds-db:eu-west-1:111122223333:dbuser:db-ABCDEFGHIJKL/other")),
    "S15 no TLS": ("warning", change("rds-db-parameters", "Parameters", 0, "ParameterValue", value="0")),
    "S15 transactions for a day": ("warning", change("rds-db-parameters", "Parameters", 2, "ParameterValue", value="86400000")),
    "S15 a reboot is due": ("warning", lambda d: aws.database(d)["DBParameterGroups"][0].update(
        ParameterApplyStatus="pending-reboot")),
    "S16 public": ("warning", db(PubliclyAccessible=True)),
    "S17 stopped": ("problem", db(DBInstanceStatus="stopped")),
    "S17 rebooting": ("problem", db(DBInstanceStatus="rebooting")),
    "S17 an old authority": ("problem", db(CACertificateIdentifier="rds-ca-2019")),
    "S18 failed": ("problem", lambda d: d["lambda-function"].update(
        State="Failed", StateReason="The subnet has no addresses", StateReasonCode="SubnetOutOfIPAddresses")),
    "S18 inactive": ("warning", change("lambda-function", "State", value="Inactive")),
    "S18 a failed update": ("problem", change("lambda-function", "LastUpdateStatus", value="Failed")),
    "S19 nobody healthy": ("problem", change("elbv2-target-health", "TargetHealthDescriptions", value=[
        {"Target": {"Id": "10.20.0.10"}, "TargetHealth": {"State": "unhealthy", "Reason": "Target.Timeout"}}])),
    "S19 one unhealthy": ("warning", change("elbv2-target-health", "TargetHealthDescriptions", 0, "TargetHealth", "State",
                                            value="draining")),
    "S19 no security group": ("warning", change("elbv2-load-balancers", "LoadBalancers", 0, "SecurityGroups", value=[])),
    "S19 short idle timeout": ("warning", attribute("elbv2-listener-attributes", "tcp.idle_timeout.seconds", "350")),
    "S19 no PROXY header": ("warning", attribute("elbv2-target-group-attributes", "proxy_protocol_v2.enabled", "false")),
    "S19 client addresses": ("warning", attribute("elbv2-target-group-attributes", "preserve_client_ip.enabled", "true")),
    "S19 zones apart": ("warning", attribute("elbv2-target-group-attributes", "load_balancing.cross_zone.enabled", "false")),
    "S20 no task role": ("warning", lambda d: d["ecs-task-definition"]["taskDefinition"].pop("taskRoleArn")),
    "S20 a short stop": ("warning", change("ecs-task-definition", "taskDefinition", "containerDefinitions", 0, "stopTimeout", value=60)),
    "S20 no health check": ("warning", lambda d: d["ecs-task-definition"]["taskDefinition"]["containerDefinitions"][0].pop("healthCheck")),
    "S20 no limits": ("warning", change("ecs-task-definition", "taskDefinition", "containerDefinitions", 0, "ulimits", value=[])),
    "S22 no limit": ("problem", no_pooler(lambda d: d.update({"lambda-concurrency": {}}))),
    "S22 a limit that is too high": ("problem", no_pooler(change("lambda-concurrency", "ReservedConcurrentExecutions", value=1000))),
}


@pytest.mark.parametrize("name", WRONG)
def test_finds(examine, name):
    expected, break_it = WRONG[name]
    documents = aws.healthy()
    break_it(documents)
    found, code = examine(documents)
    finding = found[name[:3]]
    assert finding["verdict"] == expected, finding
    assert finding["evidence"] and all(one["where"] for one in finding["evidence"])
    assert code == (1 if "problem" in verdicts(found).values() else 0)


RIGHT = {
    "S03 by address": rules(aws.DB_GROUP, aws.rule(5432, blocks=["10.20.0.0/24"])),
    "S03 all protocols": rules(aws.DB_GROUP, aws.rule(0, aws.TASK_GROUP, protocol="-1")),
    "S05 to anywhere": rules(aws.TASK_GROUP, aws.rule(0, blocks=["0.0.0.0/0"], protocol="-1"), egress=True),
    "S07 exactly what is needed": acl(aws.acl_entry(1, True, 5432, 5432), aws.acl_entry(2, True, 1024, 65535),
                                      aws.acl_entry(1, False, 5432, 5432), aws.acl_entry(2, False, 1024, 65535)),
    "S08 the longest prefix": route(DestinationCidrBlock="0.0.0.0/0", NatGatewayId="nat-1", State="active"),
    "S10 a NAT gateway": lambda d: (d["ec2-vpc-endpoints"].update(VpcEndpoints=[]), d["ec2-route-tables"]["RouteTables"][0][
        "Routes"].append({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"})),
    "S13 own policy": lambda d: d.update({
        "iam-attached-policies": {"AttachedPolicies": []}, "iam-policy-version": {"PolicyVersion": {"Document": {"Statement": [
            {"Effect": "Allow", "Action": ["EC2:*NetworkInterface*", "ec2:DescribeSubnets", "ec2:*PrivateIpAddresses"],
             "Resource": "*"}]}}}}),
    "S14 every user": change("iam-task-role-policy", "PolicyDocument", "Statement", "Resource",
                             value=["arn:aws:rds-db:eu-west-1:111122223333:dbuser:*/app"]),
    "S22 a limit that fits": no_pooler(change("lambda-concurrency", "ReservedConcurrentExecutions", value=100)),
    "S03 the function itself": no_pooler(),
}


@pytest.mark.parametrize("name", RIGHT)
def test_passes(examine, name):
    documents = aws.healthy()
    RIGHT[name](documents)
    assert examine(documents)[0][name[:3]]["verdict"] == "ok"


NEEDS = {
    "S01": ["lambda-function"], "S02": ["rds-db-instances", "ec2-subnets"], "S03": ["ec2-security-groups", "rds-db-instances"],
    "S04": ["ec2-security-groups"], "S05": ["ec2-security-groups"], "S07": ["ec2-network-acls", "ec2-subnets"],
    "S08": ["ec2-route-tables", "ec2-subnets"], "S09": ["ec2-route-tables"], "S10": ["ec2-vpc-endpoints"],
    "S11": ["ec2-subnets"], "S12": ["ec2-subnets"], "S13": ["iam-attached-policies"], "S14": ["iam-task-role-policy"],
    "S15": ["rds-db-parameters"], "S16": ["rds-db-instances"], "S17": ["rds-db-instances"], "S18": ["lambda-function"],
    "S19": ["elbv2-target-health", "elbv2-load-balancers"], "S20": ["ecs-task-definition"]}


@pytest.mark.parametrize("id, name", [(id, name) for id, names in NEEDS.items() for name in names])
def test_without_its_document_a_check_is_not_evaluated(examine, id, name):
    documents = aws.healthy()
    del documents[name]
    finding = examine(documents)[0][id]
    assert finding["verdict"] == "not evaluated" and name in finding["summary"]


def test_nothing_at_all_is_never_ok(examine):
    found, code = examine({})
    assert set(verdicts(found).values()) == {"not evaluated"} and code == 0


@pytest.mark.parametrize("document", ["", "{", "[]", "null", "7", '{"DBInstances": 7}', '{"DBInstances": [[]]}',
                                      '{"SecurityGroups": [{"GroupId": 5, "IpPermissions": {}}]}', '{"services": [null]}', '{"services": []}', '{"Attributes": [{"Key": "tcp.idle_timeout.seconds", "Value": "x"}]}'])
def test_documents_of_another_shape_do_no_harm(examine, tmp_path, document):
    (tmp_path / "pgweir.yaml").write_text(yaml.safe_dump(CONFIG))
    examine({name: document for name in aws.healthy()}, str(tmp_path / "pgweir.yaml"))
    for name in aws.healthy():
        examine({**aws.healthy(), name: document}, str(tmp_path / "pgweir.yaml"))


def test_the_configuration_tells_port_and_pools(examine, tmp_path):
    config = tmp_path / "pgweir.yaml"
    for changes, port, budget in (({}, "problem", "ok"), ({"port": 5432}, "ok", "ok")):
        config.write_text(yaml.safe_dump({**CONFIG, "databases": {"app": {**CONFIG["databases"]["app"], **changes}}}))
        found, _ = examine(aws.healthy(), str(config))
        assert (found["S06"]["verdict"], found["S21"]["verdict"]) == (port, budget)
    config.write_text(yaml.safe_dump({**CONFIG, "pool": {"max_size": 120}}))
    finding = examine(aws.healthy(), str(config))[0]["S21"]
    # db.t4g.medium: 4 GiB / 9531392 = 450; 120 x 2 x 200 % = 480.
    assert finding["verdict"] == "problem" and "480" in json.dumps(finding) and "445" in json.dumps(finding)
    assert finding["fixes"] == ["pool.max_size: 111"]


def test_the_worst_comes_first_and_says_how_to_mend_it(tmp_path):
    documents = aws.healthy()
    aws.group(documents, aws.DB_GROUP)["IpPermissions"] = []
    for name, document in documents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    done = subprocess.run([binary(), "doctor", "--from", tmp_path], capture_output=True, text=True, timeout=seconds(60))
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and lines[0].startswith("S03  problem: No security group of the database admits")
    assert ("      fix:   aws ec2 authorize-security-group-ingress --group-id sg-db --protocol tcp --port 5432 "
            "--source-group sg-task") in lines
    assert done.stdout.index("not evaluated") < done.stdout.index("ok:")


def test_it_prints_how_to_collect_and_collects_no_secret():
    done = subprocess.run([binary(), "doctor", "--print-collect"], capture_output=True, text=True, timeout=seconds(60))
    commands = [line for line in done.stdout.splitlines() if line.startswith("aws ")]
    assert done.returncode == 0 and {f"{name}.json" for name in aws.HEALTHY} <= {line.rsplit("/", 1)[1] for line in commands}
    assert all(line.split()[2].split("-")[0] in ("describe", "get", "list") for line in commands)
    assert "get-secret-value" not in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--from", "/nowhere/at/all"], ["/nowhere/at/all.yaml"], ["--sideways"]])
def test_it_says_when_it_cannot_run(arguments):
    assert subprocess.run([binary(), "doctor", *arguments], capture_output=True, timeout=seconds(60)).returncode == 2
