"""Commands of the AWS CLI, judged by botocore's models of the services: nothing is sent."""

import re
import shlex

import botocore.loaders
import botocore.model
import jmespath
from botocore import xform_name

GLOBAL = {"query", "output", "region", "profile", "endpoint-url", "no-cli-pager"}
# What the CLI has made itself, by its own documentation: options, those that are required first.
OWN = {
    ("cloudformation", "deploy"): ({"stack-name", "template-file"}, {"capabilities", "parameter-overrides"}),
    ("ecr", "get-login-password"): (set(), set()),
    ("ec2", "authorize-security-group-ingress"): ({"group-id"}, {"protocol", "port", "source-group", "cidr"}),
    ("ec2", "revoke-security-group-ingress"): ({"group-id"}, {"protocol", "port", "source-group", "cidr"}),
    ("configure", "export-credentials"): (set(), {"format"}),
    ("logs", "tail"): (set(), {"since", "follow", "format", "log-stream-names"}),
    # Younger than Debian's botocore.
    ("elbv2", "describe-listener-attributes"): ({"listener-arn"}, set()),
    ("elbv2", "modify-listener-attributes"): ({"listener-arn", "attributes"}, set()),
}

_loader = botocore.loaders.Loader()
_models = {}


def operation(service, name):
    """(required, all) options of an operation; None: there is none of that name."""
    if (service, name) in OWN:
        required, more = OWN[service, name]
        return required, required | more
    if service not in _loader.list_available_services("service-2"):
        return None
    if service not in _models:
        _models[service] = botocore.model.ServiceModel(_loader.load_service_model(service, "service-2"))
    model = _models[service]
    names = {xform_name(each, "-"): each for each in model.operation_names}
    if name not in names:
        return None
    shape = model.operation_model(names[name]).input_shape
    options = set()
    for member, kind in (shape.members.items() if shape else ()):
        options.add(xform_name(member, "-"))
        if kind.type_name == "boolean":
            options.add("no-" + xform_name(member, "-"))
    return {xform_name(member, "-") for member in (shape.required_members if shape else ())}, options


def operation_of_waiter(service, name):
    """What `aws SERVICE wait NAME` asks again and again."""
    waiters = _loader.load_service_model(service, "waiters-2")["waiters"]
    return {xform_name(each, "-"): xform_name(waiter["operation"], "-") for each, waiter in waiters.items()}.get(name)


def problems(command, complete=True):
    """What is wrong with `aws SERVICE OPERATION --option ...`. `complete`: it is to have what is required."""
    words = shlex.split(re.sub(r"\$\(.*?\)", "X", command))
    if len(words) < 3 or words[0] != "aws":
        return [f"no command of the AWS CLI: {command}"]
    if words[2] == "wait":
        words[2:4] = [operation_of_waiter(words[1], words[3]) or "wait"]
    known = operation(words[1], words[2])
    if known is None:
        return [f"no such operation: {words[1]} {words[2]}"]
    required, options = known
    given = {word[2:].partition("=")[0] for word in words[3:] if word.startswith("--")}
    out = [f"no such option: --{name}" for name in sorted(given - options - GLOBAL)]
    if complete:
        out += [f"--{name} is missing" for name in sorted(required - given)]
    for at, word in enumerate(words):
        if word == "--query":
            try:
                jmespath.compile(words[at + 1])
            except jmespath.exceptions.ParseError as problem:
                out.append(f"--query: {problem}")
    return out
