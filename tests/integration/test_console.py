"""The console: PgBouncer's tables column by column, what operators may do, and what clients see of it."""

import contextlib
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request

import psycopg2
import pytest
import yaml

from harness import messages as m
from harness import processes
from harness.cluster import USERS
from harness.crowd import in_background
from harness.waiting import seconds, until
from harness.wire import EOF, LoginFailed

pytestmark = pytest.mark.own

CONSOLE = {"admin": {"console_users": ["operator"], "stats_users": ["viewer"]},
           "users": {"operator": {"password": "operator's"}, "viewer": {"password": "viewer's"}}}
PASSWORDS = {"operator": "operator's", "viewer": "viewer's", **USERS}

INT4, INT8, TEXT, NUMERIC = 23, 20, 25, 1700
TYPES = {"s": TEXT, "i": INT4, "q": INT8, "N": NUMERIC, "T": TEXT}

CONNECTION = ("type user database replication state addr port local_addr local_port connect_time request_time wait "
              "wait_us close_needed ptr link remote_pid tls application_name prepared_statements id")
FIGURES = ("server_assignment_count xact_count query_count {received} {sent} xact_time query_time wait_time "
           "client_parse_count server_parse_count bind_count client_login_count")
TOTALS = " ".join("total_" + word for word in FIGURES.format(received="received", sent="sent").split())
AVERAGES = " ".join("avg_" + word for word in FIGURES.format(received="recv", sent="sent").split())

# PgBouncer's columns in their order, and its letters for their types (src/admin.c, src/stats.c).
PGBOUNCER = {
    "STATS": (f"database {TOTALS} {AVERAGES}", "s" + 24 * "N"),
    "STATS_TOTALS": ("database " + FIGURES.format(received="bytes_received", sent="bytes_sent"), "s" + 12 * "N"),
    "STATS_AVERAGES": (f"database {AVERAGES}", "s" + 12 * "N"),
    "TOTALS": ("name value", "sN"),
    "POOLS": ("database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active sv_active_cancel "
              "sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait maxwait_us pool_mode load_balance_hosts",
              "ss" + 13 * "i" + "ss"),
    "DATABASES": ("name host port database force_user pool_size min_pool_size reserve_pool_size server_lifetime "
                  "pool_mode load_balance_hosts max_connections current_connections max_client_connections "
                  "current_client_connections paused disabled", "ssissiiiissiiiiii"),
    "CLIENTS": (CONNECTION, "ssssssisiTTiiississii"),
    "SERVERS": (CONNECTION, "ssssssisiTTiiississii"),
    "SOCKETS": (CONNECTION + " recv_pos pkt_pos pkt_remain send_pos send_remain pkt_avail send_avail",
                "ssssssisiTTiiississii" + 7 * "i"),
    "USERS": ("name pool_size reserve_pool_size pool_mode max_user_connections current_connections "
              "max_user_client_connections current_client_connections", "ssssiiii"),
    "LISTS": ("list items", "si"),
    "PEERS": ("peer_id host port pool_size", "isii"),
    "PEER_POOLS": ("peer_id cl_active_cancel_req cl_waiting_cancel_req sv_active_cancel sv_login", "iiiii"),
    "DNS_HOSTS": ("hostname ttl addrs", "sqs"),
    "DNS_ZONES": ("zonename serial count", "sqi"),
    "CONFIG": ("key value default changeable", "ssss"),
    "STATE": ("key value", "ss"),
    "VERSION": ("version", "s"),
}


class Console:
    """psycopg2 on the console; each question gives its rows as dictionaries."""

    def __init__(self, proxy, user="operator", database="pgweir"):
        self.connection = psycopg2.connect(host=proxy.host, port=proxy.port, user=user, dbname=database,
                                           password=PASSWORDS[user], connect_timeout=int(seconds(10)))
        self.connection.autocommit = True

    def ask(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            if cursor.description is None:
                return cursor.statusmessage
            self.columns = [(column.name, column.type_code) for column in cursor.description]
            names = [name for name, _ in self.columns]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def only(self, sql, **where):
        rows = [row for row in self.ask(sql) if all(row[key] == value for key, value in where.items())]
        assert len(rows) == 1, (sql, where, rows)
        return rows[0]

    def lists(self):
        return {row["list"]: row["items"] for row in self.ask("SHOW LISTS")}

    def close(self):
        self.connection.close()


@pytest.fixture
def operate(start):
    """Factory: a proxy with console users, and the console of it."""
    consoles = []

    def factory(**options):
        options.setdefault("max_size", 2)
        changes = options.pop("changes", {})
        proxy = start(changes={**CONSOLE, **changes}, **options)
        consoles.append(Console(proxy))
        return proxy, consoles[-1]

    yield factory
    for console in consoles:
        console.close()


@pytest.fixture(scope="module")
def looked_at(shared):
    """One proxy for tests that only look."""
    return shared("console", max_size=2, changes=CONSOLE)


@pytest.mark.parametrize("what", PGBOUNCER)
@pytest.mark.parametrize("database", ["pgweir", "pgbouncer"])
def test_tables_have_pgbouncers_columns(looked_at, what, database):
    names, letters = PGBOUNCER[what]
    console = Console(looked_at, database=database)
    console.ask(f"SHOW {what}")
    assert console.columns == list(zip(names.split(), (TYPES[letter] for letter in letters)))
    console.ask(f"select {what.lower()};")
    console.close()


def test_clients_servers_and_pools_tell_what_is_there(operate):
    proxy, console = operate(max_size=2)
    with proxy.wire(params=[("application_name", "worker 7")]) as busy, proxy.wire() as idle, proxy.wire() as second:
        idle.query("select 1")
        busy.query("begin")
        second.query("begin")
        with proxy.wire() as waiting:
            waiting.send(m.Q("select 'served'"))
            until(lambda: proxy.waiters() == 1, "one waits")
            clients = {row["state"]: row for row in console.ask("SHOW CLIENTS") if row["database"] == "app"}
            assert set(clients) == {"active", "idle", "waiting"}
            states = sorted(row["state"] for row in console.ask("SHOW CLIENTS") if row["database"] == "app")
            assert states == ["active", "active", "idle", "waiting"]
            mine = console.only("SHOW CLIENTS", application_name="worker 7")
            assert (mine["user"], mine["addr"], mine["type"], mine["state"]) == ("app", proxy.host, "C", "active")
            assert mine["port"] == busy.sock.getsockname()[1] and mine["local_port"] == proxy.port
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", mine["connect_time"])
            server = console.only("SHOW SERVERS", ptr=mine["link"])
            assert server["link"] == mine["ptr"] and server["state"] == "active" and server["type"] == "S"
            assert str(server["remote_pid"]) == busy.value("select pg_backend_pid()") == str(mine["remote_pid"])
            assert server["port"] == proxy.cluster.port and server["application_name"] == "worker 7"
            pool = console.only("SHOW POOLS", database="app", user="app")
            assert (pool["cl_active"], pool["cl_waiting"], pool["sv_active"], pool["sv_idle"]) == (3, 1, 2, 0)
            assert pool["maxwait"] * 1_000_000 + pool["maxwait_us"] > 0 and pool["pool_mode"] == "transaction"
            waiter = console.only("SHOW WAITERS")
            assert (waiter["position"], waiter["database"], waiter["user"]) == (1, "app", "app")
            assert waiter["client"] == clients["waiting"]["id"]
            sockets = console.ask("SHOW SOCKETS")
            assert {row["type"] for row in sockets} == {"C", "S"}
            assert all(row["state"] != "idle" for row in console.ask("SHOW ACTIVE_SOCKETS"))
            busy.query("commit")
            assert "D(served)" in " ".join(str(x) for x in waiting.until_ready())
        second.query("commit")
    lists = console.lists()
    assert lists["databases"] == len(proxy.config["databases"]) and lists["users"] == len(proxy.config["users"])
    until(lambda: console.lists()["used_clients"] == 1, "only the console is left")


def test_pins_tell_who_why_and_since_when(operate):
    proxy, console = operate()
    with proxy.wire(params=[("application_name", "pinner")]) as wire:
        assert console.ask("SHOW PINS") == []
        wire.query("create temp table secret_name(a int)")
        wire.query("select pg_advisory_lock(4711)")
        # The server is asked after the client has its answer.
        until(lambda: "advisory_lock" in console.only("SHOW PINS")["reasons"], "the lock is known")
        pin = console.only("SHOW PINS")
        assert pin["reasons"].split(",") == ["temporary_object", "advisory_lock"]
        assert pin["application_name"] == "pinner" and pin["database"] == "app" and pin["user"] == "app"
        assert str(pin["remote_pid"]) == wire.value("select pg_backend_pid()")
        assert pin["seconds"] >= 0 and pin["since"].endswith("UTC") and "DROP" in pin["ends"].upper()
        assert pin["statement"].lower().startswith("select") and "4711" not in pin["statement"]
        wire.query("drop table secret_name")
        until(lambda: console.only("SHOW PINS")["reasons"] == "advisory_lock", "the table is gone")
        wire.query("select pg_advisory_unlock(4711)")
        until(lambda: console.ask("SHOW PINS") == [], "the lock is gone")


def test_statistics_count_what_clients_did(operate):
    proxy, console = operate()
    with proxy.wire() as wire:
        for _ in range(5):
            wire.query("select pg_sleep(0.01)")
        wire.send(m.P() + m.B() + m.E() + m.S)
        wire.until_ready()
        stats = console.only("SHOW STATS", database="app")
        assert stats["total_query_count"] == 6 and stats["total_xact_count"] == 6
        assert stats["total_client_parse_count"] == 1 == stats["total_bind_count"] == stats["total_server_parse_count"]
        assert stats["total_client_login_count"] == 1 and stats["total_server_assignment_count"] >= 6
        assert stats["total_query_time"] >= 50_000 and stats["avg_query_time"] >= 8_000
        assert stats["total_received"] > 0 and stats["total_sent"] > stats["total_received"]
        totals = console.only("SHOW STATS_TOTALS", database="app")
        assert totals["query_count"] == 6 and totals["bytes_sent"] == stats["total_sent"]
        assert console.only("SHOW TOTALS", name="total_query_count")["value"] == 6


def test_config_has_our_names_and_pgbouncers(operate):
    _, console = operate(max_size=2, borrow_timeout="7s")
    config = {row["key"]: row for row in console.ask("SHOW CONFIG")}
    assert config["pool.max_size"]["value"] == "2" and config["pool.max_size"]["default"] == "20"
    assert config["default_pool_size"]["value"] == "2"
    assert config["query_wait_timeout"]["value"] == "7" and config["pool.borrow_timeout"]["value"] == "7s"
    assert config["max_client_conn"]["value"] == "2000" and config["max_user_connections"]["value"] == "0"
    assert config["listen.port"]["changeable"] == "no" and config["timeouts.query"]["changeable"] == "yes"
    assert "operator's" not in str(config) and config["users.operator.password"]["value"] == "***"


def test_drivers_may_ask_what_they_ask_any_server(looked_at):
    console = Console(looked_at, "viewer")
    assert console.ask("SHOW client_encoding") == [{"client_encoding": "UTF8"}]
    assert console.ask("show standard_conforming_strings;")[0]["standard_conforming_strings"] == "on"
    assert console.ask("SELECT 1") == [{"?column?": 1}]
    assert console.ask("SET application_name = 'x'") == "SET"
    assert console.ask("SET extra_float_digits = 3") == "SET"
    console.close()


def test_viewers_may_look_and_nothing_else(looked_at):
    console = Console(looked_at, "viewer")
    assert console.ask("SHOW POOLS")
    for command in ["PAUSE", "RESUME", "DISABLE app", "ENABLE app", "RECONNECT", "KILL app", "KILL_CLIENT 1", "RELOAD",
                    "SET pool.max_size = 3", "SHUTDOWN", "WAIT_CLOSE"]:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="admin access needed"):
            console.ask(command)
    console.close()


def test_nobody_else_comes_in(looked_at):
    with pytest.raises(LoginFailed) as refused:
        looked_at.wire("app", "pgweir")
    assert refused.value.answer.sqlstate == "42501"
    with pytest.raises(LoginFailed) as refused:
        looked_at.wire("operator", "pgweir", password="wrong")
    assert refused.value.answer.sqlstate == "28P01"


def test_each_of_many_clients_is_in_the_table_once(operate):
    """More than a worker looks at in one round, and each with its addresses."""
    proxy, console = operate(changes={"workers": 1})
    with contextlib.ExitStack() as open_wires:
        for _ in range(300):
            open_wires.enter_context(proxy.wire())
        rows = console.ask("SHOW CLIENTS")
        assert len(rows) == len({row["id"] for row in rows}) == 301
        assert {(row["local_addr"], row["local_port"]) for row in rows} == {(proxy.host, proxy.port)}
        lists = console.lists()
        assert (lists["used_clients"], lists["login_clients"], lists["free_clients"]) == (301, 0, 2000 - 301)
        memory = console.only("SHOW MEM", name="client_session")
        assert memory["used"] == 301


def test_console_users_get_no_server_connections_of_their_own(looked_at):
    """They need not exist on the server, and do not here."""
    console = Console(looked_at)
    assert all(row["sv_idle"] + row["sv_active"] + row["sv_login"] == 0
               for row in console.ask("SHOW POOLS") if row["user"] in ("operator", "viewer"))
    assert looked_at.http("/readyz")[0] == 200
    console.close()


@pytest.mark.parametrize("sql, problem", [
    ("SHOW nonsense", "invalid command"), ("EXPLAIN x", "invalid command"), ("SHOW", "needs an argument"),
    ("PAUSE nowhere", "no such database: nowhere"), ("KILL_CLIENT x", "needs the id"),
    ("KILL_CLIENT 999999999", "no such client"), ("SHOW POOLS; SHOW LISTS", "one command at a time"),
    ("SET listen.port = 1", "cannot set"), ("SET users.app.password = 'x'", "cannot set"),
    ("SET pool.max_size = many", "pool.max_size"), ("SHUTDOWN now", "WAIT_FOR_SERVERS"), ("PAUSE 'x", "quote"),
])
def test_what_is_wrong_is_said(looked_at, sql, problem):
    console = Console(looked_at)
    with pytest.raises(psycopg2.Error, match=re.escape(problem)):
        console.ask(sql)
    assert console.ask("SHOW VERSION")[0]["version"].startswith("pgweir ")
    console.close()


def test_extended_queries_are_refused_and_the_console_goes_on(looked_at):
    wire = looked_at.wire("operator", "pgweir", password=PASSWORDS["operator"])
    assert wire.ask(m.P("", "show pools") + m.B() + m.E() + m.S) == "E(0A000) Z(I)"
    assert wire.ask(m.Q("show version")).startswith("T D(")
    assert wire.ask(m.Q("")) == "I Z(I)"
    wire.close()


def test_help_lists_every_table(looked_at):
    console = Console(looked_at)
    console.ask("SHOW HELP")
    notice = console.connection.notices[-1]
    for word in ["pools", "pins", "waiters", "stats_totals", "PAUSE", "KILL_CLIENT", "WAIT_CLOSE"]:
        assert word in notice
    console.close()


def test_pause_waits_for_transactions_and_resume_lets_clients_on(operate):
    proxy, console = operate(max_size=2)
    with proxy.wire() as busy, proxy.wire() as later:
        busy.query("begin")
        paused = in_background(console.ask, "PAUSE app")
        until(lambda: Console(proxy, "viewer").only("SHOW DATABASES", name="app")["paused"] == 1, "it is paused")
        later.send(m.Q("select 'later'"))
        until(lambda: proxy.waiters() == 1, "the other one waits")
        assert not paused.done()
        busy.query("commit")
        assert paused.result(seconds(10)) == "PAUSE"
        assert proxy.metric("pgweir_backends", database="app") == 0
        with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState):
            console.ask("PAUSE app")
        with proxy.wire() as newcomer:  # logging in needs no server connection
            assert console.ask("RESUME app") == "RESUME"
            assert "D(later)" in " ".join(str(x) for x in later.until_ready())
            assert newcomer.value("select 1") == "1"


def test_pause_of_all_is_seen_in_the_state_and_holds_new_pools(operate):
    proxy, console = operate(changes={"databases": {"*": {"host": "127.0.0.1", "port": 1}}})
    assert console.ask("PAUSE") == "PAUSE"
    assert {"key": "paused", "value": "yes"} in console.ask("SHOW STATE")
    assert console.ask("RESUME") == "RESUME"
    assert {"key": "active", "value": "yes"} in console.ask("SHOW STATE")
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"


def test_resume_that_would_change_nothing_says_so(operate):
    proxy, console = operate()

    def refused(command, words):
        with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match=words):
            console.ask(command)

    refused("RESUME", "pooler is not paused")
    refused("RESUME app", "database app is not paused")
    assert console.ask("PAUSE") == "PAUSE"
    refused("RESUME app", "RESUME without a name")
    assert console.only("SHOW DATABASES", name="app")["paused"] == 1
    assert console.ask("RESUME") == "RESUME"
    assert console.ask("PAUSE app") == "PAUSE"
    refused("RESUME other", "database other is not paused")
    assert console.ask("RESUME") == "RESUME"
    with proxy.wire() as wire:
        assert wire.value("select 1") == "1"


def test_a_disabled_database_takes_nobody_new(operate):
    proxy, console = operate()
    with proxy.wire() as before:
        assert console.ask("DISABLE app") == "DISABLE"
        with pytest.raises(LoginFailed) as refused:
            proxy.wire()
        assert refused.value.answer.sqlstate == "57P03" and 'database "app" is disabled' in str(refused.value)
        assert before.value("select 1") == "1"
        assert console.only("SHOW DATABASES", name="app")["disabled"] == 1
        assert console.ask("ENABLE app") == "ENABLE"
        with proxy.wire() as wire:
            assert wire.value("select 1") == "1"


def test_reconnect_replaces_each_server_connection_as_it_comes_back(operate):
    proxy, console = operate(max_size=1, min_size=1)
    with proxy.wire() as wire:
        wire.query("begin")
        before = wire.value("select pg_backend_pid()")
        assert console.ask("RECONNECT app") == "RECONNECT"
        waiting = in_background(console.ask, "WAIT_CLOSE app")
        assert wire.value("select pg_backend_pid()") == before and not waiting.done()
        wire.query("commit")
        assert waiting.result(seconds(10)) == "WAIT_CLOSE"
        assert wire.value("select pg_backend_pid()") != before


def test_kill_ends_clients_and_holds_new_ones_until_resume(operate):
    proxy, console = operate()
    running, other = proxy.wire(), proxy.wire("app", "other")
    running.send(m.Q("select pg_sleep(100)"))
    until(lambda: proxy.metric("pgweir_backends", database="app", state="borrowed") == 1, "it runs")
    assert console.ask("KILL app") == "KILL"
    answer = running.until_eof()
    assert answer[-1] is EOF and any(x.sqlstate == "57P01" for x in answer if x.kind == "E")
    until(lambda: proxy.metric("pgweir_backends", database="app") == 0, "no server connection is left")
    assert other.value("select 1") == "1"
    with proxy.wire() as newcomer:
        newcomer.send(m.Q("select 'on'"))
        until(lambda: proxy.waiters() == 1, "it waits")
        console.ask("RESUME app")
        assert "D(on)" in " ".join(str(x) for x in newcomer.until_ready())
    other.close()


def test_kill_client_ends_that_client_only(operate):
    proxy, console = operate()
    with proxy.wire(params=[("application_name", "victim")]) as victim, proxy.wire() as other:
        victim.query("begin")
        number = console.only("SHOW CLIENTS", application_name="victim")["id"]
        assert console.ask(f"KILL_CLIENT {number}") == "KILL_CLIENT"
        answer = victim.until_eof()
        assert answer[0].sqlstate == "57P01" and "admin forced disconnect" in answer[0].text
        assert other.value("select 1") == "1"
    assert proxy.metric("pgweir_clients_ended_total", reason="killed") == 1


def test_kill_client_ends_a_login_that_waits_for_a_server_connection(operate):
    """Its settings are new to the pool, so that only the server can say what it reports for them."""
    proxy, console = operate(max_size=1)
    with proxy.wire() as holder:
        holder.query("begin")
        entering = in_background(lambda: proxy.wire(params=[("TimeZone", "Asia/Tokyo")]))
        until(lambda: proxy.waiters() == 1, "it waits")
        console.ask(f"KILL_CLIENT {console.only('SHOW CLIENTS', state='waiting')['id']}")
        with pytest.raises(LoginFailed) as failure:
            entering.result(seconds(10))
    assert str(failure.value.answer) == "E(FATAL 57P01)" and "admin forced disconnect" in failure.value.answer.text
    assert proxy.metric("pgweir_clients_ended_total", reason="killed") == 1


def test_set_counts_until_the_next_reload(operate):
    proxy, console = operate(max_size=1)
    with proxy.wire() as first, proxy.wire() as second:
        first.query("begin")
        second.send(m.Q("select 'let in'"))
        until(lambda: proxy.waiters() == 1, "one waits")
        assert console.ask("SET default_pool_size = 2") == "SET"
        assert "D(let in)" in " ".join(str(x) for x in second.until_ready())
        assert console.ask("SET timeouts.query = '90s'") == "SET"
        config = {row["key"]: row["value"] for row in console.ask("SHOW CONFIG")}
        assert (config["pool.max_size"], config["timeouts.query"], config["query_timeout"]) == ("2", "90s", "90")
        first.query("commit")
    assert console.ask("RELOAD") == "RELOAD"
    assert console.only("SHOW CONFIG", key="pool.max_size")["value"] == "1"


def test_an_invalid_file_is_refused_whole_by_reload(operate):
    proxy, console = operate()
    good = proxy.config_path.read_text()
    proxy.config_path.write_text(good + "nonsense: 1\n")
    with pytest.raises(psycopg2.Error, match="nonsense"):
        console.ask("RELOAD")
    assert console.only("SHOW CONFIG", key="pool.max_size")["value"] == "2"
    proxy.config_path.write_text(good)
    assert console.ask("RELOAD") == "RELOAD"


def test_commands_are_logged_with_their_user(operate):
    proxy, console = operate()
    console.ask("SET timeouts.query = 1h")
    console.ask("SHOW POOLS")
    events = [e for e in proxy.log_events() if e["event"] == "console_command"]
    assert [(e["user"], e["command"]) for e in events] == [("operator", "SET timeouts.query = 1h")]


def test_the_console_is_open_when_all_places_are_taken(operate):
    proxy, console = operate(changes={"listen": {"max_clients": 3}})
    with proxy.wire() as one, proxy.wire() as two:
        one.query("select 1")
        two.query("select 1")
        with pytest.raises(LoginFailed):
            proxy.wire()
        assert Console(proxy, "viewer").ask("SHOW LISTS")


def test_shutdown_waits_for_servers(operate):
    proxy, console = operate()
    with proxy.wire() as busy:
        busy.query("begin")
        console.ask("SHUTDOWN WAIT_FOR_SERVERS")
        until(lambda: proxy.http("/readyz")[0] == 503, "it drains")
        assert busy.value("select 1") == "1"
        assert busy.ask(m.Q("commit")) == "C(COMMIT) Z(I)"
    until(lambda: proxy.process.poll() is not None, "it has ended")
    assert proxy.process.returncode == 0


def test_shutdown_waits_for_clients(operate):
    proxy, console = operate()
    with proxy.wire() as idle:
        console.ask("SHUTDOWN WAIT_FOR_CLIENTS")
        assert idle.value("select 1") == "1"
        with pytest.raises((OSError, LoginFailed, EOFError)):
            proxy.wire()
        assert idle.value("select 2") == "2"
        assert console.lists()["used_clients"] == 2
    until(lambda: proxy.process.poll() is not None, "it has ended, though the console is still open")
    assert proxy.process.returncode == 0


def test_shutdown_that_waits_for_nobody_is_answered(operate):
    proxy, console = operate()
    assert console.ask("SHUTDOWN WAIT_FOR_CLIENTS") == "SHUTDOWN"
    until(lambda: proxy.process.poll() is not None, "it has ended")
    assert proxy.process.returncode == 0


def test_shutdown_at_once(operate):
    proxy, console = operate()
    with proxy.wire() as busy:
        busy.query("begin")
        console.ask("SHUTDOWN")
        until(lambda: proxy.process.poll() is not None, "it has ended")
        assert busy.until_eof()[-1] is EOF
    assert proxy.process.returncode == 0


def test_psql_speaks_with_it(looked_at):
    out = subprocess.run(
        [shutil.which("psql"), "-X", "-A", "-t", "-c", "show pools"], capture_output=True, text=True, timeout=seconds(30),
        env={"PGHOST": looked_at.host, "PGPORT": str(looked_at.port), "PGUSER": "viewer", "PGDATABASE": "pgweir",
             "PGPASSWORD": PASSWORDS["viewer"], "PATH": "/usr/bin:/bin"}, check=True)
    assert any(line.startswith("app|app|") for line in out.stdout.splitlines()), out


def test_a_client_that_goes_while_its_command_waits_leaves_nothing(operate):
    proxy, console = operate()
    with proxy.wire() as busy:
        busy.query("begin")
        impatient = proxy.wire("operator", "pgweir", password=PASSWORDS["operator"])
        impatient.send(m.Q("PAUSE app"))
        until(lambda: console.only("SHOW DATABASES", name="app")["paused"] == 1, "it is paused")
        impatient.close()
        until(lambda: console.lists()["used_clients"] == 2, "it is gone")
        busy.query("commit")
        console.ask("RESUME app")
        assert busy.value("select 1") == "1"


def test_sighup_and_the_console_do_the_same(operate):
    proxy, console = operate(max_size=1)
    console.ask("SET pool.max_size = 2")
    proxy.signal(signal.SIGHUP)
    until(lambda: console.only("SHOW CONFIG", key="pool.max_size")["value"] == "1", "the file counts again")


def page(url):
    """Its text; None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=seconds(10)) as answer:
            return answer.read().decode()
    except urllib.error.URLError:
        return None


def test_pgbouncers_exporter_reads_it(looked_at):
    """One that was written for PgBouncer, unchanged."""
    port = processes.free_port()
    settings = looked_at.directory / "exporter.yaml"
    settings.write_text(yaml.safe_dump({
        "exporter_host": looked_at.host, "exporter_port": port,
        "pgbouncers": [{"dsn": f"postgresql://viewer@{looked_at.host}:{looked_at.port}/pgbouncer"}]}))
    install = pathlib.Path(__file__).parent / "drivers" / "install.sh"
    library = subprocess.run([install, "exporter"], capture_output=True, text=True, check=True).stdout.strip()
    run = "from prometheus_pgbouncer_exporter.cli import main; main()"
    exporter = processes.start(
        ["/usr/bin/python3", "-c", run, "--config", str(settings)], looked_at.directory / "exporter.log",
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": library, "PGPASSWORD": PASSWORDS["viewer"]})
    try:
        text = until(lambda: page(f"http://{looked_at.host}:{port}/metrics"), "it answers")
        assert re.search(r'^pgbouncer_up 1', text, re.M), text
        assert re.search(r'^pgbouncer_pools_server_idle_connections\{.*database="app".*\} 1', text, re.M), text
        for name in ["stats_queries_total", "stats_received_bytes_total", "databases_database_pool_size",
                     "config_max_client_conn"]:
            assert f"pgbouncer_{name}" in text, (name, text)
    finally:
        processes.stop(exporter, (signal.SIGKILL,))
