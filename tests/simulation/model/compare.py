#!/usr/bin/python3
"""Holds the model server's answers against a PostgreSQL's, with random scripts.

    compare.py MODEL_PIPE [--port 55771] [--seed 1] [--count 2000] [--show 5]

MODEL_PIPE is the program of pipe_main.cpp. The PostgreSQL (15 to 18) runs already, on 127.0.0.1, with trust and a
superuser `postgres`; roles and the database `model` are made here. Each script is what one to three clients say, one
message group at a time. All messages are compared; masked are what differs by nature: process ids, secrets, OIDs of
tables, file, line and routine of errors, the number in pg_temp_N, the place of a tuple; from PostgreSQL 16 on also the
order of ParameterStatus messages that come one after the other.
"""

import argparse
import itertools
import pathlib
import random
import re
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "integration"), str(HERE)]

from compare_scripts import OWN_QUESTIONS, script  # noqa: E402
from differential.compare import comparable, told  # noqa: E402
from harness.wire import EOF, LoginFailed, Silence, Wire, cancel  # noqa: E402

ROLES = {"app": "superuser login", "team": "superuser login", "plain": "nosuperuser login",
         "crew": "nosuperuser nologin"}


def prepare(port):
    with Wire("127.0.0.1", port).login("postgres", "postgres") as wire:
        for role, attributes in ROLES.items():
            if not wire.query(f"select 1 from pg_roles where rolname = '{role}'"):
                wire.query(f"create role {role}")
            wire.query(f"alter role {role} {attributes}")
        if not wire.query("select 1 from pg_database where datname = 'model'"):
            wire.query("create database model")
            wire.query("grant crew to plain")
    clean_up(port)
    with Wire("127.0.0.1", port).login("postgres", "model") as wire:
        wire.query("grant all on schema public to public")


def masked(message, pids):
    if message.kind == "A":
        pid = struct.unpack_from("!I", message.body)[0]
        return "A", pids.index(pid) if pid in pids else -1, message.body[4:]
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


class Run:
    """One script against one server."""

    def __init__(self, port, clients):
        self.clients = clients
        self.port, self.wires, self.pids, self.heard, self.opened = port, {}, [], [], []
        # Whose transaction has failed in a Query. PostgreSQL keeps the portal of that statement, but not the memory
        # of what it points to, so that an Execute of it reads just anything, and may end the server.
        self.dangling = set()

    def log_in(self, number):
        wire = Wire("127.0.0.1", self.port, timeout=5)
        user, params = self.clients[number]
        self.wires[number] = wire
        self.opened.append(wire)
        try:
            wire.login(user, "model", params=params)
            self.heard += [(number, x) for x in wire.heard]
        except LoginFailed as refusal:
            self.heard += [(number, refusal.answer)]
            self.wires[number] = None
        self.pids.append(wire.pid)

    def say(self, number, data, answers):
        """`answers`: how many ReadyForQuery (or "G": until the server wants data) to wait for."""
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


def play(seed, port):
    clean_up(port)
    clients, steps = script(random.Random(seed))
    run = Run(port, clients)
    for number, data, answers, _ in steps:
        run.say(number, data, answers)
    run.close()
    return run


def compare(seed, real, model, major):
    ours, theirs = play(seed, model), play(seed, real)
    if major >= 16:
        ours.heard, theirs.heard = sorted_settings(ours.heard), sorted_settings(theirs.heard)
    mine, truth = heard_as(ours), heard_as(theirs)
    if mine == truth:
        return None
    at = next((n for n, (a, b) in enumerate(zip(mine, truth)) if a != b), min(len(mine), len(truth)))
    kept_ours = [x for x in ours.heard if getattr(x[1], "kind", "") != "K"]
    kept_theirs = [x for x in theirs.heard if getattr(x[1], "kind", "") != "K"]
    return at, kept_ours, kept_theirs


def report(seed, difference):
    at, ours, theirs = difference
    _, steps = script(random.Random(seed))
    print(f"--- seed {seed}")
    for number, _, _, text in steps:
        print(f"    {number} {short(text)}")
    for name, heard, others in (("model", ours, theirs), ("real ", theirs, ours)):
        lines = [shown(x, others[n] if n < len(others) else None) if n == at else shown(x)
                 for n, x in enumerate(heard) if at - 2 <= n < at + 3]
        print(f"  {name}: " + "\n         ".join(lines))


def listening(model):
    """The port of the model, after it has told the questions that it knows."""
    while not (line := model.stdout.readline().rstrip("\n")).isdigit():
        assert line, "the model has ended"
        name, _, OWN_QUESTIONS[name] = line.partition(" ")
    return int(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--port", type=int, default=55771)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--show", type=int, default=5)
    arguments = parser.parse_args()
    prepare(arguments.port)
    with Wire("127.0.0.1", arguments.port).login("postgres", "postgres") as wire:
        version = wire.value("show server_version")
    model = subprocess.Popen([arguments.model, version], stdout=subprocess.PIPE, text=True)
    different = 0
    try:
        port = listening(model)
        for seed in range(arguments.seed, arguments.seed + arguments.count):
            difference = compare(seed, arguments.port, port, int(version.partition(".")[0]))
            if difference:
                different += 1
                if different <= arguments.show:
                    report(seed, difference)
            sys.stdout.flush()
    finally:
        model.terminate()
    print(f"{arguments.count} scripts against PostgreSQL {version}: {different} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
