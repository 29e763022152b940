#!/usr/bin/python3
"""Holds the model server's answers against a PostgreSQL's, with random scripts.

    compare.py MODEL_PIPE [--port 55771] [--seed 1] [--count 2000] [--show 5]

MODEL_PIPE is the program of pipe_main.cpp. The PostgreSQL runs already, on 127.0.0.1, with trust and a superuser
`postgres`; roles and the database `model` are made here. Each script is what one to three clients say, one message
group at a time. All messages are compared; masked are what differs by nature: process ids, secrets, OIDs of tables,
file, line and routine of errors, the number in pg_temp_N, the place of a tuple.
"""

import argparse
import pathlib
import random
import re
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "integration"), str(HERE)]

from compare_scripts import script  # noqa: E402
from differential.compare import comparable, told  # noqa: E402
from harness.wire import EOF, LoginFailed, Silence, Wire, cancel  # noqa: E402

SET_UP = """
create role app superuser login; create role team superuser login; create role plain login;
create role crew; grant crew to plain; grant all on schema public to public;
"""


def prepare(port):
    with Wire("127.0.0.1", port).login("postgres", "postgres") as wire:
        if not wire.query("select 1 from pg_roles where rolname = 'app'"):
            for sql in SET_UP.strip().split(";")[:-1]:
                wire.query(sql)
            wire.query("create database model")
    clean_up(port)
    with Wire("127.0.0.1", port).login("postgres", "model") as wire:
        wire.query("grant all on schema public to public")


def masked(message, pids):
    if message.kind == "A":
        pid = struct.unpack_from("!I", message.body)[0]
        return "A", pids.index(pid) if pid in pids else -1, message.body[4:]
    kind, body = comparable(message)
    return kind, re.sub(rb"tuple \(\d+,\d+\)", b"tuple", body) if kind == "E" else body


class Run:
    """One script against one server."""

    def __init__(self, port, clients):
        self.clients = clients
        self.port, self.wires, self.pids, self.heard, self.opened = port, {}, [], [], []

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


def compare(seed, real, model):
    ours, theirs = play(seed, model), play(seed, real)
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
    model = subprocess.Popen([arguments.model], stdout=subprocess.PIPE, text=True)
    port = int(model.stdout.readline())
    different = 0
    try:
        for seed in range(arguments.seed, arguments.seed + arguments.count):
            difference = compare(seed, arguments.port, port)
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
