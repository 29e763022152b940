"""Who is left of what a program has started, also when it detached itself and its parent has died."""

import contextlib
import ctypes
import os
import pathlib
import signal

PR_SET_CHILD_SUBREAPER = 36


@contextlib.contextmanager
def adopted():
    """While this is open, orphans among our descendants become our children instead of init's."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
    yield
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def parents():
    """The parent and the state of each process."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may hold anything, parentheses included.
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                found[int(entry.name)] = (int(parent), state)
    return found


def is_ours(table, pid):
    passed = set()
    while pid in table and pid not in passed:
        passed.add(pid)
        pid = table[pid][0]
        if pid == os.getpid():
            return True
    return False


def living(asked=()):
    """Our living descendants. Buries dead orphans, which only we can; not those that are `asked` for an exit code."""
    table = parents()
    ours = {pid for pid in table if is_ours(table, pid)}
    for pid in ours.difference(asked):
        if table[pid] == (os.getpid(), "Z"):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
    return {pid for pid in ours if table[pid][1] != "Z"}


def kill():
    for pid in living():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
