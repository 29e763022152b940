"""Clients other than pgbench's: many that come and go, many that stay, and one that copies."""

import multiprocessing
import os
import signal
import time

from . import tenants, wire
from .processes import Trouble

# More processes than CPUs, so that the system compared never waits for a client that waits for it.
VISITORS = 8

# For clients whose own work must not slow down what is measured beside them: elsewhere they run on other machines.
LOWEST_PRIORITY = 19

TAIL = b"Z\0\0\0\5I"  # ReadyForQuery, idle


def source(number):
    """A loopback address each: one pair of addresses has some 28,000 ports, and each stays taken for a minute."""
    return f"127.0.0.{2 + number % 200}"


def come_and_go(visit, seconds=None, count=None, niceness=0, visitors=VISITORS):
    """So many processes call visit(process, number) again and again, for `seconds` or `count` times in all.

    Returns (durations in us, the sum of what visit returned, seconds in all).
    """
    context = multiprocessing.get_context("fork")
    pipes, children = [], []
    started = time.monotonic()
    try:
        for index in range(visitors):
            ours, theirs = context.Pipe(duplex=False)
            share = None if count is None else count // visitors
            child = context.Process(target=visitor, args=(theirs, visit, index, seconds, share, niceness),
                                    daemon=True)
            child.start()
            theirs.close()
            pipes.append(ours)
            children.append(child)
        answers = [result(pipe, (seconds or 60) + 60) for pipe in pipes]
    finally:
        for child in children:
            child.join(5) if child.exitcode is None and len(pipes) == visitors else None
            if child.exitcode is None:
                child.terminate()
                child.join()
    lasted = time.monotonic() - started
    return [us for durations, _ in answers for us in durations], sum(extra for _, extra in answers), lasted


def result(pipe, timeout):
    if not pipe.poll(timeout):
        raise Trouble("a client did not end")
    try:
        answer = pipe.recv()
    except EOFError:
        raise Trouble("a client process died") from None
    if isinstance(answer, str):
        raise Trouble(answer)
    return answer


def visitor(pipe, visit, index, seconds, count, niceness):
    """The whole life of one process. It ignores Ctrl-C, because its parent ends it then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(niceness)
    durations, extra = [], 0
    end = time.monotonic() + (seconds or 3600)
    try:
        while time.monotonic() < end and (count is None or len(durations) < count):
            start = time.perf_counter()
            extra += visit(index, len(durations)) or 0
            durations.append((time.perf_counter() - start) * 1e6)
        pipe.send((durations, extra))
    except (OSError, wire.Refused) as error:
        pipe.send(f"a client failed: {error}")


def connect_query_close(place, system, tls):
    def visit(index, number):
        client = wire.Client(system.address, place.cluster, tls=tls, source=source(index))
        client.query("SELECT 1")
        client.close()
    return visit


# What a careless function environment does: it sets its session up, works, and leaves.
SETTINGS = ("SET application_name = 'orders-{tenant}'", "SET TimeZone = 'Europe/Berlin'",
            "SET statement_timeout = '{timeout}s'", "SET app.tenant = '{tenant}'")
TRANSACTIONS = 3


def lambda_visit(place, system):
    """Returns how many of its transactions saw a setting that this client has not made."""
    def visit(index, number):
        tenant, timeout = f"t{index}x{number}", 10 + (index * 7 + number) % 50
        client = wire.Client(system.address, place.cluster, source=source(index))
        for statement in SETTINGS:
            client.query(statement.format(tenant=tenant, timeout=timeout))
        wrong = 0
        for step in range(TRANSACTIONS):
            client.query("BEGIN")
            seen = client.query("SELECT current_setting('app.tenant', true), current_setting('statement_timeout'), "
                                f"abalance FROM pgbench_accounts WHERE aid = {1 + (number + step) % 1000}")
            client.query("COMMIT")
            wrong += seen[0][:2] != [tenant, f"{timeout}s"]
        client.close()
        return wrong
    return visit


def shopper(place, system):
    """Each visitor is one client that stays, and serves another shop by each transaction. As drivers do, it prepares a
    query when it needs it first, and that is after a SET LOCAL search_path; then it is used in all other shops."""
    clients = {}  # of this process, which has one

    def visit(index, number):
        first = index not in clients
        if first:
            clients[index] = wire.Client(system.address, place.cluster, source=source(index))
        client, shop = clients[index], 1 + (index + 7 * number) % tenants.TENANTS
        client.query("BEGIN")
        client.query(tenants.set_shop(shop))
        for position, query in enumerate(tenants.SHOP_QUERIES):
            parse = (wire.parse_message(f"s{position}", query.format("$1")),) if first else ()
            rows = client.ask(*parse, wire.run_message(f"s{position}", str(1 + number % tenants.SHOP_ROWS)), wire.SYNC)
            if len(rows) != 1:
                raise wire.Refused(f"{len(rows)} rows where a shop has one")
        client.query("COMMIT")
    return visit


def stay(place, system, count, tls):
    """So many clients, each idle after one query."""
    clients = []
    try:
        for number in range(count):
            client = wire.Client(system.address, place.cluster, tls=tls, source=source(number))
            clients.append(client)
            client.query("SELECT 1")
    except BaseException:
        leave(clients)
        raise
    return clients


def leave(clients):
    for client in clients:
        client.close()


ROW = b"x" * 999 + b"\n"


def copy_out(client, mib):
    """Receives so many MiB; returns the bytes that came. The data has no byte of TAIL, so that it ends the copy."""
    rows = mib * 1024 * 1024 // len(ROW)
    client.socket.sendall(wire.query_message(
        f"COPY (SELECT repeat('x', {len(ROW) - 1}) FROM generate_series(1, {rows})) TO STDOUT"))
    buffer, total, tail = bytearray(1 << 18), 0, b""
    while not tail.endswith(TAIL):
        size = client.socket.recv_into(buffer)
        if size == 0:
            raise wire.Refused("the connection was closed")
        total += size
        tail = (tail + bytes(buffer[max(0, size - 64):size]))[-64:]
    if total < rows * len(ROW):
        raise wire.Refused(f"only {total} bytes came")
    return total


def copy_in(client, mib):
    """Sends so many MiB. The server reads and parses each row and keeps none, so that the disk is no part of it."""
    client.socket.sendall(wire.query_message("COPY sink FROM STDIN WHERE false"))
    client.expect(b"G")
    data = wire.message(b"d", ROW * 64) * 16
    total = 0
    while total < mib * 1024 * 1024:
        client.socket.sendall(data)
        total += len(data)
    client.socket.sendall(wire.message(b"c"))
    client.until_ready()
    return total
