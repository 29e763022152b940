"""The program under test, as a black box: configuration in; wire, metrics, log and exit code out.

PGWEIR_TEST_DIRECT=1 puts PostgreSQL itself in its place, which shows that a test's expectations are
PostgreSQL's own; PGWEIR_TEST_PGBOUNCER=1 puts Debian's PgBouncer there, which shows that a test can fail.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import urllib.error
import urllib.request

import psycopg2
import yaml

from . import processes
from .cluster import DATABASES, USERS
from .waiting import seconds, until
from .wire import Wire, cancel

DIRECT = os.environ.get("PGWEIR_TEST_DIRECT") == "1"
PGBOUNCER = os.environ.get("PGWEIR_TEST_PGBOUNCER") == "1"

SANITIZER_REPORT = re.compile(
    r"(AddressSanitizer|ThreadSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|MemorySanitizer)")


def binary():
    if os.environ.get("PGWEIR_BIN"):
        return os.environ["PGWEIR_BIN"]
    return str(processes.build_directory() / "pgweir")


class Endpoint:
    """Something that speaks PostgreSQL's protocol at host:port."""

    host, port = processes.LOOPBACK, 0

    def wire(self, user="app", database="app", password=None, **options):
        """A raw connection, logged in. `tls`: a context to go through."""
        password = USERS.get(user) if password is None else password
        narrow, tls = options.pop("narrow", None), options.pop("tls", None)
        wire = self.socket(narrow=narrow)
        if tls:
            wire.start_tls(tls)
        return wire.login(user, database, password, **options)

    def socket(self, timeout=12.0, narrow=None):
        """A raw connection, nothing said yet."""
        return Wire(self.host, self.port, timeout, narrow)

    def cancel(self, wire, secret=None, pid=None):
        cancel(self.host, self.port, wire.pid if pid is None else pid, secret or wire.secret)

    def address(self, user="app", database="app"):
        return {"host": self.host, "port": self.port, "user": user, "password": USERS[user], "dbname": database}

    def psycopg2(self, user="app", database="app", **options):
        return psycopg2.connect(**{**self.address(user, database), "connect_timeout": int(seconds(10)), **options})

    def environment(self, user="app", database="app"):
        """For programs that read libpq's environment."""
        return {**os.environ, "PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": user,
                "PGPASSWORD": USERS[user], "PGDATABASE": database, "PGSSLMODE": "disable"}

    def stop(self):
        pass

    def log_text(self):
        return ""


class Direct(Endpoint):
    kind = "direct"

    def __init__(self, cluster):
        self.host, self.port = cluster.host, cluster.port


def merged(base, changes):
    """`changes` laid over `base`, key by key; None removes a key."""
    out = dict(base)
    for key, value in changes.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        else:
            out[key] = value
    return out


class Pgweir(Endpoint):
    kind = "pgweir"

    def __init__(self, cluster, directory, changes=None, limits=(), variables=None, **pool):
        """`pool` holds keys of the configuration's `pool`; `changes` is laid over the whole configuration."""
        self.cluster, self.directory, self.limits = cluster, pathlib.Path(directory), limits
        self.variables = variables or {}
        self.port, self.admin_port = processes.free_port(), processes.free_port()
        self.log_path = self.directory / "pgweir.log"
        self.config_path = self.directory / "pgweir.yaml"
        self.process = None
        self.expected_exit = 0
        databases = {name: {"host": cluster.host, "port": cluster.port} for name in DATABASES}
        databases["app"]["users"] = list(USERS)
        databases["other"]["users"] = ["app"]
        self.config = merged({
            "listen": {"host": self.host, "port": self.port, "max_clients": 2000},
            "workers": 2,
            "admin": {"host": self.host, "port": self.admin_port},
            "databases": databases,
            "users": {user: {"password": password} for user, password in USERS.items()},
            "pool": {"min_size": 1, **pool},
            "timeouts": {"drain": "5s", "failed_login": "0s"},
            "log": {"format": "json", "level": "info"},
        }, changes or {})
        if self.config["pool"].get("max_size", 20) < self.config["pool"]["min_size"]:
            self.config["pool"]["min_size"] = self.config["pool"]["max_size"]

    def write_config(self):
        self.config_path.write_text(yaml.safe_dump(self.config))

    def start(self, wait_ready=True):
        self.write_config()
        env = {**os.environ, **self.variables,
               "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:" + os.environ.get("ASAN_OPTIONS", ""),
               "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:" + os.environ.get("UBSAN_OPTIONS", ""),
               "TSAN_OPTIONS": "exitcode=99:second_deadlock_stack=1:" + os.environ.get("TSAN_OPTIONS", "")}
        self.process = processes.start([binary(), "serve", str(self.config_path)], self.log_path, env=env,
                                       limits=self.limits)
        if wait_ready:
            until(self.ready, "pgweir is ready", timeout=20)
        return self

    def ready(self):
        assert self.process.poll() is None, f"pgweir ended with {self.process.returncode}:\n{self.log_tail()}"
        return self.http("/readyz")[0] == 200

    def http(self, path):
        """(status, text) of the admin address; status 0 when nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{self.host}:{self.admin_port}{path}", timeout=seconds(10)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metrics(self):
        """{'name{label="x"}': value} of a scrape."""
        status, text = self.http("/metrics")
        assert status == 200
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def metric(self, name, **labels):
        """Sum over all series of that name which carry these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(value for series, value in self.metrics().items()
                   if re.split(r"[{ ]", series)[0] == name and all(w in series for w in wanted))

    def waiters(self):
        """Clients of all pools that wait for a backend."""
        return self.metric("pgweir_pool_clients", state="waiting")

    def reload(self, changes):
        self.config = merged(self.config, changes)
        self.write_config()
        self.process.send_signal(signal.SIGHUP)

    def signal(self, number):
        self.process.send_signal(number)

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=80):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def log_events(self):
        """The JSON lines of the log; anything else in it fails."""
        return [json.loads(line) for line in self.log_text().splitlines() if line.strip()]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        if self.process is None:
            return
        early = self.process.poll()
        code = processes.stop(self.process, (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL),
                              timeout=seconds(15))
        self.process = None
        report = [line for line in self.log_text().splitlines() if SANITIZER_REPORT.search(line)]
        assert not report, f"sanitizer report: {report[0]}\n{self.log_tail(200)}"
        assert early is None or early == self.expected_exit, f"pgweir had ended with {early}:\n{self.log_tail()}"
        assert code == self.expected_exit, f"exit code {code}:\n{self.log_tail(12)}"


class Pgbouncer(Endpoint):
    """Debian's PgBouncer in transaction mode with prepared statements, for comparison only."""

    kind = "pgbouncer"

    def __init__(self, cluster, directory, changes=None, limits=(), **pool):
        self.cluster, self.directory = cluster, pathlib.Path(directory)
        self.port = processes.free_port()
        self.log_path = self.directory / "pgbouncer.log"
        self.log_path.touch()
        self.pool = pool
        self.process = None

    def start(self, wait_ready=True):
        users = self.directory / "users.txt"
        users.write_text("".join(f'"{user}" "{password}"\n' for user, password in USERS.items()))
        ini = self.directory / "pgbouncer.ini"
        ini.write_text(f"""[databases]
* = host={self.cluster.host} port={self.cluster.port}
[pgbouncer]
listen_addr = {self.host}
listen_port = {self.port}
unix_socket_dir =
auth_type = {'trust' if self.pool.get('trust') else 'scram-sha-256'}
auth_file = {users}
pool_mode = {self.pool.get('mode', 'transaction')}
default_pool_size = {self.pool.get('max_size', 20)}
max_client_conn = 2000
""")
        for path in (self.directory, users, ini, self.log_path):
            processes.give_to_unprivileged(path)
        os.chmod(self.directory, 0o755)
        self.process = processes.start([shutil.which("pgbouncer"), str(ini)], self.log_path, unprivileged=True)
        until(self.answers, "PgBouncer accepts connections")
        return self

    def answers(self):
        try:
            self.socket().close()
            return True
        except OSError:
            return False

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        if self.process is not None:
            processes.stop(self.process, (signal.SIGINT, signal.SIGKILL))
