"""A private PostgreSQL cluster: own directory, own port, loopback only, gone after the run.

It forgives a power failure nothing (fsync is off): the disk is not what is compared here.
"""

import base64
import os
import pathlib
import shutil
import signal
import tempfile

from . import processes, scripts, tenants
from .processes import Trouble

CONFIGURATION = """
listen_addresses = '127.0.0.1'
max_connections = {max_connections}
shared_buffers = 256MB
max_wal_size = 4GB
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
password_encryption = scram-sha-256
ssl = on
ssl_cert_file = '{directory}/server.crt'
ssl_key_file = '{directory}/server.key'
log_min_messages = fatal
"""

# So many clients may go straight to the server; the poolers need far fewer.
MAX_CONNECTIONS = 700


def newest_postgres():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        raise Trouble("no PostgreSQL server found below /usr/lib/postgresql; Debian's package is postgresql")
    return found[-1].parent


def random_password():
    return base64.urlsafe_b64encode(os.urandom(18)).decode()


class Cluster:
    user = database = "app"

    def __init__(self, started):
        self.bin = newest_postgres()
        self.processes = started
        # Not below the home directory: the unprivileged user may not be allowed to go there.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-compare.", dir="/tmp"))
        processes.give_away(self.directory)
        self.password, self.admin_password = random_password(), random_password()
        self.pgpass = self.directory / "pgpass"
        self.certificate, self.key = self.directory / "server.crt", self.directory / "server.key"
        self.port = 0

    def private_file(self, name, text):
        """Readable by the unprivileged user alone, from its first byte."""
        path = self.directory / name
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        processes.give_away(path)
        return path

    def create(self, scale):
        self.private_file("pgpass", f"*:*:*:postgres:{self.admin_password}\n*:*:*:app:{self.password}\n")
        self.make_certificate()
        self.initialise()
        self.start()
        self.sql(f"CREATE ROLE app LOGIN PASSWORD '{self.password}'", "CREATE DATABASE app OWNER app")
        self.client("pgbench", "-i", "-q", "-s", scale, "-h", self.directory, "-p", self.port, "-U", "app", "app",
                    timeout=600)
        self.sql("CREATE UNLOGGED TABLE sink (line text); ALTER TABLE sink OWNER TO app", scripts.DEFINITIONS,
                 tenants.DEFINITIONS, database="app")

    def initialise(self):
        secret = self.private_file("admin.password", self.admin_password)
        self.must([self.bin / "initdb", "-D", self.directory / "data", "-U", "postgres", "-A", "scram-sha-256",
                   "--pwfile", secret, "-E", "UTF8", "--locale", "C.UTF-8", "-N"], timeout=120)
        with open(self.directory / "data/postgresql.conf", "a") as file:
            file.write(CONFIGURATION.format(max_connections=MAX_CONNECTIONS, directory=self.directory))
        with open(self.directory / "data/pg_hba.conf", "a") as file:
            file.write("host all all 127.0.0.0/8 scram-sha-256\n")  # clients come from many loopback addresses

    def make_certificate(self):
        """P-256, the cheap and usual kind, for the server and for every pooler."""
        self.must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-days", "2", "-subj", "/CN=localhost", "-keyout", self.key, "-out", self.certificate], timeout=30)
        self.key.chmod(0o600)

    def start(self):
        for _ in range(3):  # the port may be taken between the look and the start
            self.port = processes.free_port()
            server = self.processes.start(
                [self.bin / "postgres", "-D", self.directory / "data", "-p", self.port, "-k", self.directory],
                self.directory / "postgresql.log", signal.SIGINT)  # its fast shutdown
            ready = [self.bin / "pg_isready", "-q", "-h", self.directory, "-p", self.port]
            if processes.wait_until(lambda: server.poll() is not None or processes.run(ready, 10)[0] == 0, 20) \
                    and server.poll() is None:
                return
            self.processes.stop(server)
        raise Trouble("PostgreSQL does not start: " +
                      processes.last_line((self.directory / "postgresql.log").read_text()))

    def must(self, command, timeout, **more):
        code, out, problem = processes.run(command, timeout, **more)
        if code != 0:
            raise Trouble(f"{pathlib.Path(str(command[0])).name} failed: {processes.last_line(problem or out)}")
        return out

    def environment(self, **more):
        return processes.clean_environment(PGPASSFILE=str(self.pgpass), **more)

    def client(self, program, *arguments, timeout=60, **more):
        return self.must([self.bin / program, *arguments], timeout, env=self.environment(), **more)

    def sql(self, *statements, database="postgres"):
        """As administrator. On standard input, because arguments are seen by every user of the machine."""
        return self.client("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.directory,
                           "-p", self.port, "-U", "postgres", "-d", database,
                           stdin=";\n".join(statements) + ";\n").strip()

    def verifier(self):
        """What the server keeps instead of the password."""
        return self.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")

    def version(self):
        return self.sql("SHOW server_version").split()[0]

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
