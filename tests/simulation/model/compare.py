#!/usr/bin/python3
"""Holds the model server's answers against a PostgreSQL's, with random scripts.

    compare.py MODEL_PIPE [--port 55771] [--seed 1] [--count 2000] [--show 5] [--state STATE] [--version 15.18]
    compare.py --prepare [--port 55771]

MODEL_PIPE is the program of pipe_main.cpp. The PostgreSQL (15 to 18) runs already, on 127.0.0.1, with the lines of
compare_logins.py in its pg_hba.conf, password_encryption = md5 and a superuser `postgres`; roles and databases are made
here. Each script is what one to nine clients say, one message group at a time. All messages are compared; masked are
what differs by nature: process ids, secrets, the salt of an MD5 password, OIDs of tables, file, line and routine of
errors, the number in pg_temp_N, the place of a tuple; from PostgreSQL 16 on also the order of ParameterStatus messages
that come one after the other.

STATE is what the server is in: `writer`; `standby`, or `promotion` for one that a script makes a writer: it has to have
been there when `--prepare` ran, which makes what its scripts find; or why it lets nobody in: `starting_up`,
`no_hot_standby`, `shutting_down` or `too_many_clients`. Who cannot be asked for its version needs `--version`.
"""

import argparse
import itertools
import pathlib
import random
import re
import signal
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "integration"), str(HERE)]

from compare_logins import DATABASES, LIMITED, ROLES, logins  # noqa: E402
from compare_scripts import OWN_QUESTIONS, defaults, shared, single, sleeping, waiting  # noqa: E402
from compare_states import PREPARATION, of_promotion, of_standby, out_of_service  # noqa: E402
from differential.compare import comparable, told  # noqa: E402
from harness.waiting import until  # noqa: E402
from harness.wire import EOF, LoginFailed, Silence, Wire, cancel  # noqa: E402

FAMILIES = {"writer": {single: 12, shared: 4, waiting: 2, sleeping: 0.5, defaults: 2, logins: 2, out_of_service: 1},
            "standby": {of_standby: 4, logins: 1}, "promotion": {of_promotion: 1}}


def script(rng, state):
    families = FAMILIES.get(state, {logins: 1})
    return rng.choices(list(families), list(families.values()))[0](rng)


def prepare(port):
    with Wire("127.0.0.1", port).login("postgres", "postgres") as wire:
        for role, attributes in ROLES.items():
            if not wire.query(f"select 1 from pg_roles where rolname = '{role}'"):
                wire.query(f"create role {role}")
            wire.query(f"alter role {role} {attributes}")
        wire.query("grant crew to plain")
        for database, options in DATABASES.items():
            if not wire.query(f"select 1 from pg_database where datname = '{database}'"):
                wire.query(f"create database {database} {options}")
    clean_up(port)
    with Wire("127.0.0.1", port).login("postgres", "model") as wire:
        wire.query("grant all on schema public to public")


def masked(message, pids):
    if message.kind == "A":
        pid = struct.unpack_from("!I", message.body)[0]
        return "A", pids.index(pid) if pid in pids else -1, message.body[4:]
    if message.kind == "R" and message.body[:4] == b"\0\0\0\5":
        return "R", message.body[:4]
    kind, body = comparable(message)
    return kind, re.sub(rb"tuple \(\d+,\d+\)", b"tuple", body) if kind == "E" else body


def without_old_portal(data):
    """Leaves out an Execute of the unnamed portal that no Bind of the same pipeline has made."""
    out, at, is_bound = b"", 0, False
    while at < len(data):
        end = at + 1 + struct.unpack_from("!I", data, at + 1)[0]
        kind, is_unnamed = data[at:at + 1], data[at + 5:at + 6] == b"\0"
        is_bound = (is_bound or (kind == b"B" and is_unnamed)) and kind != b"S"
        if kind != b"E" or not is_unnamed or is_bound:
            out += data[at:end]
        at = end
    return out


class Real:
    """The PostgreSQL."""

    def __init__(self, port):
        self.port = port

    def ask(self, sql):
        with Wire("127.0.0.1", self.port).login("postgres", "postgres") as wire:
            return wire.value(sql)

    def settle(self):
        """Who has left is gone a moment later, and counts until then."""
        until(lambda: self.ask(LIMITED) == "0", "the last script's sessions are gone")

    def set_read_only(self, state):
        with Wire("127.0.0.1", self.port).login("postgres", "postgres") as wire:
            wire.query(f"alter system set default_transaction_read_only = {state}")
            wire.query("select pg_reload_conf()")
        self.has_read_only(state)

    def has_read_only(self, state):
        """A session that begins now has been told, and so has every one that was there: they are told in one go."""
        until(lambda: self.ask("show default_transaction_read_only") == state, "the configuration was read again")


class Model(Real):
    def __init__(self, program, version, state):
        arguments = [] if state == "writer" else [{"promotion": "standby"}.get(state, state), PREPARATION]
        self.process = subprocess.Popen([program, version, *arguments], stdout=subprocess.PIPE, text=True)
        super().__init__(self.listening())

    def listening(self):
        """The port, after it has told the questions that it knows."""
        while not (line := self.process.stdout.readline().rstrip("\n")).isdigit():
            assert line, "the model has ended"
            name, _, OWN_QUESTIONS[name] = line.partition(" ")
        return int(line)

    def settle(self):
        pass

    def set_read_only(self, state):
        if self.ask("show default_transaction_read_only") != state:
            self.process.send_signal(signal.SIGHUP)
        self.has_read_only(state)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Run:
    """One script against one server."""

    def __init__(self, server, clients):
        self.clients, self.server = clients, server
        self.port, self.wires, self.pids, self.heard, self.opened = server.port, {}, [], [], []
        # Whose transaction has failed in a Query. PostgreSQL keeps the portal of that statement, but not the memory
        # of what it points to, so that an Execute of it reads just anything, and may end the server.
        self.dangling = set()

    def log_in(self, number):
        wire = Wire("127.0.0.1", self.port, timeout=5)
        client = self.clients[number]
        self.wires[number] = wire
        self.opened.append(wire)
        try:
            wire.login(client.user, client.database, client.password, client.params)
        except LoginFailed:
            self.wires[number] = None
        self.heard += [(number, x) for x in wire.heard]
        self.pids.append(wire.pid)

    def say(self, number, data, answers):
        """`answers`: how many ReadyForQuery (or "G": until the server wants data) to wait for."""
        if str(data).startswith("read-only"):
            return self.server.set_read_only(data.split()[1])
        if number not in self.wires:
            self.log_in(number)
        wire = self.wires[number]
        if wire is None:
            return
        is_query = data[:1] in (b"Q", b"")
        if number in self.dangling and data != "cancel":
            data = without_old_portal(data)
        try:
            if data == "cancel":
                cancel("127.0.0.1", self.port, wire.pid, wire.secret)
            else:
                wire.send(data)
            if not answers:
                time.sleep(0.03)
            while answers:
                message = wire.receive()
                self.heard.append((number, message))
                if message is EOF:
                    self.wires[number] = None
                    return
                if message.kind == "Z":
                    answers -= 1
                    if message.body != b"E":
                        self.dangling.discard(number)
                    elif is_query:
                        self.dangling.add(number)
        except (Silence, OSError) as trouble:
            self.heard.append((number, trouble))
            self.wires[number] = None

    def close(self):
        for wire in self.opened:
            wire.terminate()


def shown(heard, other=None):
    number, message = heard
    if not hasattr(message, "kind"):
        return f"{number}: {message!r}"
    text = told(message)
    if other is not None and hasattr(other[1], "kind") and text == told(other[1]):
        is_error = message.kind in "EN"
        text += str({k: v for k, v in message.fields().items() if k not in "FLR"}) if is_error else str(message.body)
    return f"{number}: {text}"


def short(text):
    return re.sub(r"SELECT CASE WHEN c.other.*?FROM \(SELECT r.name.*?FROM \(", "<STATE ", text)


def sorted_settings(heard):
    """Those told one after the other by their names: from 16 on, their order is that of guc.c's hash table and list."""
    out = []
    for is_setting, group in itertools.groupby(heard, key=lambda told: (told[0], getattr(told[1], "kind", "") == "S")):
        out += sorted(group, key=lambda told: told[1].body) if is_setting[1] else group
    return out


def heard_as(run):
    out = []
    for number, message in run.heard:
        if not hasattr(message, "kind"):
            out.append((number, "silence"))
        elif message.kind != "K":
            out.append((number, masked(message, run.pids)))
    return out


def clean_up(port):
    """What a script has left behind in the shared database."""
    with Wire("127.0.0.1", port).login("postgres", "postgres") as wire:
        wire.ask(q("alter database model reset all"))
        for role in ("app", "plain", "team"):
            wire.ask(q(f"alter role {role} reset all"))
            wire.ask(q(f"alter role {role} in database model reset all"))
    with Wire("127.0.0.1", port).login("postgres", "model") as wire:
        for schema in ("public", "one", "two"):
            for name in ("t", "u", "w"):
                wire.ask(q(f"drop table if exists {schema}.{name}"))
            wire.ask(q(f"drop sequence if exists {schema}.s"))
        wire.ask(q("create schema if not exists one"))
        wire.ask(q("create schema if not exists two"))


def q(sql):
    return b"Q" + struct.pack("!I", len(sql) + 5) + sql.encode() + b"\0"


def play(seed, server, state):
    if state == "writer":
        clean_up(server.port)
    clients, steps = script(random.Random(seed), state)
    counts = any(client.user == "limited" or client.database == "small" for client in clients.values())
    if counts and state in FAMILIES:
        server.settle()
    run = Run(server, clients)
    for number, data, answers, _ in steps:
        run.say(number, data, answers)
    run.close()
    return run


def compare(seed, real, model, state, major):
    ours, theirs = play(seed, model, state), play(seed, real, state)
    if major >= 16:
        ours.heard, theirs.heard = sorted_settings(ours.heard), sorted_settings(theirs.heard)
    mine, truth = heard_as(ours), heard_as(theirs)
    if mine == truth:
        return None
    at = next((n for n, (a, b) in enumerate(zip(mine, truth)) if a != b), min(len(mine), len(truth)))
    kept_ours = [x for x in ours.heard if getattr(x[1], "kind", "") != "K"]
    kept_theirs = [x for x in theirs.heard if getattr(x[1], "kind", "") != "K"]
    return at, kept_ours, kept_theirs


def report(seed, state, difference):
    at, ours, theirs = difference
    _, steps = script(random.Random(seed), state)
    print(f"--- seed {seed}")
    for number, _, _, text in steps:
        print(f"    {number} {short(text)}")
    for name, heard, others in (("model", ours, theirs), ("real ", theirs, ours)):
        lines = [shown(x, others[n] if n < len(others) else None) if n == at else shown(x)
                 for n, x in enumerate(heard) if at - 2 <= n < at + 3]
        print(f"  {name}: " + "\n         ".join(lines))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?")
    parser.add_argument("--port", type=int, default=55771)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--state", default="writer")
    parser.add_argument("--version")
    parser.add_argument("--prepare", action="store_true")
    arguments = parser.parse_args()
    real = Real(arguments.port)
    if arguments.prepare or arguments.state == "writer":
        prepare(arguments.port)
    if arguments.prepare:
        with Wire("127.0.0.1", arguments.port).login("app", "model") as wire:
            wire.query(PREPARATION)
        return 0
    version = arguments.version or real.ask("show server_version")
    different = 0
    with Model(arguments.model, version, arguments.state) as model:
        for seed in range(arguments.seed, arguments.seed + arguments.count):
            difference = compare(seed, real, model, arguments.state, int(version.partition(".")[0]))
            if difference:
                different += 1
                if different <= arguments.show:
                    report(seed, arguments.state, difference)
            sys.stdout.flush()
    print(f"{arguments.count} scripts against PostgreSQL {version}: {different} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
