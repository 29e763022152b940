"""What /proc tells: CPU time and memory of a process, and how busy the machine is."""

import pathlib
import time

from .processes import Trouble


def cpu_us(pid):
    """CPU time so far, user and system, all threads. schedstat is the same clock as stat's ticks of 10 ms, in ns."""
    try:
        tasks = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000
    except (OSError, IndexError) as error:
        raise Trouble(f"process {pid} cannot be measured: {error}") from None


def _kib(path, field):
    try:
        for line in pathlib.Path(path).read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error}") from None
    raise Trouble(f"{path} has no line {field}")


def pss_kib(pid):
    """Resident memory; what is shared with others counts in part."""
    return _kib(f"/proc/{pid}/smaps_rollup", "Pss")


class Peak:
    """How far resident memory rises above where it stood at the start."""

    def __init__(self, pid):
        self._status = f"/proc/{pid}/status"
        # Forgets the peak of the past (proc(5)); refused for processes of others, and then a peak that was higher
        # before would show, never a lower one.
        try:
            pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
        except OSError:
            pass
        self._before = _kib(self._status, "VmRSS")

    def growth_kib(self):
        return max(0, _kib(self._status, "VmHWM") - self._before)


def busy_percent(seconds=0.5):
    """How busy all CPUs are with the work of others, while nothing of the comparison runs."""
    before = _cpu_times()
    time.sleep(seconds)
    idle, total = (after - earlier for after, earlier in zip(_cpu_times(), before))
    return 100 * (1 - idle / total) if total else 0.0


def _cpu_times():
    """(idle, all) ticks since the start of the machine; waiting for a disk is idle, too."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)
