"""The cases, in the order of the report."""

import dataclasses
from typing import Callable

from . import estimate, instructions, scripts, tenants, trials
from .pgbench import Load


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    trial: Callable  # (place, system) -> {metric: value}, once for each repeat
    shown: tuple  # metrics in the order of the report
    lasts: Callable = estimate.load  # (options) -> seconds of one trial, about
    each: str = "transaction"
    needs: frozenset = frozenset()  # of systems.CAPABILITIES
    tls: bool = False
    fresh: bool = False  # a new process for each trial and no other pooler meanwhile, where its memory counts
    variants: frozenset = frozenset()  # of systems.MODELS: those that take part
    count: Callable | None = None  # (place, system) -> {metric: value}, once, under strace
    under: Callable | None = None  # (place) -> the command under which the systems run
    wants: tuple = ()  # programs that have to be there
    without: frozenset = frozenset()  # of systems.CAPABILITIES: those of which it would say nothing new
    longest: int | None = None  # seconds of a trial, at most; None: as many as --seconds says
    # {metric: the most that pgweir should have of PgBouncer's}, with None for a price that is told without an aim.
    aims: dict = dataclasses.field(default_factory=dict)


CALLS = ("sends", "receives", "waits", "other_calls")
LATENCIES = ("added_p50_us", "added_p99_us", "p50_us", "p99_us")
TRANSACTIONS = ("tps", "cpu_us", *CALLS, *LATENCIES, "pss_kib")
# Not "added over direct": there, a direct connection waits for the server to start a process.
CONNECTIONS = ("connections_s", "cpu_us", *CALLS, "p50_us", "p99_us", "pss_kib")

WORKERS, STRICT, BOTH = frozenset({"workers"}), frozenset({"strict"}), frozenset({"workers", "strict"})


def of(clients):
    return "1 client" if clients == 1 else f"{clients} clients"


def protocol_needs(protocol):
    return frozenset({"prepared"} if protocol == "prepared" else ())


def select(protocol, clients):
    load = Load(protocol, clients)
    return Case(f"select-{protocol}-{clients}", f"pgbench -S, {protocol} protocol, {of(clients)}",
                trials.transactions(load), TRANSACTIONS, needs=protocol_needs(protocol),
                variants={1: frozenset(), 32: BOTH}.get(clients, WORKERS), count=trials.count_transactions(load))


def tpcb(protocol):
    # A thread each: pgbench waits for a Parse with its whole thread, and the server connection that it waits for may be
    # held by another client of that thread, in the middle of a transaction.
    load = Load(protocol, 32, ("-b", "tpcb-like"), threads=32)
    return Case(f"tpcb-{protocol}-32", f"pgbench TPC-B, {protocol} protocol, 32 clients", trials.writes(load),
                TRANSACTIONS, needs=protocol_needs(protocol), variants=BOTH, count=trials.count_transactions(load))


def settings(kind, kinds):
    """What clients that have set something cost more than the same clients without; see scripts.settings."""
    load, plain = (Load("prepared", 32, ("-D", "done=0"), text=scripts.settings(number)) for number in (kinds, 0))
    whose = "the same for all" if kinds == 1 else f"{kinds} kinds of clients"
    return Case(f"set-{kind}-32", f"four SETs on connect ({whose}), then pgbench -S, prepared protocol, 32 clients",
                trials.settings(load, plain),
                ("tps", "plain_tps", "cpu_us", "plain_cpu_us", "set_cpu_us", *CALLS, *LATENCIES, "pss_kib"),
                estimate.two_loads, needs=protocol_needs("prepared"), variants=BOTH,
                count=trials.count_transactions(load))


def function(name, does, clients):
    load = Load("prepared", clients, text=scripts.FUNCTIONS[name])
    return Case(f"function-{name}-{clients}", f"a user's function that {does}, prepared protocol, {of(clients)}",
                trials.transactions(load), TRANSACTIONS, needs=protocol_needs("prepared"), variants=STRICT,
                count=trials.count_transactions(load))


# Many cases, each of them short: what they are about is seen by a client alone already.
TENANT_SECONDS = 2
AIM = 1.1
AIMED = {"cpu_us": AIM, "p50_us": AIM}
PRICED = dict.fromkeys(AIMED)


def tenant(name, title, protocol, clients, text, aims=AIMED):
    """As with TPC-B, a thread for each client. System calls are counted with one client: more would say the same."""
    load = Load(protocol, clients, tenants.variables(), text=text, threads=clients, longest=TENANT_SECONDS)
    return Case(f"{name}-{clients}", f"{title}, {protocol} protocol, {of(clients)}", trials.transactions(load),
                TRANSACTIONS, estimate.short(TENANT_SECONDS), needs=protocol_needs(protocol), aims=aims,
                without=frozenset({"haproxy"}), longest=TENANT_SECONDS,
                count=trials.count_transactions(load) if clients == 1 else None)


def tenant_local(protocol, names, clients):
    how = "name and value literal" if protocol == "simple" else "name and value bound"
    what = "one setting" if names == 1 else "three settings"
    name = f"tenant-local-{'one' if names == 1 else 'three'}-{protocol}"
    return tenant(name, f"BEGIN, set_config(..., true) of {what} ({how}), query, COMMIT", protocol, clients,
                  tenants.local(protocol, names))


def tenant_session(protocol, whose, clients):
    values = "the same value for all" if whose == "same" else "a value for each client"
    return tenant(f"tenant-session-{whose}-{protocol}", f"set_config(..., false) ({values}), query", protocol, clients,
                  tenants.session(protocol, whose))


def tenant_function(language, scope, clients):
    what = ("BEGIN, {}(..., true), query, COMMIT" if scope == "local" else "{}(..., false), query").format(
        f"a function in {language} around set_config")
    return tenant(f"tenant-function-{language}-{scope}", what, "prepared", clients, tenants.function(language, scope))


def tenant_search_path(clients):
    return tenant("tenant-search-path", f"BEGIN, SET LOCAL search_path to one of {tenants.TENANTS} schemas, two "
                  "queries, COMMIT", "prepared", clients, tenants.search_path())


def tenant_search_path_parsed(clients):
    """By clients of crowd.py, which have a process each, because pgbench prepares before it begins."""
    return Case(f"tenant-search-path-parsed-{clients}",
                f"the same, each client's queries prepared after its first SET LOCAL, {of(clients)}",
                trials.shoppers(clients, TENANT_SECONDS), tuple(key for key in TRANSACTIONS if key not in CALLS),
                estimate.shoppers(TENANT_SECONDS), needs=protocol_needs("prepared"), aims=AIMED,
                without=frozenset({"haproxy"}), longest=TENANT_SECONDS)


def tenant_policy(clients):
    return tenant("tenant-policy", "BEGIN, set_config(..., true), a query of a table whose policy reads it, COMMIT",
                  "prepared", clients, tenants.policy())


def orm_mix(protocol, clients):
    return tenant(f"orm-mix-{protocol}", "BEGIN, SET LOCAL statement_timeout, three queries, COMMIT", protocol, clients,
                  tenants.orm())


def tenant_unknown(clients):
    return tenant("tenant-unknown", "BEGIN, a function that builds its SQL (EXECUTE format(...)), query, COMMIT",
                  "prepared", clients, tenants.unknown(), PRICED)


FEW_AND_MANY = (1, 32)
TENANTS = (
    *(tenant_local(protocol, names, clients) for names in (1, 3) for protocol in ("simple", "prepared")
      for clients in FEW_AND_MANY),
    *(tenant_session(protocol, "same", clients) for protocol in ("simple", "prepared") for clients in FEW_AND_MANY),
    *(tenant_session(protocol, "own", 32) for protocol in ("simple", "prepared")),  # one client has but one value
    *(tenant_function(language, scope, clients) for language in tenants.LANGUAGES for scope in tenants.SCOPES
      for clients in FEW_AND_MANY),
    *(tenant_search_path(clients) for clients in FEW_AND_MANY),
    *(tenant_search_path_parsed(clients) for clients in FEW_AND_MANY),
    *(tenant_policy(clients) for clients in FEW_AND_MANY),
    *(orm_mix(protocol, clients) for protocol in ("simple", "prepared") for clients in FEW_AND_MANY),
    *(tenant_unknown(clients) for clients in FEW_AND_MANY),
)


def counted(name, what, work, each="transaction"):
    """Exact, and of the pooler's own code only: most of a transaction's time is the kernel's, which is not counted."""
    return Case(f"instructions-{name}", f"instructions of the pooler's own, {what}", instructions.trial(work),
                ("instructions",), estimate.instructions, each=each, fresh=True, variants=STRICT,
                needs=frozenset({"process"} | ({"prepared"} if work.named else set())),
                under=instructions.command, wants=("valgrind", "cc"))


def connect(tls):
    kind = "tls" if tls else "plain"
    return Case(f"connect-{kind}", f"connect, SCRAM, one query, close; {'TLS' if tls else 'plain'}",
                trials.connections(tls), CONNECTIONS, each="connection", tls=tls, variants=WORKERS,
                count=trials.count_connections(tls))


def idle(tls):
    kind = "tls" if tls else "plain"
    return Case(f"idle-{kind}", f"idle clients, after a query each; {'TLS' if tls else 'plain'}", trials.idle(tls),
                ("idle_kib", "pss_kib"), estimate.idle, each="client", tls=tls, fresh=True,
                needs=frozenset({"pools"}))


def copy(direction):
    return Case(f"copy-{direction}", f"COPY {direction}, one client", trials.copy(direction),
                ("mib_s", "cpu_ms_per_mib", *CALLS, "peak_kib", "pss_kib"), estimate.copy, each="MiB", fresh=True,
                count=trials.count_copy(direction))


ALL = (
    *(select(protocol, clients) for clients in (1, 32, 500) for protocol in ("simple", "extended", "prepared")),
    tpcb("simple"), tpcb("prepared"),
    settings("same", 1), settings("mixed", scripts.KINDS),
    *(function(name, does, clients) for name, does in (("reads", "writes nothing"), ("sets", "sets a setting"))
      for clients in (1, 32)),
    *TENANTS,
    connect(tls=False), connect(tls=True),
    Case("storm-tls", "500 queries a second while TLS logins come as fast as clients of the lowest priority can", trials.login_storm,
         ("storm_factor", "quiet_p99_us", "p99_us", "connections_s"), estimate.two_loads, tls=True,
         needs=frozenset({"prepared"}), variants=WORKERS),
    Case("lambda", "settings-heavy: connect, four SETs, three short transactions, close", trials.settings_heavy,
         ("connections_s", "cpu_us", "wrong_percent", *CALLS, "p50_us", "p99_us", "pss_kib"),
         each="client", variants=WORKERS, count=trials.count_settings_heavy),
    Case("burst", "all clients connect at once, ask once, and stay until all have come", trials.burst,
         ("wall_s", "failed", "connect_p99_ms", "cpu_us", "server_connections", "pss_kib"), estimate.burst,
         each="client", needs=frozenset({"pools"}), fresh=True, variants=WORKERS),
    idle(tls=False), idle(tls=True),
    copy("out"), copy("in"),
    Case("wide", "rows of 100 kB, ten for each query, 8 clients", trials.wide_rows,
         ("tps", "mib_s", "cpu_us", *CALLS, *LATENCIES, "peak_kib", "pss_kib"), fresh=True,
         count=trials.count_transactions(trials.WIDE)),
    *(counted(name, what, instructions.WORK[name]) for name, what in (
        ("simple", "pgbench -S, simple protocol"), ("extended", "pgbench -S, extended protocol"),
        ("prepared", "pgbench -S, prepared protocol"),
        ("settings", "the same, two clients with settings of their own taking turns"),
        ("function", "a user's function that writes nothing, prepared protocol"),
        ("tenant-simple", "BEGIN, set_config(..., true), query, COMMIT, simple protocol"),
        ("tenant-prepared", "BEGIN, set_config(..., true), query, COMMIT, prepared protocol"))),
    counted("connect", "connect, SCRAM, one query, close; plain", instructions.WORK["connect"], each="connection"),
)


def chosen(names):
    """The cases of a name, or of the beginning of one: select-prepared, tpcb."""
    return [case for case in ALL if not names or any(case.name == n or case.name.startswith(n + "-") for n in names)]
