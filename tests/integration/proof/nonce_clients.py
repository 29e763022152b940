"""The crowd of the nonce proof: one thread, many sockets, a task for each client."""

import asyncio
import collections
import random
import socket
import struct
import time

from harness import messages as m
from .nonce_judge import CANCELLED, LOST, Foreign, Progress, judge
from .nonce_shapes import PREPARE, TAG, WEIGHTS

PREPARED = m.message(b"1") + m.message(b"Z", b"I")


class Tally:
    """What all clients together did."""

    def __init__(self):
        self.counts = collections.Counter()
        self.done, self.undone, self.unknown = set(), set(), set()  # nonces of inserts, by what the table must show

    def __str__(self):
        return ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))


class Client:
    """Asks, and compares. Subclasses differ in what they do while an answer is on its way."""

    may_be_cancelled = False
    weights = WEIGHTS
    bite = 1 << 16

    def __init__(self, number, proxy, templates, tally, seed):
        self.proxy, self.templates, self.tally = proxy, templates, tally
        self.tag, self.serial, self.random = f"{number:04x}", 0, random.Random(seed * 1000 + number)
        self.sock, self.key, self.busy_since, self.successes = None, None, None, 0
        self.states = set()  # SQLSTATEs of the last answer that was not the expected one

    # --- the connection ------------------------------------------------------------------------------------

    async def connect(self):
        prepared = False
        while not prepared:
            if self.sock is None:
                wire = await asyncio.get_running_loop().run_in_executor(None, self.proxy.wire)
                self.sock, self.key = wire.sock, m.cancel_request(wire.pid, wire.secret)
                self.sock.setblocking(False)
                self.tally.counts["logins"] += 1
            prepared = await self.exchange(PREPARE.replace(TAG.encode(), self.tag.encode()), PREPARED, 1)

    def close(self):
        self.sock.close()
        self.sock = None

    def abort(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    async def leave(self):
        if self.sock is not None:
            await self.send(m.X)
            self.close()

    async def send(self, data):
        try:
            await asyncio.get_running_loop().sock_sendall(self.sock, data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what came before is still to be read

    async def receive(self):
        try:
            return await asyncio.get_running_loop().sock_recv(self.sock, self.bite)
        except ConnectionResetError:
            return b""

    # --- one exchange --------------------------------------------------------------------------------------

    async def exchange(self, data, expected, ready):
        """True: exactly the expected answer. False: an error that may be, and before it nothing but its own."""
        self.busy_since, at = time.monotonic(), 0
        await self.send(data)
        while at < len(expected):
            chunk = await self.receive()
            if not chunk or chunk != expected[at:at + len(chunk)]:
                await self.explain(expected, ready, expected[:at] + chunk, ended=not chunk)
                break
            at += len(chunk)
        self.busy_since = None
        return at == len(expected)

    async def explain(self, expected, ready, got, ended):
        """Reads an unexpected answer to its end and judges it."""
        progress = Progress(got)
        while not ended and not progress.over(ready):
            chunk = await self.receive()
            progress.add(chunk)
            ended = not chunk
        self.states = judge(expected, bytes(progress.data), ended)
        lost = self.states & LOST
        if not self.states or self.states - LOST - ({CANCELLED} if self.may_be_cancelled else set()):
            raise Foreign(f"client {self.tag} asked {len(expected)} bytes and got {self.states or 'others'}")
        self.tally.counts["statements that lost their backend"] += bool(lost)
        self.tally.counts["statements cancelled"] += CANCELLED in self.states
        if ended:
            self.close()

    def new_nonce(self):
        self.serial += 1
        return f"{self.tag}{self.serial:012x}"

    async def ask(self, name):
        if self.sock is None:
            await self.connect()
        nonce, template = self.new_nonce(), self.templates[name]
        data, expected = template.fill(self.tag, nonce)
        good = await self.exchange(data, expected, template.ready)
        if good:
            self.successes += 1
            self.tally.counts["queries"] += template.queries
            self.tally.counts["rows"] += template.rows
        if name == "insert":
            lost = not good and self.states & LOST
            (self.tally.done if good else self.tally.unknown if lost else self.tally.undone).add(nonce)

    # --- its life ------------------------------------------------------------------------------------------

    def choose(self):
        return self.random.choices(list(self.weights), self.weights.values())[0]

    async def turn(self):
        await self.ask(self.choose())

    async def live(self, stopping):
        await self.connect()
        while not stopping.is_set() or not self.successes:
            await self.turn()
        await self.leave()


class Cancelling(Client):
    """Cancels its own statements, sooner or later than they end."""

    may_be_cancelled = True
    weights = WEIGHTS | {"setting": 0}  # what it is after a SET that was cancelled, is not known

    async def cancel_soon(self):
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.random.uniform(0, 0.2))
        with socket.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, (self.proxy.host, self.proxy.port))
            await loop.sock_sendall(sock, self.key)
            if await loop.sock_recv(sock, 16):
                raise Foreign("a cancel request was answered")
        self.tally.counts["cancel requests"] += 1

    async def turn(self):
        if self.sock is None:
            await self.connect()
        cancel = asyncio.create_task(self.cancel_soon())
        await self.ask(self.choose())
        await cancel


class Vanishing(Client):
    """Often leaves with a reset: before the answer, in the middle of it, or in the middle of a message of its own."""

    async def turn(self):
        if self.random.random() > 0.3:
            return await self.ask(self.choose())
        if self.sock is None:
            await self.connect()
        nonce, name = self.new_nonce(), self.random.choice(["insert", "big", "pipeline", "transaction"])
        data, expected = self.templates[name].fill(self.tag, nonce)
        when = self.random.choice(["cut", "sent", "answering"])
        if name == "insert":
            (self.tally.undone if when == "cut" else self.tally.unknown).add(nonce)
        self.busy_since = time.monotonic()
        await self.send(data[:len(data) // 2] if when == "cut" else data)
        if when == "answering":
            chunk = await self.receive()
            if not expected.startswith(chunk):
                judge(expected, chunk, ended=True)
        self.busy_since = None
        self.tally.counts["vanished"] += 1
        self.abort()


class Slow(Client):
    """Asks for a lot and takes it in small bites."""

    bite = 1 << 15

    async def receive(self):
        await asyncio.sleep(0.001)
        return await super().receive()

    async def turn(self):
        await self.ask("big")
        await asyncio.sleep(self.random.uniform(0, 0.5))
