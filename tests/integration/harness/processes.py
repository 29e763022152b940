"""Starting servers that cannot outlive the test run, as an unprivileged user where that is asked for."""

import os
import pathlib
import pwd
import random
import signal
import socket
import subprocess

from .waiting import seconds

LOOPBACK = "127.0.0.1"


def build_directory():
    root = pathlib.Path(__file__).resolve().parents[3]
    return pathlib.Path(os.environ.get("PGWEIR_BUILD_DIR", root / "build" / "release"))


def _ports():
    """Below the range that the kernel takes from for connections, so that none has it by the time the server starts."""
    lowest, highest = 10_240, int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0]) - 1
    span = max(highest - lowest, 1_024)
    begin = random.randrange(span)
    for step in range(span):
        yield lowest + (begin + step) % span


_untried = _ports()
_claims = []


def _claim(port):
    """False: another test program has got the port, and may not have bound it yet. A claim ends with its process."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0pgweir-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def free_port():
    """No port twice: a server that got one may not have bound it yet."""
    for port in _untried:
        if not _claim(port):
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
                return port
            except OSError:
                pass
    raise RuntimeError("no free port left")


def unprivileged_user():
    """Who runs PostgreSQL, which refuses root. None when the tests are not run by root."""
    if os.geteuid() != 0:
        return None
    for name in (os.environ.get("PGWEIR_TEST_PG_USER", ""), "postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise RuntimeError("no unprivileged user to run PostgreSQL as")


def command_as_unprivileged(command):
    user = unprivileged_user()
    if user is None:
        return command
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command]


def give_to_unprivileged(path):
    user = unprivileged_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def start(command, log_path, unprivileged=False, env=None, limits=()):
    """A child that the kernel kills when this process dies, with both outputs in `log_path`."""
    user = unprivileged_user() if unprivileged else None
    prefix = ["setpriv", "--pdeathsig=KILL"]
    if user is not None:
        prefix += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    with open(log_path, "ab") as log:
        return start_with([*limits, *prefix, *command], log, env=env)


def start_with(command, log, **options):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **options)


def stop(process, signals=(signal.SIGTERM, signal.SIGKILL), timeout=seconds(30)):
    """Sends the next signal each time the process has not ended within `timeout`; returns its exit code."""
    for number in signals:
        if process.poll() is not None:
            break
        process.send_signal(number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            continue
    return process.wait(timeout)
