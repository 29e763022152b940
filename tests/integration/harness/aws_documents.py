"""What `aws ... describe-*` says of a healthy deployment, in the shapes of the AWS CLI, cut to what the doctor reads and
some of what it must pass over."""

import copy

VPC, LAMBDA_GROUP, TASK_GROUP, DB_GROUP, ENDPOINT_GROUP = "vpc-1", "sg-lambda", "sg-task", "sg-db", "sg-endpoint"
DB_ARN = "arn:aws:rds:eu-west-1:111122223333:db:app"


def rule(port, *groups, blocks=(), protocol="tcp"):
    ports = {} if protocol == "-1" else {"FromPort": port, "ToPort": port}
    return {"IpProtocol": protocol, **ports, "UserIdGroupPairs": [{"GroupId": g, "UserId": "111122223333"} for g in groups],
            "IpRanges": [{"CidrIp": block} for block in blocks], "Ipv6Ranges": [], "PrefixListIds": []}


def subnet(name, block, zone):
    return {"SubnetId": name, "VpcId": VPC, "CidrBlock": block, "AvailabilityZone": zone, "AvailableIpAddressCount": 200}


def acl_entry(number, egress, first=None, last=None, block="0.0.0.0/0", action="allow"):
    entry = {"RuleNumber": number, "Egress": egress, "CidrBlock": block, "RuleAction": action, "Protocol": "-1"}
    if first is not None:
        entry.update(Protocol="6", PortRange={"From": first, "To": last})
    return entry


HEALTHY = {
    "rds-db-instances": {"DBInstances": [{
        "DBInstanceIdentifier": "app", "DBInstanceArn": DB_ARN, "DbiResourceId": "db-ABCDEFGHIJKL",
        "DBInstanceClass": "db.t4g.medium", "DBInstanceStatus": "available", "Engine": "postgres", "MultiAZ": True,
        "Endpoint": {"Address": "app.abc.eu-west-1.rds.amazonaws.com", "Port": 5432}, "DbInstancePort": 0,
        "PubliclyAccessible": False, "IAMDatabaseAuthenticationEnabled": True,
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "DBParameterGroups": [{"DBParameterGroupName": "app", "ParameterApplyStatus": "in-sync"}],
        "VpcSecurityGroups": [{"VpcSecurityGroupId": DB_GROUP, "Status": "active"}],
        "DBSubnetGroup": {"VpcId": VPC, "Subnets": [{"SubnetIdentifier": "subnet-da"}, {"SubnetIdentifier": "subnet-db"}]}}]},
    "rds-db-parameters": {"Parameters": [
        {"ParameterName": "rds.force_ssl", "ParameterValue": "1", "Source": "system"},
        {"ParameterName": "max_connections", "ParameterValue": "LEAST({DBInstanceClassMemory/9531392},5000)"},
        {"ParameterName": "idle_in_transaction_session_timeout", "ParameterValue": "300000", "Source": "user"}]},
    "lambda-function": {"FunctionName": "visits", "State": "Active", "LastUpdateStatus": "Successful",
                        "VpcConfig": {"VpcId": VPC, "SubnetIds": ["subnet-a", "subnet-b"],
                                      "SecurityGroupIds": [LAMBDA_GROUP]}},
    "lambda-concurrency": {"ReservedConcurrentExecutions": 100},
    "ec2-security-groups": {"SecurityGroups": [
        {"GroupId": DB_GROUP, "VpcId": VPC, "IpPermissions": [rule(5432, TASK_GROUP)], "IpPermissionsEgress": []},
        {"GroupId": TASK_GROUP, "VpcId": VPC, "IpPermissions": [rule(5432, LAMBDA_GROUP)],
         "IpPermissionsEgress": [rule(5432, DB_GROUP), rule(443, ENDPOINT_GROUP)]},
        {"GroupId": LAMBDA_GROUP, "VpcId": VPC, "IpPermissions": [], "IpPermissionsEgress": [rule(5432, TASK_GROUP)]},
        {"GroupId": ENDPOINT_GROUP, "VpcId": VPC, "IpPermissions": [rule(443, TASK_GROUP)], "IpPermissionsEgress": []}]},
    "ec2-subnets": {"Subnets": [
        subnet("subnet-a", "10.20.0.0/24", "eu-west-1a"), subnet("subnet-b", "10.20.1.0/24", "eu-west-1b"),
        subnet("subnet-da", "10.20.10.0/24", "eu-west-1a"), subnet("subnet-db", "10.20.11.0/24", "eu-west-1b")]},
    "ec2-route-tables": {"RouteTables": [
        {"RouteTableId": "rtb-main", "VpcId": VPC, "Associations": [{"Main": True}],
         "Routes": [{"DestinationCidrBlock": "10.20.0.0/16", "GatewayId": "local", "State": "active"}]}]},
    "ec2-network-acls": {"NetworkAcls": [
        {"NetworkAclId": "acl-1", "Associations": [{"SubnetId": s} for s in ("subnet-a", "subnet-b", "subnet-da", "subnet-db")],
         "Entries": [acl_entry(100, True), acl_entry(100, False), acl_entry(32767, True, action="deny"),
                     acl_entry(32767, False, action="deny")]}]},
    "ec2-vpc-endpoints": {"VpcEndpoints": [
        {"ServiceName": f"com.amazonaws.eu-west-1.{service}", "State": "available", "PrivateDnsEnabled": True,
         "Groups": [{"GroupId": ENDPOINT_GROUP}]} for service in ("secretsmanager", "sts")]},
    "iam-attached-policies": {"AttachedPolicies": [
        {"PolicyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"}]},
    "iam-task-role-policy": {"PolicyDocument": {"Statement": {
        "Effect": "Allow", "Action": "rds-db:connect",
        "Resource": "arn:aws:rds-db:eu-west-1:111122223333:dbuser:db-ABCDEFGHIJKL/app"}}},
    "ecs-services": {"services": [{
        "serviceName": "pgweir", "desiredCount": 2, "deploymentConfiguration": {"maximumPercent": 200},
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"],
                                                         "securityGroups": [TASK_GROUP]}}}]},
    "ecs-task-definition": {"taskDefinition": {
        "taskRoleArn": "arn:aws:iam::111122223333:role/task",
        "containerDefinitions": [{"stopTimeout": 90, "healthCheck": {"command": ["CMD", "pgweir"]},
                                  "ulimits": [{"name": "nofile", "softLimit": 65535, "hardLimit": 65535}]}]}},
    "elbv2-load-balancers": {"LoadBalancers": [{"SecurityGroups": ["sg-nlb"]}]},
    "elbv2-target-health": {"TargetHealthDescriptions": [
        {"Target": {"Id": "10.20.0.10"}, "TargetHealth": {"State": "healthy"}},
        {"Target": {"Id": "10.20.1.10"}, "TargetHealth": {"State": "healthy"}}]},
    "elbv2-listener-attributes": {"Attributes": [{"Key": "tcp.idle_timeout.seconds", "Value": "6000"}]},
    "elbv2-target-group-attributes": {"Attributes": [
        {"Key": "proxy_protocol_v2.enabled", "Value": "true"}, {"Key": "preserve_client_ip.enabled", "Value": "false"},
        {"Key": "load_balancing.cross_zone.enabled", "Value": "true"},
        {"Key": "deregistration_delay.timeout_seconds", "Value": "60"}]},
}


def healthy():
    return copy.deepcopy(HEALTHY)


def database(documents):
    return documents["rds-db-instances"]["DBInstances"][0]


def group(documents, name):
    return next(g for g in documents["ec2-security-groups"]["SecurityGroups"] if g["GroupId"] == name)


def without_pooler(documents):
    """Functions that connect themselves."""
    for name in [name for name in documents if name.startswith(("ecs", "elbv2"))]:
        del documents[name]
    group(documents, DB_GROUP)["IpPermissions"] = [rule(5432, LAMBDA_GROUP)]
    group(documents, LAMBDA_GROUP)["IpPermissionsEgress"] = [rule(5432, DB_GROUP)]
