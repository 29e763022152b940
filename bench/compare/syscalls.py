"""System calls of a process while a load runs, by strace, told apart by what they are for.

strace stops the process at each call, which makes it slow against its clients: more of them are ready at each wait, so
waits come out lower than at full speed. Sends and receives do not depend on that.
"""

import pathlib
import signal
import subprocess
import time

from . import processes
from .processes import Trouble

KINDS = {
    "sends": {"send", "sendto", "sendmsg", "sendmmsg", "write", "writev"},
    "receives": {"recv", "recvfrom", "recvmsg", "recvmmsg", "read", "readv"},
    "waits": {"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6", "io_uring_enter"},
}


def parse(text):
    """{call: count} out of strace -c's table: % time, seconds, usecs/call, calls, [errors,] syscall."""
    calls = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) in (5, 6) and fields[3].isdigit() and fields[-1] != "total":
            calls[fields[-1]] = calls.get(fields[-1], 0) + int(fields[3])
    return calls


def by_kind(calls):
    out = {kind: sum(calls.get(name, 0) for name in names) for kind, names in KINDS.items()}
    out["other_calls"] = sum(calls.values()) - sum(out.values())
    return out


def watch(place, pid, work):
    """The calls of `pid` while work() runs."""
    report = place.cluster.directory / "strace.out"
    report.unlink(missing_ok=True)
    # As the caller, not as the unprivileged user: to trace a process takes rights over it.
    tracer = subprocess.Popen(["setpriv", "--pdeathsig=INT", "--", "strace", "-c", "-f", "-o", str(report),
                               "-p", str(pid)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        if not processes.wait_until(lambda: tracer.poll() is not None or traced(pid), 10) or tracer.poll() is not None:
            raise Trouble("strace: " + (processes.last_line(tracer.stderr.read()) if tracer.poll() is not None
                                        else "does not attach"))
        work()
        time.sleep(0.1)
    finally:
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGINT)  # it detaches and writes its table
            try:
                tracer.wait(10)
            except subprocess.TimeoutExpired:
                tracer.kill()
                tracer.wait()
        tracer.stderr.close()
    return by_kind(parse(report.read_text()))


def traced(pid):
    """Whether someone traces every thread of it."""
    states = [(task / "status").read_text() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
    return all("\nTracerPid:\t0\n" not in state for state in states)


def per_unit(place, pid, work, few, many, units):
    """Calls per transaction: work(few) and work(many) differ by `units`, and the logins in both cancel out."""
    low, high = watch(place, pid, lambda: work(few)), watch(place, pid, lambda: work(many))
    return {kind: (high[kind] - low[kind]) / units for kind in low}
