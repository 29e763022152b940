"""What is compared: how each system is started, stopped, and what it can do."""

import dataclasses
import pathlib
import re
import shutil
import subprocess

from . import configurations, processes, wire
from .processes import LOOPBACK, Trouble

# What a case may ask of a system. The one place that says so; a case that asks for more is reported as not run.
#   pools     more clients than server connections
#   prepared  named statements of the protocol while transactions are pooled
#   process   there is a program between client and server
CAPABILITIES = {
    "direct": {"prepared"},
    "haproxy": {"prepared", "process"},
    "pgbouncer": {"pools", "prepared", "process"},
    "odyssey": {"pools", "prepared", "process"},
    "pgdog": {"pools", "prepared", "process"},
    "pgcat": {"pools", "prepared", "process"},
    "pgweir": {"pools", "prepared", "process"},
}

MISSING = {
    "pools": "does not pool: every client would need a server connection",
    "prepared": "no prepared statements in transaction mode before PgBouncer 1.21",
    "process": "no program between client and server",
}


@dataclasses.dataclass(frozen=True)
class Model:
    """What a column of the comparison is made of; System is one that can run."""
    kind: str  # of CAPABILITIES and configurations
    title: str
    variant: str = ""  # not empty: it takes part where a case names it, because it differs from its kind only there
    workers: int = 1
    state: str = ""  # pgweir's pool.state, where it is not the default
    note: str = ""  # shown after the version

    @property
    def capabilities(self):
        return CAPABILITIES[self.kind]


# By key, in the order of the report.
MODELS = {
    "direct": Model("direct", "direct"),
    "haproxy": Model("haproxy", "HAProxy"),
    "pgbouncer": Model("pgbouncer", "PgBouncer"),
    "odyssey": Model("odyssey", "Odyssey"),
    "pgdog": Model("pgdog", "PgDog"),
    "pgcat": Model("pgcat", "PgCat"),
    "pgweir": Model("pgweir", "pgweir"),
    "pgweir-2": Model("pgweir", "pgweir", variant="workers", workers=2, note=", 2 workers"),
    "pgweir-strict": Model("pgweir", "pgweir", variant="strict", state="strict", note=", strict"),
}


def takes_part(column, case):
    return column.kind not in case.without and (not column.variant or column.variant in case.variants)


def refusal(column, needs):
    """Why a model or system cannot take a case, or None."""
    missing = [MISSING[need] for need in sorted(needs - column.capabilities)]
    return missing[0] if missing else None


# Until a system that was started answers a query.
START_SECONDS = 20


class System:
    """One column of the comparison. It is started anew for each case, so that no case inherits another's memory.

    `like`: the key of the model, if this is one of the user's own columns.
    """

    def __init__(self, key, model, binary=None, like=None):
        self.key, self.kind, self.binary, self.like = key, model.kind, binary, like
        self.variant, self.workers, self.state = model.variant, model.workers, model.state
        self.title = f"{model.title} {self.version()}{model.note}" if binary else model.title
        if like:
            self.title = f"{key} ({self.title})"
        self.capabilities = set(model.capabilities)
        self.address, self.process, self.log = None, None, None
        if self.kind == "pgbouncer" and binary and not _prepares(self.version()):
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

    def start(self, place, tls, under=()):
        """`under`: a command in front of the program, such as a profiler's, which makes it slow."""
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
        arguments = getattr(configurations, self.kind)(place, self, tls)
        self.process = place.processes.start([*under, program, *arguments], self.log)
        # It answers a whole query, and by that has opened its pool: PgBouncer learns the server's keys from a login.
        if not processes.wait_until(lambda: self.process.poll() is not None or self.answers(place, tls),
                                    START_SECONDS * (4 if under else 1)) or self.process.poll() is not None:
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
    """(systems that can run, {key of a model: why it cannot}) in the order of the report."""
    ready, absent = [], {}
    for key, model in MODELS.items():
        if options.systems and key not in options.systems:
            continue
        path = getattr(options, model.kind, None)
        binary = _program(path)
        if binary or model.kind == "direct":
            ready.append(System(key, model, binary))
        else:
            absent[key] = f"{path} is not a program" if path else f"no program given (--{model.kind} PATH)"
    ready += [System(other.name, MODELS[other.like], _program(other.path), other.like) for other in options.others]
    return ready, absent


def _program(path):
    found = shutil.which(path) if path else None
    return str(pathlib.Path(found).resolve()) if found else None
