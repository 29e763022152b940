"""`pgweir doctor CONFIG`: each cause that can be made here is made, on loopback or in a network namespace, and found."""

import contextlib
import functools
import json
import os
import socket
import subprocess
import threading

import psycopg2
import pytest

from harness import frozen, processes
from harness.cluster import CANARY, Cluster, USERS
from harness.doctor import diagnose, the_problem, verdict
from harness.proxy import binary
from harness.waiting import seconds, until

pytestmark = pytest.mark.own

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


@pytest.fixture(scope="module")
def server(certificates):
    """With TLS, as RDS has it; app2 must use it."""
    cluster = Cluster()
    pair = certificates.server.for_postgres(cluster.directory)
    (cluster.data / "pg_hba.conf").write_text("hostssl all app2 127.0.0.1/32 scram-sha-256\n"
                                              "host all app,postgres 127.0.0.1/32 scram-sha-256\n")
    for name, value in (("ssl_cert_file", pair.cert), ("ssl_key_file", pair.key), ("ssl", "on"),
                        ("idle_in_transaction_session_timeout", "5min")):
        cluster.execute(f"alter system set {name} = '{value}'")
    cluster.execute("select pg_reload_conf()")
    until(lambda: cluster.execute("show ssl")[0][0] == "on", "TLS is on")
    yield cluster
    cluster.remove()


@pytest.fixture
def doctor(tmp_path):
    return functools.partial(diagnose, tmp_path)


def trusting(certificates, mode="verify-full", ca=None):
    return {"mode": mode, "ca_file": str((ca or certificates.ca).cert)}


def test_all_is_well(doctor, server, certificates):
    found = doctor("localhost", server.port, trusting(certificates))
    for id in ("L01", "L02", "L03", "L05", "L06", "L07", "L08", "L09", "L10", "L11", "L12", "L13", "L14", "L17", "L18", "L19",
               "L20", "L21", "L22", "L29"):
        assert verdict(found, id) == "ok", found[id]
    for id in ("L04", "L15", "L16", "L23", "L24", "L25", "L26", "L27", "L28", "L30"):
        assert verdict(found, id) == "not evaluated" and found[id]["summary"]


# --- whom it tries

def asked(tmp_path, *options, names=("shop", "reports")):
    """Exit code and standard error, with databases of a server that is not there."""
    users = {"shop": ", users: [shop_user]"}
    (tmp_path / "pgweir.yaml").write_text(
        "databases:\n" + "".join(f"  \"{name}\": {{host: 127.0.0.1, port: {processes.free_port()}{users.get(name, '')}}}\n"
                                for name in names) +
        "users: {shop_user: {password: x}, report_user: {password: y}}\n")
    done = subprocess.run([binary(), "doctor", str(tmp_path / "pgweir.yaml"), "--json", *options], capture_output=True,
                          text=True, timeout=seconds(60), env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true"})
    assert done.returncode == 2 or json.loads(done.stdout)["findings"]
    return done.returncode, done.stderr


def test_what_is_tried_is_said_first_and_what_else_there_is(tmp_path):
    code, told = asked(tmp_path)
    assert code == 1
    assert told.splitlines()[0].startswith('pgweir doctor: tries database "reports" as user "report_user" at 127.0.0.1:')
    assert "--database chooses another one: reports, shop" in told
    assert "--user chooses another one: report_user, shop_user" in told
    assert 'tries database "shop" as user "shop_user"' in asked(tmp_path, "--database", "shop")[1]


@pytest.mark.parametrize("options, said", [
    (("--database", "shop", "--user", "report_user"),
     'user "report_user" may not use database "shop": databases.shop.users has: shop_user'),
    (("--database", "shpo"), 'the configuration has no database "shpo"; it has: reports, shop'),
    (("--user", "nobody"), 'the configuration has no user "nobody"; it has: report_user, shop_user'),
], ids=["not together", "database", "user"])
def test_what_cannot_be_tried_is_explained(tmp_path, options, said):
    assert asked(tmp_path, *options) == (2, f"pgweir doctor: {said}\n")


def test_any_other_database_is_tried_under_the_name_that_is_asked_for(tmp_path):
    assert 'tries database "shop" as' in asked(tmp_path, names=("*", "shop"))[1]
    assert 'tries database "other" as' in asked(tmp_path, "--database", "other", names=("*", "shop"))[1]
    code, told = asked(tmp_path, names=("*",))
    assert code == 2 and "--database NAME" in told
    assert asked(tmp_path, "--database", "*", names=("*", "shop"))[0] == 2


# --- the name

@needs_root
def test_L01_no_such_name(doctor, tmp_path):
    (tmp_path / "nsswitch").write_text("hosts: files\n")
    found = doctor("mydb.example.invalid", inside=f"mount --bind {tmp_path}/nsswitch /etc/nsswitch.conf")
    assert "describe-db-instances" in the_problem(found, "L01")["fixes"][0]


@needs_root
def test_L02_nobody_resolves_names(doctor, tmp_path):
    (tmp_path / "nsswitch").write_text("hosts: dns\n")
    (tmp_path / "resolv").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    found = doctor("mydb.example.com", inside=f"mount --bind {tmp_path}/nsswitch /etc/nsswitch.conf\n"
                                              f"mount --bind {tmp_path}/resolv /etc/resolv.conf")
    assert "--enable-dns-support" in the_problem(found, "L02")["fixes"][0]


@needs_root
def test_L03_a_public_address(doctor):
    found = doctor("203.0.113.7", inside="ip address add 203.0.113.7/32 dev lo")
    assert verdict(found, "L03") == "warning" and "203.0.113.7" in json.dumps(found["L03"]["evidence"])


# --- the way

def test_L05_packets_are_dropped(doctor):
    """A listener whose kernel drops what arrives, as a security group does."""
    with frozen.listener() as port:
        finding = the_problem(doctor("127.0.0.1", port), "L05")
    assert "security group" in finding["causes"][0] and "authorize-security-group-ingress" in finding["fixes"][0]


def test_L06_nothing_listens(doctor):
    the_problem(doctor("127.0.0.1", processes.free_port()), "L06")


@needs_root
def test_L07_no_route(doctor):
    the_problem(doctor("10.99.0.2", inside="true"), "L07")


# --- TLS

def test_L08_a_server_without_tls(doctor, cluster, certificates):
    the_problem(doctor("localhost", cluster.port, trusting(certificates)), "L08")
    assert verdict(doctor("localhost", cluster.port, {"mode": "prefer"}), "L20") == "ok"


@contextlib.contextmanager
def pretending(*answers):
    """Answers each thing that comes in by the next of these, and closes; None: says nothing for as long as it is asked."""
    with socket.socket() as listener:
        listener.bind((processes.LOOPBACK, 0))
        listener.listen()
        listener.settimeout(seconds(30))

        def serve():
            with contextlib.suppress(OSError):
                peer, _ = listener.accept()
                with peer:
                    for answer in answers:
                        peer.recv(65536)
                        if answer is None:
                            peer.recv(1)
                        else:
                            peer.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("answer, seen", [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad Request...."),
                                          (b"", "(the connection was closed)"), (None, "(nothing in 5 s)"),
                                          (b"SSH-2.0\x00", "SSH-2.0.")], ids=["HTTP", "closes", "silent", "SSH"])
def test_L09_another_service(doctor, certificates, answer, seen):
    with pretending(answer) as port:
        assert the_problem(doctor("localhost", port, trusting(certificates)), "L09")["evidence"][0]["value"] == seen


def test_L10_an_authority_that_is_not_trusted(doctor, server, certificates):
    found = doctor("localhost", server.port, trusting(certificates, ca=certificates.other_ca))
    assert "global-bundle.pem" in the_problem(found, "L10")["fixes"][0]


@contextlib.contextmanager
def showing(server, certificates, pair):
    def show(shown):
        copy = shown.for_postgres(server.directory)
        server.execute(f"alter system set ssl_cert_file = '{copy.cert}'")
        server.execute(f"alter system set ssl_key_file = '{copy.key}'")
        server.execute("select pg_reload_conf()")
        until(lambda: server.execute("show ssl_cert_file")[0][0] == str(copy.cert), "another certificate is shown")
    show(pair)
    yield
    show(certificates.server)


def test_L11_another_name(doctor, server, certificates):
    with showing(server, certificates, certificates.wrong_name):
        found = doctor("localhost", server.port, trusting(certificates))
        assert the_problem(found, "L11")["evidence"][0]["value"] == "elsewhere.example"
        found = doctor("localhost", server.port, trusting(certificates, "verify-ca"))
        assert verdict(found, "L11") == "not evaluated" and verdict(found, "L20") == "ok"


def test_L12_an_expired_certificate(doctor, server, certificates):
    with showing(server, certificates, certificates.expired):
        finding = the_problem(doctor("localhost", server.port, trusting(certificates)), "L12")
        assert "2020-02-01" in json.dumps(finding) and "clock" in json.dumps(finding)


# --- the login

def test_L13_a_server_that_wants_tls(doctor, server):
    found = doctor("127.0.0.1", server.port, {"mode": "disable"}, user="app2", password=USERS["app2"])
    assert the_problem(found, "L13")["fixes"] == ["databases.app.tls.mode: verify-full"]


def test_L14_a_wrong_password(doctor, server):
    the_problem(doctor("127.0.0.1", server.port, password=f"{CANARY}-wrong"), "L14")


def error(code, text):
    body = b"".join(f"{letter}{value}\0".encode() for letter, value in (("S", "FATAL"), ("V", "FATAL"), ("C", code), ("M", text))) + b"\0"
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


@pytest.mark.parametrize("id, code, text", [
    ("L15", "28000", 'PAM authentication failed for user "app"'),
    ("L18", "53300", "sorry, too many clients already"),
    ("L19", "57P03", "the database system is starting up"),
    ("L19", "57P01", "terminating connection due to administrator command")])
def test_what_a_server_says(doctor, id, code, text):
    with pretending(error(code, text)) as port:
        finding = the_problem(doctor("127.0.0.1", port), id)
        assert finding["evidence"] == [{"where": f"server: {code}", "value": text}]


def test_L17_no_such_database(doctor, server):
    the_problem(doctor("127.0.0.1", server.port, database={"dbname": "nowhere"}), "L17")


def test_L18_no_connection_left(doctor, own_cluster):
    own_cluster.execute("alter system set max_connections = 8")
    own_cluster.stop()
    own_cluster.start()
    held = []
    with contextlib.suppress(psycopg2.OperationalError):
        while True:
            held.append(own_cluster.connect("app", "app", USERS["app"]))
    assert held
    the_problem(doctor("127.0.0.1", own_cluster.port), "L18")
    for connection in held:
        connection.close()


# --- what the server says of itself

def test_L20_a_replica(doctor, own_cluster):
    own_cluster.stop()
    (own_cluster.data / "standby.signal").touch()
    own_cluster.start()
    assert "writer's endpoint" in the_problem(doctor("127.0.0.1", own_cluster.port), "L20")["fixes"][0]


def test_L21_pools_that_do_not_fit(doctor, server):
    found = doctor("127.0.0.1", server.port, pool={"max_size": 25})
    # 25 x 2 instances x 2 while deploying, and 100 - 3 for all.
    assert verdict(found, "L21") == "warning" and "100" in json.dumps(found["L21"]) and "97" in json.dumps(found["L21"])
    assert verdict(doctor("127.0.0.1", server.port, options=["--tasks", "1"], pool={"max_size": 25}), "L21") == "ok"


def test_L22_transactions_without_end(doctor, cluster, server):
    assert verdict(doctor("127.0.0.1", cluster.port), "L22") == "warning", "PostgreSQL's default is for ever"
    assert verdict(doctor("127.0.0.1", server.port), "L22") == "ok"


# --- the surroundings

def test_L28_a_task_without_a_role(doctor, server):
    ecs = {"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/x"}
    assert "taskRoleArn" in the_problem(doctor("127.0.0.1", server.port, env=ecs), "L28")["fixes"][0]
    with pretending(b"") as port:
        uri = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{port}/get"}
        assert verdict(doctor("127.0.0.1", server.port, env=ecs | uri), "L28") == "ok"
    uri = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{processes.free_port()}/get"}
    the_problem(doctor("127.0.0.1", server.port, env=ecs | uri), "L28")


def test_L29_few_descriptors(doctor, server):
    found = doctor("127.0.0.1", server.port, limits=["prlimit", "--nofile=120:120"])
    assert verdict(found, "L29") == "warning" and verdict(found, "L20") == "ok"


def test_L30_through_a_balancer(doctor, server, start):
    through = start()
    found = doctor("127.0.0.1", server.port, options=["--through", f"127.0.0.1:{through.port}"])
    assert verdict(found, "L30") == "ok"
    found = doctor("127.0.0.1", server.port, options=["--through", f"127.0.0.1:{processes.free_port()}"])
    the_problem(found, "L30")


def test_a_user_of_whom_only_a_verifier_is_known(doctor, server):
    stored, = server.execute("select rolpassword from pg_authid where rolname = 'app'")[0]
    found = doctor("127.0.0.1", server.port, users={"app": {"scram_verifier": stored}})
    assert verdict(found, "L14") == "not evaluated" and verdict(found, "L20") == "not evaluated"
