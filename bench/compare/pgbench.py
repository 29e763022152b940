"""pgbench as the load, measured after its clients have logged in and a warm-up of a second."""

import dataclasses
import pathlib
import re
import signal
import subprocess
import threading

from . import measure, processes
from .processes import Trouble
from .statistics import percentile

PROGRESS = re.compile(r"^progress: ([\d.]+) s, ([\d.]+) tps")
FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)

# pgbench counts the time of its clients' logins as part of -T. So it is given more than it will need, and told that
# the time is over (SIGALRM is its own clock) when enough has been measured.
LONG_ENOUGH = 3600

# One client's latencies are all kept; of a crowd's, this share, because writing them costs pgbench CPU time.
SAMPLED = 0.1


@dataclasses.dataclass
class Load:
    """What pgbench shall do. `script`: its arguments that choose the script; `text`: another script instead."""
    protocol: str = "simple"
    clients: int = 1
    script: tuple = ("-S",)
    threads: int | None = None
    text: str = ""
    tls: bool = False
    longest: int = LONG_ENOUGH  # seconds of a trial, at most
    rate: int = 0  # transactions per second that are begun whether others have ended or not; 0: each after the last

    def seconds(self, options):
        return min(self.longest, options.seconds)

    def arguments(self, place, system):
        threads = self.threads or (1 if self.clients <= 32 else 2)
        host, port = system.address
        script = self.script
        if self.text:
            script = [*(part for part in script if part != "-S"), "-s", place.options.scale,
                      "-f", place.cluster.private_file("load.sql", self.text)]
        pace = ["-R", self.rate] if self.rate else []
        return ["-n", *script, *pace, "-M", self.protocol, "-c", self.clients, "-j", threads, "-h", host, "-p", port,
                "-U", place.cluster.user, place.cluster.database]


def read_progress(line):
    """(seconds since the start, transactions per second since the last line), or None."""
    found = PROGRESS.match(line)
    return (float(found.group(1)), float(found.group(2))) if found else None


def rate(lines):
    """Transactions per second over several lines of progress; the first says only where they start."""
    counts = [(end - start) * tps for (start, _), (end, tps) in zip(lines, lines[1:])]
    lasted = lines[-1][0] - lines[0][0]
    if lasted <= 0 or sum(counts) <= 0:
        raise Trouble("pgbench reported no transactions")
    return sum(counts) / lasted


def latencies(texts, warm_up):
    """Of pgbench's transaction logs: client, number, microseconds, script, end time (seconds and microseconds).

    `warm_up`: seconds after the first one of which nothing counts. By the logs' own clock: pgbench takes the time of day once
    and counts from there, so that it knows nothing of a clock that is set meanwhile.
    """
    ended = [(int(fields[4]) + int(fields[5]) / 1e6, int(fields[2]))
             for fields in (line.split() for text in texts for line in text.splitlines())
             if len(fields) >= 6 and fields[2].isdigit()]
    first = min((end for end, _ in ended), default=0)
    return [us for end, us in ended if end >= first + warm_up]


def environment(place, load):
    # The user that it runs as may not look for certificates in the caller's home.
    return place.cluster.environment(PGSSLMODE="require" if load.tls else "disable", HOME=str(place.cluster.directory))


def timed(place, system, load, seconds):
    """One trial: {metric: value}, from the first line of progress (logins are over then) to the last."""
    logs = pathlib.Path(place.scratch("pgbench"))
    command = [place.cluster.bin / "pgbench", *load.arguments(place, system), "-T", LONG_ENOUGH, "-P", 1, "-l",
               "--log-prefix", logs / "log", "--sampling-rate", 1 if load.clients == 1 or load.rate else SAMPLED]
    peak = measure.Peak(system.pid) if system.pid else None
    with subprocess.Popen(processes.wrapped(command), env=environment(place, load), cwd="/",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as pgbench:
        # Its progress is waited for by reading; a system that has stopped answering would stop that.
        watchdog = threading.Timer(seconds + 60, pgbench.kill)
        watchdog.start()
        try:
            out, warm_up = window(pgbench, system, seconds)
            pgbench.send_signal(signal.SIGALRM)
            text, said = pgbench.communicate()
        finally:
            watchdog.cancel()
            if pgbench.poll() is None:
                pgbench.kill()
    check(pgbench.returncode, text, said)
    times = latencies([path.read_text() for path in logs.iterdir()], warm_up)
    if not times:
        raise Trouble("pgbench logged no latency")
    out["p50_us"], out["p99_us"] = percentile(times, 50), percentile(times, 99)
    if peak:
        out["peak_kib"] = peak.growth_kib()
    return out


def window(pgbench, system, seconds):
    """Rate, CPU and memory of so many lines of progress after the first, one each second; and when that began."""
    lines, said, cpu = [], "", 0
    for text in pgbench.stderr:
        said += text
        line = read_progress(text)
        if line and (lines or line[1] > 0):
            if not lines:
                cpu = measure.cpu_us(system.pid) if system.pid else 0
            lines.append(line)
        if len(lines) == seconds + 1:
            out = {"tps": rate(lines)}
            if system.pid:
                used = measure.cpu_us(system.pid) - cpu
                out["cpu_us"] = used / (out["tps"] * (lines[-1][0] - lines[0][0]))
                out["pss_kib"] = measure.pss_kib(system.pid)
            return out, lines[0][0]
    pgbench.wait()
    raise Trouble("it was too slow or stopped answering" if pgbench.returncode == -signal.SIGKILL
                  else "pgbench failed: " + processes.last_line(said))


def check(code, text, said):
    if code != 0:
        raise Trouble("pgbench failed: " + processes.last_line(said))
    failed = FAILED.search(text)
    if failed and int(failed.group(1)) > 0:
        raise Trouble(f"{failed.group(1)} transactions failed")


def counted(place, system, load, transactions):
    """So many transactions for each client, and nothing measured: for counting what they cause."""
    place.cluster.client("pgbench", *load.arguments(place, system), "-t", transactions, timeout=120)
