"""One trial of each case: what is done to a system, and what is measured meanwhile."""

import json
import time

from . import crowd, measure, pgbench, processes, syscalls
from .pgbench import Load
from .processes import Trouble
from .statistics import percentile

WIDE_MIB = 1.0  # about: ten rows of 100 kB
# Before an idle client's memory is counted: time to give back what was needed only to log in.
SETTLE_SECONDS = 3


def transactions(load):
    return lambda place, system: pgbench.timed(place, system, load, place.options.seconds)


def count_transactions(load):
    """Calls per transaction; few and many because both contain the same logins."""
    few, many = (50, 350) if load.clients == 1 else (4, 34)

    def count(place, system):
        return syscalls.per_unit(place, system.pid, lambda n: pgbench.counted(place, system, load, n), few, many,
                                 (many - few) * load.clients)
    return count


def writes(load):
    def trial(place, system):
        # Rows that the trial before has left dead would slow the next one down.
        place.cluster.sql("VACUUM pgbench_branches, pgbench_tellers", "TRUNCATE pgbench_history", database="app")
        return pgbench.timed(place, system, load, place.options.seconds)
    return trial


def wide_rows(place, system):
    script = place.cluster.private_file("wide.sql", "SELECT repeat('x', 100000) FROM generate_series(1, 10);\n")
    out = pgbench.timed(place, system, Load("simple", 8, ("-f", str(script))), place.options.seconds)
    return {**out, "mib_s": out["tps"] * WIDE_MIB}


def visits(place, system, visit):
    """Clients that come and go for a while: rates, CPU and latencies."""
    before = measure.cpu_us(system.pid) if system.pid else None
    durations, extra, lasted = crowd.come_and_go(visit, seconds=place.options.seconds)
    if not durations:
        raise Trouble("no client was served")
    out = {"connections_s": len(durations) / lasted, "p50_us": percentile(durations, 50),
           "p99_us": percentile(durations, 99)}
    if system.pid:
        out["cpu_us"] = (measure.cpu_us(system.pid) - before) / len(durations)
        out["pss_kib"] = measure.pss_kib(system.pid)
    return out, extra / len(durations)


def connections(tls):
    return lambda place, system: visits(place, system, crowd.connect_query_close(place, system, tls))[0]


def count_connections(tls):
    def count(place, system):
        visit = crowd.connect_query_close(place, system, tls)
        number = 20 * crowd.VISITORS
        calls = syscalls.watch(place, system.pid, lambda: crowd.come_and_go(visit, count=number))
        return {kind: calls[kind] / number for kind in calls}
    return count


def settings_heavy(place, system):
    out, wrong = visits(place, system, crowd.lambda_visit(place, system))
    return {**out, "wrong_percent": 100 * wrong / crowd.TRANSACTIONS}


def burst(place, system):
    """pgweir-bench holds all clients in one process and has them wait for each other."""
    host, port = system.address
    cluster, clients = place.cluster, place.options.burst_clients
    watch = f"host={cluster.directory} port={cluster.port} user=postgres dbname=postgres passfile={cluster.pgpass}"
    command = [place.bench, "burst", "--host", host, "--port", port, "--user", cluster.user, "--database",
               cluster.database, "--clients", clients, "--transactions", 1, "--source-addresses", 16, "--timeout", 120,
               "--watch", watch, "--json", "--no-progress", "--password-env", "CLIENT_PASSWORD"]
    before = measure.cpu_us(system.pid)
    _, text, problem = processes.run(command, 300, cluster.environment(CLIENT_PASSWORD=cluster.password))
    try:
        report = json.loads(text)
    except ValueError:
        raise Trouble("pgweir-bench failed: " + processes.last_line(problem or text)) from None
    out = {"wall_s": report["wall_us"] / 1e6, "failed": report["failed"],
           "cpu_us": (measure.cpu_us(system.pid) - before) / clients, "pss_kib": measure.pss_kib(system.pid)}
    if "p99" in report["connect_us"]:
        out["connect_p99_ms"] = report["connect_us"]["p99"] / 1000
    if report["server_connections"]:
        out["server_connections"] = report["server_connections"]["max"]
    return out


def idle(tls):
    def trial(place, system):
        # What the first clients make it allocate once is no idle client's memory.
        crowd.leave(crowd.stay(place, system, 2 * place.options.pool, tls))
        time.sleep(1)
        before = measure.pss_kib(system.pid)
        clients = crowd.stay(place, system, place.options.idle_clients, tls)
        try:
            time.sleep(SETTLE_SECONDS)
            after = measure.pss_kib(system.pid)
        finally:
            crowd.leave(clients)
        return {"idle_kib": (after - before) / place.options.idle_clients, "pss_kib": after}
    return trial


def copy(direction):
    work = crowd.copy_out if direction == "out" else crowd.copy_in

    def trial(place, system):
        client = place.client(system)
        try:
            before = measure.cpu_us(system.pid) if system.pid else 0
            peak = measure.Peak(system.pid) if system.pid else None
            start = time.monotonic()
            mib = work(client, place.options.copy_mib) / (1024 * 1024)
            lasted = time.monotonic() - start
            out = {"mib_s": mib / lasted}
            if system.pid:
                out["cpu_ms_per_mib"] = (measure.cpu_us(system.pid) - before) / 1000 / mib
                out["peak_kib"] = peak.growth_kib()
            return out
        finally:
            client.close()
    return trial
