"""What is compared: how each system is started, stopped, and what it can do."""

import pathlib
import re
import shutil
import subprocess

from . import configurations, processes, wire
from .processes import LOOPBACK, Trouble

# What a case may ask of a system. The one place that says so; a case that asks for more is reported as not run.
#   tls       its clients may use TLS (for direct and HAProxy it is the server that ends it)
#   pools     more clients than server connections
#   prepared  named statements of the protocol while transactions are pooled
CAPABILITIES = {
    "direct": {"tls", "prepared"},
    "haproxy": {"tls", "prepared"},
    "pgbouncer": {"tls", "pools", "prepared"},
    "odyssey": {"tls", "pools", "prepared"},
    "pgdog": {"tls", "pools", "prepared"},
    "pgcat": {"tls", "pools", "prepared"},
    "pgweir": {"pools", "prepared"},
}

MISSING = {
    "tls": "not supported: no TLS for clients",
    "pools": "does not pool: every client would need a server connection",
    "prepared": "no prepared statements in transaction mode before PgBouncer 1.21",
}


class System:
    """One column of the comparison. It is started anew for each case, so that no case inherits another's memory."""

    def __init__(self, kind, binary, title, workers=1, configure=None):
        self.kind, self.binary, self.workers = kind, binary, workers
        self.key = kind if workers == 1 else f"{kind}-{workers}"
        self.title = f"{title} {self.version()}" if binary else title
        if workers > 1:
            self.title += f", {workers} workers"
        self.capabilities = set(CAPABILITIES[kind])
        self.configure = configure
        self.address, self.process, self.log = None, None, None
        if kind == "pgbouncer" and binary and not _prepares(self.version()):
            self.capabilities.discard("prepared")

    @property
    def pid(self):
        """None for a direct connection: no process between client and server."""
        return self.process.pid if self.process else None

    def version(self):
        arguments = {"haproxy": ["-v"], "pgweir": ["version"]}.get(self.kind, ["--version"])
        try:
            done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, timeout=10,
                                  stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return "unknown"
        found = re.search(r"\d+\.\d+[\w.\-]*", done.stdout + done.stderr)
        return found.group(0) if found else "unknown"

    def refusal(self, needs):
        """Why this system cannot take a case, or None."""
        missing = [MISSING[need] for need in sorted(needs - self.capabilities)]
        return missing[0] if missing else None

    def start(self, place, tls):
        if self.kind == "direct":
            self.address = (LOOPBACK, place.cluster.port)
            return
        directory = pathlib.Path(place.cluster.directory)
        # A copy, because the unprivileged user may not be allowed to read where it was built; one for each system,
        # because processes of one file share pages, and then Pss would be lower than that of one alone.
        program = directory / f"{self.key}.program"
        if not program.exists():
            shutil.copy(self.binary, program)
            program.chmod(0o755)
        self.address = (LOOPBACK, processes.free_port())
        self.log = directory / f"{self.key}.log"
        arguments = self.configure(place, self, tls)
        self.process = place.processes.start([program, *arguments], self.log)
        # It answers a whole query, and by that has opened its pool: PgBouncer learns the server's keys from a login.
        if not processes.wait_until(lambda: self.process.poll() is not None or self.answers(place, tls), 20) \
                or self.process.poll() is not None:
            said = processes.last_line(self.log.read_text(errors="replace"))
            self.stop(place)
            raise Trouble(f"{self.title} does not answer a query: {said}")

    def answers(self, place, tls):
        try:
            client = wire.Client(self.address, place.cluster, tls=tls, timeout=2)
        except (OSError, wire.Refused):
            return False
        try:
            return client.query("SELECT 1") == [["1"]]
        except (OSError, wire.Refused):
            return False
        finally:
            client.close()

    def stop(self, place):
        """Returns a sentence when it did not end well."""
        problem = place.processes.stop(self.process) if self.process else None
        self.process = None
        return f"{self.title} {problem} when it was told to stop" if problem else None


def _prepares(version):
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    return numbers >= [1, 21]


def make(options):
    """(systems that can run, {key: why it cannot}) in the order of the report."""
    names = [("haproxy", "HAProxy", options.haproxy), ("pgbouncer", "PgBouncer", options.pgbouncer),
             ("odyssey", "Odyssey", options.odyssey), ("pgdog", "PgDog", options.pgdog),
             ("pgcat", "PgCat", options.pgcat), ("pgweir", "pgweir", options.pgweir)]
    wanted = options.systems
    ready, absent = [], {}
    if not wanted or "direct" in wanted:
        ready.append(System("direct", None, "direct"))
    for kind, title, path in names:
        for workers in ((1, 2) if kind == "pgweir" else (1,)):
            key = kind if workers == 1 else f"{kind}-{workers}"
            if wanted and key not in wanted:
                continue
            binary = shutil.which(path) if path else None
            if not binary:
                absent[key] = f"{path} is not a program" if path else f"no program given (--{kind} PATH)"
                continue
            ready.append(System(kind, str(pathlib.Path(binary).resolve()), title, workers,
                                getattr(configurations, kind)))
    return ready, absent
