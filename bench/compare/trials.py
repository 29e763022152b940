"""One trial of each case: what is done to a system, and what is measured meanwhile."""

import concurrent.futures
import json
import time

from . import crowd, measure, pgbench, processes, syscalls
from .pgbench import Load
from .processes import Trouble
from .statistics import percentile

WIDE = Load("simple", 8, text="SELECT repeat('x', 100000) FROM generate_series(1, 10);\n")
WIDE_MIB = 1.0  # of a transaction, about
# Before an idle client's memory is counted: time to give back what was needed only to log in.
SETTLE_SECONDS = 3
WARM_UP_SECONDS = 1


def transactions(load):
    return lambda place, system: pgbench.timed(place, system, load, load.seconds(place.options))


def count_transactions(load):
    """Calls per transaction; few and many because both contain the same logins."""
    few, many = (50, 350) if load.clients == 1 else (4, 34) if load.clients < 100 else (2, 12)

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


def settings(load, plain):
    """The one right after the other, in each repeat: what SET adds is a small difference of two larger figures."""
    def trial(place, system):
        without = pgbench.timed(place, system, plain, place.options.seconds)
        out = pgbench.timed(place, system, load, place.options.seconds)
        return with_difference(out, without)
    return trial


def with_difference(out, without):
    out = {**out, "plain_tps": without["tps"]}
    if "cpu_us" in out:
        out |= {"plain_cpu_us": without["cpu_us"], "set_cpu_us": out["cpu_us"] - without["cpu_us"]}
    return out


def wide_rows(place, system):
    out = pgbench.timed(place, system, WIDE, place.options.seconds)
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


# Far below what the system can do, so that its queries wait for nothing but the logins.
STEADY = Load("prepared", 8, tls=True, rate=500)


def login_storm(place, system):
    """What queries that go on feel of thousands of TLS logins, but not of the CPU time of those who log in."""
    quiet = pgbench.timed(place, system, STEADY, place.options.seconds)
    with concurrent.futures.ThreadPoolExecutor(1) as background:
        visit = crowd.connect_query_close(place, system, tls=True)
        storm = background.submit(crowd.come_and_go, visit, seconds=place.options.seconds + 4,
                                  niceness=crowd.LOWEST_PRIORITY)
        during = pgbench.timed(place, system, STEADY, place.options.seconds)
        durations, _, lasted = storm.result()
    return {"storm_factor": during["p99_us"] / quiet["p99_us"], "quiet_p99_us": quiet["p99_us"],
            "p99_us": during["p99_us"], "connections_s": len(durations) / lasted}


def connections(tls):
    return lambda place, system: visits(place, system, crowd.connect_query_close(place, system, tls))[0]


def shoppers(clients, longest):
    """Clients that stay. What they prepare is known on every server connection before anything is measured."""
    def trial(place, system):
        visit = crowd.shopper(place, system)
        crowd.come_and_go(visit, seconds=WARM_UP_SECONDS, visitors=clients)
        before = measure.cpu_us(system.pid) if system.pid else None
        durations, _, lasted = crowd.come_and_go(visit, seconds=min(longest, place.options.seconds), visitors=clients)
        if not durations:
            raise Trouble("no client was served")
        out = {"tps": len(durations) / lasted, "p50_us": percentile(durations, 50), "p99_us": percentile(durations, 99)}
        if system.pid:
            out["cpu_us"] = (measure.cpu_us(system.pid) - before) / len(durations)
            out["pss_kib"] = measure.pss_kib(system.pid)
        return out
    return trial


def count_visits(place, system, visit):
    number = 20 * crowd.VISITORS
    calls = syscalls.watch(place, system.pid, lambda: crowd.come_and_go(visit, count=number))
    return {kind: calls[kind] / number for kind in calls}


def count_connections(tls):
    return lambda place, system: count_visits(place, system, crowd.connect_query_close(place, system, tls))


def settings_heavy(place, system):
    out, wrong = visits(place, system, crowd.lambda_visit(place, system))
    return {**out, "wrong_percent": 100 * wrong / crowd.TRANSACTIONS}


def count_settings_heavy(place, system):
    return count_visits(place, system, crowd.lambda_visit(place, system))


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


COPY = {"out": crowd.copy_out, "in": crowd.copy_in}


def copy(direction):
    work = COPY[direction]

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
                out["pss_kib"] = measure.pss_kib(system.pid)
            return out
        finally:
            client.close()
    return trial


def count_copy(direction):
    def count(place, system):
        client = place.client(system)
        try:
            return syscalls.per_unit(place, system.pid, lambda mib: COPY[direction](client, mib), 8, 40, 32)
        finally:
            client.close()
    return count
