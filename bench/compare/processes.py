"""Processes of one run: started as an unprivileged user, stopped by process id, gone whatever happens."""

import os
import pwd
import random
import signal
import socket
import subprocess
import time

LOOPBACK = "127.0.0.1"


class Trouble(Exception):
    """A sentence for the user: why this could not be done."""


def unprivileged_user():
    """Who runs the servers when root runs the comparison (PostgreSQL refuses root); None: the caller."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise Trouble("no unprivileged user to run PostgreSQL as")


def give_away(path):
    user = unprivileged_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def wrapped(command, death_signal="KILL"):
    """The kernel ends it if this program dies without having had the time to do it itself."""
    prefix = ["setpriv", f"--pdeathsig={death_signal}"]
    user = unprivileged_user()
    if user is not None:
        prefix += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return prefix + ["--"] + [str(part) for part in command]


def clean_environment(**more):
    """The caller's PGPASSWORD, PGHOST and the like are about another server."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return {**kept, "LC_ALL": "C", **more}


def free_port():
    """Below the range out of which the kernel serves outgoing connections, so that none of them takes it meanwhile."""
    for port in random.sample(range(20000, 30000), 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
                return port
            except OSError:
                continue
    raise Trouble("no free port between 20000 and 29999")


def wait_until(condition, seconds):
    """Polls; False when the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Processes:
    """Servers that run in the background. A session each, so that Ctrl-C reaches this program alone."""

    def __init__(self):
        self._running = {}  # Popen -> the signal that ends it well

    def start(self, command, log_path, end_signal=signal.SIGTERM):
        name = signal.Signals(end_signal).name.removeprefix("SIG")
        with open(log_path, "ab") as log:
            process = subprocess.Popen(wrapped(command, name), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       cwd="/", env=clean_environment(), start_new_session=True)
        self._running[process] = end_signal
        return process

    def stop(self, process, patience=10):
        """Returns what went wrong, or None. One that dies of a signal has a bug, and the user should hear of it."""
        end_signal = self._running.pop(process, signal.SIGTERM)
        told = False
        for number in (end_signal, signal.SIGKILL):
            if process.poll() is not None:
                break
            told = True
            process.send_signal(number)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
        if process.returncode == -signal.SIGKILL and told:
            return f"did not end within {patience} s and was killed"
        if process.returncode < 0 and -process.returncode != end_signal:
            return f"died of signal {-process.returncode}"
        return None

    def stop_all(self):
        for process in reversed(list(self._running)):
            self.stop(process)


def run(command, timeout, env=None, stdin=None):
    """Runs a program to its end, as the unprivileged user; (exit code, stdout, stderr)."""
    try:
        done = subprocess.run(wrapped(command), env=env or clean_environment(), cwd="/", capture_output=True,
                              text=True, timeout=timeout, input=stdin if stdin is not None else "")
    except subprocess.TimeoutExpired:
        raise Trouble(f"{os.path.basename(str(command[0]))} did not end within {timeout:.0f} s") from None
    return done.returncode, done.stdout, done.stderr


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
