"""Runs pgweir into each condition that an alarm is for, and keeps what it has said: its log, and its metrics before and
after."""

import contextlib
import json
import re
import resource
import socket
import threading

from harness import messages as m, processes
from harness.crowd import together
from harness.intruder import Listener
from harness.waiting import hold, until
from harness.wire import LoginFailed

ALONE = {"databases": {"other": None, "app": {"users": ["app"]}}, "users": {"app2": None, "md5app": None}}


class Observed:
    def __init__(self, endpoint):
        self.endpoint, self.before, self.after = endpoint, endpoint.http("/metrics")[1], ""

    def done(self):
        """The last scrape, unless the process has ended."""
        if self.endpoint.process.poll() is None:
            self.after = self.endpoint.http("/metrics")[1]
        return self

    def events(self):
        """What CloudWatch would get: each line is an event. What is said about the configuration before the log begins is
        plain text, which no filter for JSON matches."""
        return [json.loads(line) for line in self.endpoint.log_text().splitlines() if line.startswith("{")]

    def has_said(self, field, value):
        until(lambda: any(event.get(field) == value for event in self.events()), f"{field}={value} is logged")


class Conditions:
    """`conditions.borrow_timeout` runs it once."""

    def __init__(self, shared, cluster, certificates):
        self.shared, self.cluster, self.certificates, self.known = shared, cluster, certificates, {}

    def observe(self, name):
        if name not in self.known:
            self.known[name] = getattr(self, name)()
        return self.known[name]

    def start(self, key, changes=None, **options):
        alone = {**ALONE, **(changes or {})}
        return Observed(self.shared(key, changes=alone, **options))

    def quiet(self):
        """An ordinary day: all that happens here is the clients' affair."""
        seen = self.start("quiet", max_size=2)
        with seen.endpoint.wire() as wire, seen.endpoint.wire() as other:
            wire.query("begin")
            other.query("select 1")
            assert "E(22012" in wire.ask(m.Q("select 1/0"))
            wire.query("rollback")
        seen.endpoint.reload({"pool": {"max_size": 3}})
        seen.has_said("event", "reloaded")
        return seen.done()

    def outage(self):
        """Nobody listens where a database should be. Goes on until the last test."""
        port = processes.free_port()
        databases = {**ALONE["databases"], "nowhere": {"host": "127.0.0.1", "port": port, "users": ["app"]}}
        seen = self.start("outage", {"databases": databases})
        return self.until_logins_fail(seen, "unreachable")

    def refused_login(self):
        databases = {**ALONE["databases"], "gone": {"host": self.cluster.host, "port": self.cluster.port, "users": ["app"]}}
        seen = self.start("refused", {"databases": databases})
        return self.until_logins_fail(seen, "refused")

    def until_logins_fail(self, seen, result):
        def failures():
            return seen.endpoint.metric("pgweir_backend_logins_total", result=result)
        first = failures()
        until(lambda: failures() > first + 1, "logins fail")
        seen.has_said("event", "server_login_failed")
        return seen.done()

    def borrow_timeout(self):
        seen = self.start("borrow", max_size=1, borrow_timeout="300ms")
        with seen.endpoint.wire() as holder, seen.endpoint.wire() as waiter:
            holder.query("begin")
            assert waiter.ask(m.Q("select 1")).startswith("E(53300)")
        return seen.done()

    def long_wait(self):
        seen = self.start("wait", max_size=1)
        with seen.endpoint.wire() as holder, seen.endpoint.wire() as waiter:
            holder.query("begin")
            waiter.send(m.Q("select 1"))
            until(lambda: seen.endpoint.waiters() == 1, "it waits")
            hold(lambda: seen.endpoint.waiters() == 1, "it goes on waiting", 1.1)
            holder.query("commit")
            waiter.until_ready()
        return seen.done()

    def full_pool(self):
        seen = self.start("full", max_size=1)
        with seen.endpoint.wire() as holder:
            holder.query("begin")
            return seen.done()

    def pinned(self):
        seen = self.start("pinned", max_size=1)
        with seen.endpoint.wire() as holder:
            holder.query("create temp table t (i int)")
            until(lambda: seen.endpoint.metric("pgweir_pinned_sessions") == 1, "it is pinned")
            return seen.done()

    def idle_transaction(self):
        seen = self.start("idle", {"timeouts": {"idle_transaction": "300ms"}})
        with seen.endpoint.wire() as wire:
            wire.query("begin")
            assert wire.until_eof()[0].sqlstate == "25P03"
        return seen.done()

    def client_does_not_read(self):
        seen = self.start("write", {"timeouts": {"client_write": "500ms"}})
        with seen.endpoint.wire() as wire:
            wire.send(m.Q("select repeat('x', 1000) from generate_series(1, 300000)"))
            seen.has_said("reason", "client_write_timeout")
        return seen.done()

    def too_many_clients(self):
        seen = self.start("many", {"listen": {"max_clients": 1}})
        with seen.endpoint.wire():
            refused(seen.endpoint, "53300")
            seen.has_said("reason", "too_many_clients")
        return seen.done()

    def no_descriptors(self):
        seen = self.start("descriptors", limits=["prlimit", "--nofile=400:400"], max_size=1)
        clients = []
        try:
            for _ in range(450):
                clients.append(socket.create_connection(("127.0.0.1", seen.endpoint.port)))
            seen.has_said("event", "accept_paused")
        finally:
            for client in clients:
                client.close()
        until(lambda: seen.endpoint.http("/metrics")[0] == 200, "there is room for a scrape")
        return seen.done()

    def wrong_passwords(self):
        seen = self.start("passwords")
        together(lambda _: refused(seen.endpoint, "28P01", password="wrong"), range(40), 8)
        return seen.done()

    def with_tls(self, key, pair):
        return self.start(key, {"listen": {"tls": {"mode": "prefer", "cert_file": str(pair.cert), "key_file": str(pair.key)}}})

    def tls_handshakes_fail(self):
        seen = self.with_tls("tls", self.certificates.server)
        for _ in range(3):
            with seen.endpoint.socket() as wire:
                wire.send(m.SSL_REQUEST)
                assert wire.read_exactly(1) == b"S"
                wire.send(b"no handshake at all")
                wire.until_eof()
        until(lambda: seen.endpoint.metric("pgweir_tls_handshake_failures_total") >= 3, "they have failed")
        return seen.done()

    def certificate_expires(self):
        return self.with_tls("expiry", self.certificates.ca.sign("soon", days=5)).done()

    def audit_finding(self):
        """A function that changes where nobody sees it."""
        body = "create or replace function alarm_spot() returns bool language sql as '%s'"
        self.cluster.execute(body % "select true", "app")
        seen = self.start("audit", max_size=1, audit_every=1)
        with seen.endpoint.wire() as wire:
            wire.query("select alarm_spot()")
            until(lambda: seen.endpoint.metric("pgweir_audits_total") >= 1, "its source has been read")
            self.cluster.execute(body % "select pg_try_advisory_lock(4713)", "app")
            wire.query("select alarm_spot()")
            seen.has_said("event", "audit_finding")
        self.cluster.execute("drop function alarm_spot()", "app")
        return seen.done()

    def impossible_message(self):
        return self.liar("message", b"Z\0\0\0\5I")

    def garbage_from_the_server(self):
        return self.liar("garbage", b"\0\0\0\0\0\0\0\0")

    def liar(self, key, lie):
        with Liar((self.cluster.host, self.cluster.port)) as server:
            databases = {**ALONE["databases"], "app": {"users": ["app"], "port": server.port}}
            seen = self.start(key, {"databases": databases}, max_size=1)
            with seen.endpoint.wire() as wire:
                wire.query("begin")
                server.say(lie)
                wire.until_eof()
            seen.has_said("event", "server_protocol_violation")
            return seen.done()

    def unreadable_state(self):
        """Whoever cancels the question about a session's state again and again."""
        seen = self.start("unreadable", max_size=1)
        locker = self.cluster.connect("app")

        def given_up():
            self.cluster.execute(cancel)  # finds nothing any more after the last one
            return told(seen, "internal_error")

        cancel = ("select pg_cancel_backend(pid) from pg_stat_activity where usename = 'app' and state = 'active' "
                  "and wait_event_type = 'Lock' and query like '%current_setting(''statement_timeout'')%'")
        try:
            # Put together, so that nobody knows which settings to ask for.
            sets = m.Q("do $$ begin execute format('set statement_timeout to %L', '400ms'); end $$")
            with seen.endpoint.wire() as wire, locker.cursor() as lock:
                wire.ask(sets)  # what the database's definitions call is known then, and not asked for behind the lock
                assert wire.value("select 1") == "1"
                lock.execute("begin; lock table pg_catalog.pg_depend in access exclusive mode")
                wire.send(sets)
                until(given_up, "it is given up")
                lock.execute("rollback")
        finally:
            locker.close()
        return seen.done()

    def out_of_memory(self):
        """The end of one session, for which there is no memory."""
        seen = self.start("memory", {"workers": 1}, max_size=1)
        process = seen.endpoint.process
        with seen.endpoint.wire() as wire:
            with open(f"/proc/{process.pid}/status") as status:
                now = int(re.search(r"VmSize:\s+(\d+) kB", status.read())[1]) * 1024
            resource.prlimit(process.pid, resource.RLIMIT_AS, (now + (16 << 20), resource.RLIM_INFINITY))
            with contextlib.suppress(AssertionError, OSError):
                wire.ask(m.P("s", f"select '{'x' * (60 << 20)}'") + m.S)
        until(lambda: told(seen, "out_of_memory"), "its session has ended")
        resource.prlimit(process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return seen.done()


def told(seen, reason):
    return any(event.get("reason") == reason for event in seen.events())


def refused(endpoint, sqlstate, **options):
    try:
        endpoint.wire(**options)
    except LoginFailed as failed:
        assert failed.answer.sqlstate == sqlstate, failed.answer
        return
    raise AssertionError("it was let in")


class Liar(Listener):
    """Passes on what both say, until it is told to say something of its own to all clients of the server."""

    def __init__(self, server):
        self.server = server
        super().__init__()

    def serve(self, sock):
        with socket.create_connection(self.server) as far:
            back = threading.Thread(target=pump, args=(far, sock), daemon=True)
            back.start()
            pump(sock, far)
            back.join(10)

    def say(self, data):
        for sock in self.open:
            try:
                sock.sendall(data)
            except OSError:
                pass


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
