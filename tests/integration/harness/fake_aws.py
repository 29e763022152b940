"""STS, Secrets Manager, Systems Manager and the credential endpoints of AWS on a loopback port.

What is sent to it is judged as AWS does: the signature is calculated anew by botocore, and a clock that is more than 15
minutes off is refused. It misbehaves on command, for one kind of request or for all.
"""

import contextlib
import datetime
import http.server
import json
import ssl
import threading
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from . import processes

REGION = "eu-west-1"
ACCOUNT = "123456789012"
SKEW = 15 * 60


@dataclass
class Key:
    """An access key of a role's session."""

    access: str
    secret: str
    token: str = ""
    role: str = "pgweir"
    session: str = "one"

    def credentials(self):
        return Credentials(self.access, self.secret, self.token or None)

    def environment(self):
        return {"AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_SESSION_TOKEN": self.token}


def new_key(role="pgweir", session="one"):
    return Key("ASIA" + uuid.uuid4().hex[:16].upper(), "canary-2b7f91-" + uuid.uuid4().hex,
               "canary-2b7f91-session/+=" + uuid.uuid4().hex, role, session)


@dataclass
class Secret:
    """Versions of a secret by id, and the stages that point at them."""

    versions: dict = field(default_factory=dict)
    stages: dict = field(default_factory=dict)
    created: dict = field(default_factory=dict)

    def put(self, text, *stages):
        version = str(uuid.uuid4())
        self.versions[version] = text if isinstance(text, str) else json.dumps(text)
        self.created[version] = time.time()
        for stage in stages:
            self.stages[stage] = version
        return version

    def finish(self):
        """The last step of a rotation: what is pending becomes current."""
        self.stages["AWSPREVIOUS"] = self.stages["AWSCURRENT"]
        self.stages["AWSCURRENT"] = self.stages.pop("AWSPENDING")


class Refused(Exception):
    def __init__(self, name, status=400):
        self.name, self.status = name, status


class FakeAws:
    """`seen`: (operation, detail) of every request, in order."""

    def __init__(self, tls=None):
        """`tls`: a harness.certificates.Pair."""
        self.key = new_key()
        self.keys = {self.key.access: self.key}
        self.secrets, self.parameters, self.seen = {}, {}, []
        self.modified = {}  # when the parameter of this name got its current version, in seconds since 1970
        self.faults, self.clock_offset = {}, 0.0
        self.container_token, self.lifetime = None, 3600
        self.vpc_blocks, self.task_networks = "10.20.0.0/16\n10.21.0.0/16", [{"IPv4SubnetCIDRBlock": "10.20.1.0/24"}]
        self.released = threading.Event()
        self.lock = threading.Lock()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                fake.handle(self)

            do_POST = do_PUT = do_GET

            def date_time_string(self, timestamp=None):
                return super().date_time_string((timestamp or time.time()) + fake.clock_offset)

        self.server = http.server.ThreadingHTTPServer((processes.LOOPBACK, processes.free_port()), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that hangs up is no news
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.cert, tls.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{processes.LOOPBACK}:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # --- for tests ---------------------------------------------------------------------------------------

    def settings(self, **more):
        """The configuration's section `aws`."""
        names = ("sts", "secretsmanager", "ssm", "container", "imds")
        return {"region": REGION, "endpoints": {name: self.url for name in names}, "timeout": "3s",
                "iam": {"server_id": "weir-test"}, **more}

    def secret(self, name):
        return self.secrets.setdefault(name, Secret())

    def add_role(self, role, session="one"):
        key = new_key(role, session)
        self.keys[key.access] = key
        return key

    def count(self, operation):
        with self.lock:
            return sum(1 for name, _ in self.seen if name == operation)

    @contextlib.contextmanager
    def misbehaving(self, how, operation="any"):
        self.faults[operation] = how
        try:
            yield
        finally:
            del self.faults[operation]
            self.released.set()
            self.released = threading.Event()

    # --- requests ----------------------------------------------------------------------------------------

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        operation = self.operation_of(request, body)
        with self.lock:
            self.seen.append((operation, dict(request.headers)))
        how = self.faults.get(operation) or self.faults.get("any")
        if how and self.misbehave(request, how):
            return
        try:
            self.reply(request, 200, self.answer(request, operation, body))
        except Refused as refused:
            self.reply(request, refused.status, {"__type": refused.name, "Message": refused.name})

    @staticmethod
    def operation_of(request, body):
        path, _, query = request.path.partition("?")
        if path == "/":
            target = request.headers.get("X-Amz-Target", "")
            form = urllib.parse.parse_qs(query or body.decode())
            return target.split(".")[-1] or form.get("Action", ["unknown"])[0]
        return {"latest": "metadata", "task": "task"}.get(path.split("/")[1], "container")

    @staticmethod
    def reply(request, status, answer, extra=()):
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(data)))
        for name, value in extra:
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(data)

    def misbehave(self, request, how):
        """True: the request is dealt with."""
        if how == "slow":
            self.released.wait(30)
            return False
        if how == "hang up":
            request.close_connection = True
        elif how == "throttle":
            self.reply(request, 400, {"__type": "ThrottlingException", "Error": {"Code": "Throttling"}})
        elif how == "403":
            self.reply(request, 403, {"Error": {"Code": "InvalidClientTokenId"}, "__type": "UnrecognizedClientException"})
        elif how == "500":
            self.reply(request, 500, {"__type": "InternalServiceError"})
        elif how == "redirect":
            self.reply(request, 302, b"", [("Location", self.url + "/elsewhere")])
        elif how == "truncated":
            request.send_response(200)
            request.send_header("Content-Length", "4096")
            request.end_headers()
            request.wfile.write(b'{"GetCallerIdentityResponse":{')
            request.close_connection = True
        elif how == "bomb":
            request.send_response(200)
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(4096):
                    request.wfile.write(b"10000\r\n" + b"[" * 0x10000 + b"\r\n")
            request.close_connection = True
        elif isinstance(how, bytes):
            self.reply(request, 200, how)
        elif isinstance(how, tuple):
            self.reply(request, 400, {"__type": how[0], "Message": how[1]})
        else:
            raise AssertionError(how)
        return True

    # --- signatures --------------------------------------------------------------------------------------

    def key_of(self, access, token):
        key = self.keys.get(access)
        if key is None:
            raise Refused("UnrecognizedClientException", 403)
        if (token or "") != key.token:
            raise Refused("ExpiredTokenException")
        return key

    def check_date(self, date):
        told = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        if abs(told.timestamp() - (time.time() + self.clock_offset)) > SKEW:
            raise Refused("InvalidSignatureException")

    def check_header_signature(self, request, body, service):
        fields = dict(part.strip().split("=", 1)
                      for part in request.headers["Authorization"].split(" ", 1)[1].split(","))
        access, _, region, named, _ = fields["Credential"].split("/")
        key = self.key_of(access, request.headers.get("X-Amz-Security-Token"))
        date = request.headers["X-Amz-Date"]
        self.check_date(date)
        headers = {name: request.headers[name] for name in fields["SignedHeaders"].split(";")}
        aws = AWSRequest(request.command, self.url + request.path, headers=headers, data=body)
        expected = sign(SigV4Auth(key.credentials(), service, REGION), aws, date)
        if (region, named) != (REGION, service) or fields["Signature"] != expected:
            raise Refused("SignatureDoesNotMatch", 403)

    def check_query_signature(self, request):
        query = urllib.parse.parse_qs(request.path.partition("?")[2])
        given = {name: values[0] for name, values in query.items()}
        access, _, region, service, _ = given["X-Amz-Credential"].split("/")
        key = self.key_of(access, given.get("X-Amz-Security-Token"))
        self.check_date(given["X-Amz-Date"])
        headers = {name: request.headers.get(name, "") for name in given["X-Amz-SignedHeaders"].split(";")}
        url = "https://" + request.headers["Host"] + request.path
        if given["X-Amz-Signature"] != presigned(key, url, region, service, given["X-Amz-Date"], headers):
            raise Refused("SignatureDoesNotMatch", 403)
        return key

    # --- answers -----------------------------------------------------------------------------------------

    def answer(self, request, operation, body):
        answers = {"GetSecretValue": self.get_secret_value, "GetParameter": self.get_parameter,
                   "GetCallerIdentity": self.get_caller_identity, "container": self.role_credentials,
                   "AssumeRoleWithWebIdentity": self.assume_role, "metadata": self.metadata,
                   "task": lambda *_: {"Networks": self.task_networks}}
        if operation not in answers:
            raise Refused("UnknownOperationException")
        return answers[operation](request, body)

    def get_secret_value(self, request, body):
        self.check_header_signature(request, body, "secretsmanager")
        asked = json.loads(body)
        secret = self.secrets.get(asked["SecretId"])
        version = secret and secret.stages.get(asked["VersionStage"])
        if not version:
            raise Refused("ResourceNotFoundException")
        return {"ARN": "arn", "Name": asked["SecretId"], "VersionId": version, "SecretString": secret.versions[version],
                "VersionStages": [asked["VersionStage"]], "CreatedDate": secret.created[version]}

    def get_parameter(self, request, body):
        self.check_header_signature(request, body, "ssm")
        asked = json.loads(body)
        assert asked["WithDecryption"] is True
        name, _, version = asked["Name"].partition(":")
        if name not in self.parameters:
            raise Refused("ParameterNotFound")
        versions = self.parameters[name]  # (version, value), or several of them, the current one first
        versions = dict([versions] if isinstance(versions, tuple) else versions)
        version = int(version) if version else next(iter(versions))
        if version not in versions:
            raise Refused("ParameterVersionNotFound")
        return {"Parameter": {"Name": name, "Type": "SecureString", "Value": versions[version], "Version": version,
                              **({"LastModifiedDate": self.modified[name]} if name in self.modified else {})}}

    def get_caller_identity(self, request, _body):
        allowed = {"host", "accept", "x-pgweir-server-id"}
        surplus = {name.lower() for name in request.headers} - allowed
        assert not surplus, f"headers that do not belong there: {surplus}"
        assert request.headers["Accept"] == "application/json"
        key = self.check_query_signature(request)
        result = {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{key.role}/{key.session}",
                  "UserId": f"AROAEXAMPLE:{key.session}"}
        return {"GetCallerIdentityResponse": {"GetCallerIdentityResult": result,
                                              "ResponseMetadata": {"RequestId": str(uuid.uuid4())}}}

    def expiration(self):
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.lifetime)
        return ends.strftime("%Y-%m-%dT%H:%M:%SZ")

    def role_credentials(self, request, _body):
        if self.container_token and request.headers.get("Authorization") != self.container_token:
            raise Refused("AccessDenied", 401)
        key = self.key
        return {"AccessKeyId": key.access, "SecretAccessKey": key.secret, "Token": key.token,
                "Expiration": self.expiration(), "RoleArn": "arn"}

    def assume_role(self, request, body):
        asked = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
        if asked["WebIdentityToken"] != "an identity" or request.headers.get("Accept") != "application/json":
            raise Refused("InvalidIdentityToken")
        key = self.key
        credentials = {"AccessKeyId": key.access, "SecretAccessKey": key.secret, "SessionToken": key.token,
                       "Expiration": time.time() + self.lifetime}
        return {"AssumeRoleWithWebIdentityResponse": {"AssumeRoleWithWebIdentityResult": {"Credentials": credentials}}}

    def metadata(self, request, _body):
        path = request.path
        if request.command == "PUT" and path == "/latest/api/token":
            assert int(request.headers["X-aws-ec2-metadata-token-ttl-seconds"]) > 0
            return b"an-imds-token"
        if request.headers.get("X-aws-ec2-metadata-token") != "an-imds-token":
            raise Refused("Unauthorized", 401)
        if path == "/latest/meta-data/mac":
            return b"02:00:00:00:00:01"
        if path == "/latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks":
            return self.vpc_blocks.encode()
        base = "/latest/meta-data/iam/security-credentials/"
        if path == base:
            return b"the-role"
        if path != base + "the-role":
            raise Refused("NotFound", 404)
        return self.role_credentials(request, b"")


def sign(auth, request, date):
    request.context["timestamp"] = date
    canonical = auth.canonical_request(request)
    return auth.signature(auth.string_to_sign(request, canonical), request)


def presigned(key, url, region, service, date, headers):
    """The signature that belongs to a presigned URL, which may have one already."""
    base, _, query = url.partition("?")
    unsigned = "&".join(part for part in query.split("&") if not part.startswith("X-Amz-Signature="))
    request = AWSRequest("GET", f"{base}?{unsigned}", headers=headers)
    return sign(SigV4QueryAuth(key.credentials(), service, region, expires=900), request, date)
