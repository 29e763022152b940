"""How many instructions a system needs for a transaction, counted by callgrind: a figure without noise.

One client sends one transaction after the other, so that the system does the same for each of them. A window of them is
counted from one marked query to the next (marker.c, preloaded, has callgrind begin and end at the very instruction that
returns the mark). What timers do between two transactions can only add to a window. So windows of two lengths are
counted again and again until the smallest number has come back several times, and the difference of the two holds
nothing but transactions.

Where a system's work depends on when things happen (an answer that comes in one piece or in two, a second thread), no
number comes back. Then it is the medians that are told, and that they are not exact.
"""

import dataclasses
import pathlib
import re

from . import processes, scripts, statistics, wire
from .processes import Trouble

FEW, MANY = 2, 6  # transactions of a window: so short that many windows see no timer
AGREE = 3  # windows that need the same number before it is believed
WINDOWS_MIN, WINDOWS_MAX = 80, 160  # of each length
WARM_UP = 300  # transactions; afterwards every buffer has its size, every table its entries
CALM = 5  # before a window: what was due while a report was written is over then

INEXACT = "instructions are not exact here: the same transactions did not need the same number again"

MARKER = pathlib.Path(__file__).with_name("marker.c")
REPORT = "callgrind.out"
# As marker.c expects them.
BEGIN, END = ("SELECT 1 -- counted by compare, " + what for what in ("begins", "ends. "))


@dataclasses.dataclass(frozen=True)
class Work:
    """`$1` is a number of five digits; pgbench's own column would change its width with every TPC-B."""
    protocol: str  # or "connect": each transaction by a client that comes for it and leaves
    sql: str = "SELECT bid FROM pgbench_accounts WHERE aid = $1"
    first: str = ""  # a statement of the same transaction in front of `sql`; empty: no BEGIN and no COMMIT
    clients: int = 1  # taking turns; with more than one, each has settings of its own

    @property
    def named(self):
        return self.protocol == "prepared"

    def connect(self, place, system, number):
        client = place.client(system, timeout=60)
        if self.clients > 1:
            for statement in scripts.statements(number):
                client.query(statement)
        if self.named:
            for name, sql in self.statements():
                client.ask(wire.parse_message(name, sql), wire.SYNC)
        return client

    def statements(self):
        """[(name, SQL)] of those with a parameter; the last one is what gives the row."""
        return [("f", self.first), ("s", self.sql)] if self.first else [("s", self.sql)]

    def ask(self, client, number):
        value = str(10001 + number % 1000)
        if self.protocol == "connect":
            visitor = wire.Client(client.socket.getpeername(), client.cluster)
            rows = visitor.query(self.sql.replace("$1", value))
            visitor.close()
            return rows
        if self.first:
            client.query("BEGIN")
        for name, sql in self.statements():
            rows = self.run(client, name, sql, value)
        if self.first:
            client.query("COMMIT")
        return rows

    def run(self, client, name, sql, value):
        if self.protocol == "simple":
            return client.query(sql.replace("$1", value))
        parse = () if self.named else (wire.parse_message("", sql),)
        return client.ask(*parse, wire.run_message(name if self.named else "", value), wire.SYNC)


WORK = {
    "simple": Work("simple"), "extended": Work("extended"), "prepared": Work("prepared"),
    "settings": Work("prepared", clients=2), "function": Work("prepared", "SELECT balance_of($1)"),
    "connect": Work("connect"),
    "tenant-simple": Work("simple", first="SELECT set_config('app.tenant', '$1', true)"),
    "tenant-prepared": Work("prepared", first="SELECT set_config('app.tenant', $1, true)"),
}


def command(place):
    """What a system has to run under."""
    directory = place.cluster.directory
    library = directory / "marker.so"
    if not library.exists():
        code, _, said = processes.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, "-x", "c", "-", "-ldl"], 60,
                                      stdin=MARKER.read_text())
        if code != 0:
            raise Trouble("marker.c does not compile: " + processes.last_line(said))
    return ["env", f"LD_PRELOAD={library}", "valgrind", "--tool=callgrind", "--vgdb=no",
            f"--callgrind-out-file={directory / REPORT}"]


def trial(work):
    def run(place, system):
        clients = []
        try:
            for number in range(work.clients):
                clients.append(work.connect(place, system, number))
            turns(work, clients, WARM_UP)
            found, exact = per_transaction(lambda length: window(place, work, clients, length))
            return {"instructions": found, **({} if exact else {"remark": INEXACT})}
        finally:
            for client in clients:
                client.close()
    return run


def turns(work, clients, transactions):
    for number in range(transactions):
        if not work.ask(clients[number % len(clients)], number):
            raise Trouble("a transaction of the load gave no row")


def window(place, work, clients, transactions):
    """Instructions from mark to mark, the rest of the first and the beginning of the second included."""
    for path in reports(place):
        path.unlink()
    turns(work, clients, CALM * len(clients))
    clients[0].query(BEGIN)
    turns(work, clients, transactions)
    clients[0].query(END)
    return total([path.read_text() for path in reports(place)])


def reports(place):
    return list(pathlib.Path(place.cluster.directory).glob(REPORT + ".*"))


def total(texts):
    """Of the report that a window has left."""
    found = [re.search(r"^totals: (\d+)$", text, re.MULTILINE) for text in texts]
    if len(found) != 1 or not found[0]:
        raise Trouble("callgrind has not noticed the marks (does the system read by recv or read?)")
    return int(found[0].group(1))


def per_transaction(count):
    """(instructions, whether they are exact); count(transactions) gives those of a window."""
    seen = {FEW: [], MANY: []}
    for number in range(1, WINDOWS_MAX + 1):
        for length, counts in seen.items():
            counts.append(count(length))
        if number >= WINDOWS_MIN and all(counts.count(min(counts)) >= AGREE for counts in seen.values()):
            return (min(seen[MANY]) - min(seen[FEW])) / (MANY - FEW), True
    return (statistics.median(seen[MANY]) - statistics.median(seen[FEW])) / (MANY - FEW), False
