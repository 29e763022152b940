"""What is measured, in which unit, and which direction is better."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Metric:
    title: str  # {each} stands for what a case counts: transaction, connection, client
    unit: str
    better: str  # "lower" or "higher"
    digits: int = 0
    compared: bool = True  # False: near zero, where a ratio says nothing


METRICS = {
    "tps": Metric("transactions per second", "1/s", "higher"),
    "connections_s": Metric("connections per second", "1/s", "higher"),
    "mib_s": Metric("throughput", "MiB/s", "higher"),
    "p50_us": Metric("latency p50", "us", "lower"),
    "p99_us": Metric("latency p99", "us", "lower"),
    "added_p50_us": Metric("latency added over direct, p50", "us", "lower"),
    "added_p99_us": Metric("latency added over direct, p99", "us", "lower"),
    "quiet_p99_us": Metric("latency p99 without the logins", "us", "lower"),
    "storm_factor": Metric("latency p99 as a multiple of that without the logins", "x", "lower", 1),
    "connect_p99_ms": Metric("connect and log in, p99", "ms", "lower"),
    "wall_s": Metric("from the first connection to the last answer", "s", "lower", 2),
    "failed": Metric("failed clients", "", "lower", compared=False),
    "server_connections": Metric("server connections, highest seen", "", "lower"),
    "plain_tps": Metric("the same without SET", "1/s", "higher"),
    "cpu_us": Metric("CPU per {each}", "us", "lower", 1),
    "plain_cpu_us": Metric("the same without SET: CPU per {each}", "us", "lower", 1),
    # Compared with a system that loses what was set it would only say that doing nothing is cheap.
    "set_cpu_us": Metric("CPU that SET adds to a {each}", "us", "lower", 1, compared=False),
    "instructions": Metric("instructions per {each}", "", "lower"),
    "cpu_ms_per_mib": Metric("CPU per MiB", "ms", "lower", 3),
    "sends": Metric("sends per {each}", "", "lower", 2),
    "receives": Metric("receives per {each}", "", "lower", 2),
    "waits": Metric("waits per {each} (under strace)", "", "lower", 2),
    "other_calls": Metric("other system calls per {each}", "", "lower", 2, compared=False),
    "pss_kib": Metric("resident memory (Pss)", "KiB", "lower"),
    "peak_kib": Metric("rise of resident memory to its peak", "KiB", "lower", compared=False),
    "idle_kib": Metric("memory of one idle client (Pss)", "KiB", "lower", 2),
    "wrong_percent": Metric("transactions that saw settings not their own", "%", "lower", 1, compared=False),
}


def title(key, each):
    return METRICS[key].title.format(each=each)


def number(key, value):
    return f"{value:,.{METRICS[key].digits}f}"
