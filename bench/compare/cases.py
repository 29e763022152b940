"""The cases, in the order of the report."""

import dataclasses
from typing import Callable

from . import trials
from .pgbench import Load


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    trial: Callable  # (place, system) -> {metric: value}, once for each repeat
    shown: tuple  # metrics in the order of the report
    each: str = "transaction"
    needs: frozenset = frozenset()  # of systems.CAPABILITIES
    tls: bool = False
    fresh: bool = False  # a new process for each trial and no other pooler meanwhile, where its memory counts
    two_workers: bool = False  # pgweir with two workers takes part
    count: Callable | None = None  # (place, system) -> {metric: value}, once, under strace


TRANSACTIONS = ("tps", "cpu_us", "sends", "receives", "waits", "other_calls", "added_p50_us", "added_p99_us", "p50_us",
                "p99_us", "pss_kib")
# Not "added over direct": there, a direct connection waits for the server to start a process.
CONNECTIONS = ("connections_s", "cpu_us", "sends", "receives", "waits", "other_calls", "p50_us", "p99_us", "pss_kib")


def select(protocol, clients):
    load = Load(protocol, clients)
    plural = "1 client" if clients == 1 else f"{clients} clients"
    return Case(f"select-{protocol}-{clients}", f"pgbench -S, {protocol} protocol, {plural}",
                trials.transactions(load), TRANSACTIONS, two_workers=clients > 1,
                needs=frozenset({"prepared"} if protocol == "prepared" else ()),
                count=trials.count_transactions(load) if clients <= 32 else None)


def tpcb(protocol):
    # A thread each: pgbench waits for a Parse with its whole thread, and the server connection that it waits for may be
    # held by another client of that thread, in the middle of a transaction.
    load = Load(protocol, 32, ("-b", "tpcb-like"), threads=32)
    return Case(f"tpcb-{protocol}-32", f"pgbench TPC-B, {protocol} protocol, 32 clients", trials.writes(load),
                TRANSACTIONS, two_workers=True, needs=frozenset({"prepared"} if protocol == "prepared" else ()))


def connect(tls):
    kind = "tls" if tls else "plain"
    return Case(f"connect-{kind}", f"connect, SCRAM, one query, close; {'TLS' if tls else 'plain'}",
                trials.connections(tls), CONNECTIONS, each="connection", tls=tls, two_workers=True,
                needs=frozenset({"tls"} if tls else ()), count=trials.count_connections(tls))


def idle(tls):
    kind = "tls" if tls else "plain"
    return Case(f"idle-{kind}", f"idle clients, after a query each; {'TLS' if tls else 'plain'}", trials.idle(tls),
                ("idle_kib", "pss_kib"), each="client", tls=tls, fresh=True,
                needs=frozenset({"pools"} | ({"tls"} if tls else set())))


def copy(direction):
    return Case(f"copy-{direction}", f"COPY {direction}, one client", trials.copy(direction),
                ("mib_s", "cpu_ms_per_mib", "peak_kib"), each="MiB", fresh=True)


ALL = (
    *(select(protocol, clients) for clients in (1, 32, 500) for protocol in ("simple", "extended", "prepared")),
    tpcb("simple"), tpcb("prepared"),
    connect(tls=False), connect(tls=True),
    Case("lambda", "settings-heavy: connect, four SETs, three short transactions, close", trials.settings_heavy,
         ("connections_s", "cpu_us", "wrong_percent", "p50_us", "p99_us", "pss_kib"),
         each="client", two_workers=True),
    Case("burst", "all clients connect at once, ask once, and stay until all have come", trials.burst,
         ("wall_s", "failed", "connect_p99_ms", "cpu_us", "server_connections", "pss_kib"), each="client",
         needs=frozenset({"pools"}), fresh=True, two_workers=True),
    idle(tls=False), idle(tls=True),
    copy("out"), copy("in"),
    Case("wide", "rows of 100 kB, ten for each query, 8 clients", trials.wide_rows,
         ("tps", "mib_s", "cpu_us", "added_p50_us", "added_p99_us", "p50_us", "p99_us", "peak_kib"), fresh=True),
)


def chosen(names):
    """By name, or by the beginning of one: select-prepared, tpcb."""
    return [case for case in ALL if not names or any(case.name == n or case.name.startswith(n + "-") for n in names)]
