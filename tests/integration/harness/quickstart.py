"""Runs of deploy/quickstart.sh in a copy of its directory, where it can neither build nor install anything."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from . import descendants, processes
from .proxy import binary
from .waiting import until

DEPLOY = pathlib.Path(__file__).resolve().parents[3] / "deploy"
SCRIPTS = ("quickstart.sh", "private-cluster.sh")  # install-packages.sh is not among them on purpose


class Quickstart:
    """One copy of the scripts and programs, for runs by `user` (None: whoever runs the tests)."""

    def __init__(self, user=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-test-"))
        self.directory.chmod(0o755)
        self.deploy, self.binaries = self.directory / "deploy", self.directory / "binaries"
        self.user, self.processes = user, []
        self.deploy.mkdir()
        self.binaries.mkdir()
        for name in SCRIPTS:
            shutil.copy(DEPLOY / name, self.deploy)
        for name in ("pgweir", "pgweir-bench"):
            shutil.copy(pathlib.Path(binary()).parent / name, self.binaries)
        if user is not None:
            os.chown(self.deploy, user.pw_uid, user.pw_gid)

    def start(self, *arguments):
        # A caller that ignores SIGINT hands that down, and a shell cannot take it back.
        command = ["env", "--default-signal=INT"]
        if self.user is not None:
            command += ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"]
        command += [self.deploy / "quickstart.sh", "--binaries", self.binaries, *arguments]
        self.log = self.directory / f"{len(self.processes)}.log"
        with open(self.log, "wb") as log:
            self.processes.append(subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                   start_new_session=True))
        return self

    def output(self):
        return self.log.read_text()

    def printed(self, text):
        until(lambda: text in self.output() or self.has_ended(), f"'{text}' is printed", 60)
        assert text in self.output(), f"ended before '{text}':\n{self.output()}"

    @property
    def note(self):
        """The file that names the run's temporary directory, for the next run in case that this one is killed."""
        return self.deploy / ".quickstart" / "state"

    def state(self):
        return pathlib.Path(until(lambda: self.note.exists() and self.note.read_text().strip(), "it is noted", 30))

    def ports(self):
        """Of the clients, of the metrics, of PostgreSQL."""
        return until(lambda: ports_in(self.state() / "pgweir.yaml"), "ports are chosen", 60)

    def ctrl_c(self):
        """As a terminal does it: to the script and to what runs in its foreground."""
        os.killpg(self.processes[-1].pid, signal.SIGINT)

    def living(self):
        return descendants.living([process.pid for process in self.processes])

    def has_ended(self):
        # A script that waits for somebody's orphan to be gone would wait in vain if it were not buried.
        self.living()
        return self.processes[-1].poll() is not None

    def end(self):
        until(self.has_ended, "the script has ended", 90)
        return self.processes[-1].returncode

    def remove(self):
        """What a failed test has left is stopped the hard way, and its temporary directory goes with it."""
        left = self.note.read_text().strip() if self.note.exists() else ""
        descendants.kill()
        until(lambda: not self.living(), "all is dead")
        if left.startswith("/tmp/pgweir-quickstart."):
            shutil.rmtree(left, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)


def ports_in(configuration):
    found = re.findall(r"port: (\d+)", configuration.read_text()) if configuration.exists() else []
    return [int(port) for port in found] if len(found) == 3 else None


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((processes.LOOPBACK, port)) == 0
