"""Starting servers that cannot outlive the test run, as an unprivileged user where that is asked for."""

import os
import pwd
import signal
import socket
import subprocess

LOOPBACK = "127.0.0.1"


def free_port():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


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
        return subprocess.Popen([*limits, *prefix, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                env=env, start_new_session=True)


def stop(process, signals=(signal.SIGTERM, signal.SIGKILL), timeout=30):
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
