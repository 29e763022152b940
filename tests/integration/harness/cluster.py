"""A private PostgreSQL cluster: own data directory, own port, loopback only, gone after the run.

initdb and the roles and databases that every test knows are made once for a build, beside it; each cluster is a copy.
"""

import fcntl
import functools
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import psycopg2

from . import processes
from .waiting import seconds, until

BIN = pathlib.Path(os.environ.get("PGWEIR_TEST_PG_BIN", "/usr/lib/postgresql/15/bin"))

# Every secret carries this mark, so that a search for it in logs, metrics and /proc finds any leak.
CANARY = "canary-2b7f91"
SUPERUSER, SUPERUSER_PASSWORD = "postgres", f"{CANARY}-super"
USERS = {"app": f"{CANARY}-app", "app2": f"{CANARY}-app2", "md5app": f"{CANARY}-md5"}
DATABASES = ("app", "other")

CONFIGURATION = """
listen_addresses = '127.0.0.1'
max_connections = 100
max_prepared_transactions = 20
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 64MB
password_encryption = scram-sha-256
log_min_messages = warning
log_line_prefix = '%m [%p] %u@%d '
timezone = 'UTC'
log_timezone = 'UTC'
"""

ACCESS = """
host all md5app 127.0.0.1/32 md5
host all all 127.0.0.1/32 scram-sha-256
"""

ROLES = f"""
create role app login password '{USERS['app']}';
create role app2 login password '{USERS['app2']}';
set password_encryption = 'md5';
create role md5app login password '{USERS['md5app']}';
reset password_encryption;
create role team;
grant team to app;
"""


class Cluster:
    host = processes.LOOPBACK

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-cluster-"))
        self.data = self.directory / "data"
        self.log_path = self.directory / "postgresql.log"
        self.log_path.touch()
        processes.give_to_unprivileged(self.directory)
        self.port = processes.free_port()
        self.process = None
        self.fill()
        self.start()

    def fill(self):
        subprocess.run(["cp", "-a", template(), self.data], check=True)
        self.take_port()

    def take_port(self):
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"port = {self.port}\n")

    def launch(self):
        self.process = processes.start([str(BIN / "postgres"), "-D", str(self.data)], self.log_path,
                                       unprivileged=True)

    def start(self):
        self.launch()
        until(self.answers, "PostgreSQL accepts connections", timeout=60)

    def answers(self):
        assert self.process.poll() is None, f"PostgreSQL ended:\n{self.log_tail()}"
        try:
            self.connect().close()
            return True
        except psycopg2.OperationalError:
            return False

    def stop(self, mode="fast"):
        number = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode]
        processes.stop(self.process, (number, signal.SIGQUIT, signal.SIGKILL), timeout=seconds(20))

    def remove(self):
        self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self, database="postgres", user=SUPERUSER, password=SUPERUSER_PASSWORD):
        """A direct connection in autocommit; superusers get in even when max_connections is used up."""
        connection = psycopg2.connect(host=self.host, port=self.port, dbname=database, user=user,
                                      password=password, connect_timeout=int(seconds(5)),
                                      application_name="pgweir-test-admin")
        connection.autocommit = True
        return connection

    def execute(self, sql, database="postgres", args=None):
        """Runs one string on a fresh direct connection and returns the last result's rows."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, args)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    @functools.lru_cache
    def version(self):
        return int(self.execute("show server_version_num")[0][0]) // 10000

    def log_tail(self, lines=60):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])


class FirstCluster(Cluster):
    """Made by initdb."""

    def fill(self):
        secret = self.directory / "password"
        secret.write_text(SUPERUSER_PASSWORD)
        processes.give_to_unprivileged(secret)
        command = [BIN / "initdb", "-D", self.data, "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", secret,
                   "-E", "UTF8", "--locale", "C", "-N"]
        done = subprocess.run(processes.command_as_unprivileged([str(c) for c in command]), cwd="/",
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds(120))
        assert done.returncode == 0, f"initdb: {done.stdout}{done.stderr}"
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(CONFIGURATION + "unix_socket_directories = ''\n")
        (self.data / "pg_hba.conf").write_text(ACCESS)
        self.take_port()
        self.start()
        self.execute(ROLES)
        for name in DATABASES:
            self.execute(f"create database {name} owner app")
            with self.connect(name) as admin, admin.cursor() as cursor:
                cursor.execute("grant all on schema public to public")
                # What a server connection holds, also for tests that look through pgweir: it does not see what a
                # view shows, so that the client is not given a connection of its own names.
                cursor.execute("create view kept_statements as select * from pg_prepared_statements;"
                               "grant select on kept_statements to public")
        self.stop()


@functools.lru_cache
def template():
    """The data directory that clusters are copies of, kept beside the build for as long as it would be made the same."""
    kept = processes.build_directory() / "test-clusters"
    kept.mkdir(parents=True, exist_ok=True)
    program = BIN / "postgres"
    recipe = f"{program} {program.stat().st_mtime_ns} {pathlib.Path(__file__).read_text()}"
    made = kept / hashlib.sha256(recipe.encode()).hexdigest()[:16]
    with open(kept / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_dir():
            unfinished = kept / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            first = FirstCluster()
            first.stop()
            subprocess.run(["cp", "-a", first.data, unfinished], check=True)
            first.remove()
            unfinished.rename(made)
    return made
