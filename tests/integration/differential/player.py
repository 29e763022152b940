"""Plays a script against one server, all clients from one thread, and notes what each hears.

Every step waits for the one before it of its own client. The steps of different clients go out in the order of the
script, each after the answer to the one before it, except where that answer waits for a backend that another client
holds: then the script goes on without it. Who holds one inside a transaction is known, and nobody waits in vain;
other reasons (a temporary table, say) show by an answer that does not come within PATIENCE. A client misjudged as
waiting does no harm: only the order in which pgweir sees the clients changes, and no answer depends on that.
"""

import collections
import select
import struct
import time

from harness.waiting import seconds
from harness.wire import EOF, Message

from .answers import Answers
from .compare import Trace
from .script import BARRIER, Q, X

PATIENCE = seconds(0.03)
SILENCE = seconds(6)


class Client:
    """One connection. `wanted`: how many notifications it must have heard before it goes on after each step."""

    def __init__(self, number, wire, wanted=()):
        self.number, self.wire, self.wanted = number, wire, wanted
        self.answers = Answers()
        self.trace = Trace(dict(wire.parameters), [], [], [], [])
        self.todo = collections.deque()
        self.step = -1
        self.leaving = self.gone = False

    @property
    def answered(self):
        if self.gone:
            return True
        return self.step < 0 or not self.leaving and self.answers.done and self.heard_enough()

    def heard_enough(self):
        return self.step >= len(self.wanted) or len(self.trace.notifications) >= self.wanted[self.step]

    @property
    def idle(self):
        return self.gone or self.answered and not self.todo

    @property
    def holds(self):
        return not self.gone and self.answers.holds and self.answers.done

    def go_on(self):
        """Starts the next step if there is one and the last is answered."""
        if not self.answered or not self.todo or self.gone:
            return
        says = self.todo.popleft()
        self.step += 1
        # Terminate inside COPY IN is a protocol violation; what is heard of it before the end is not certain.
        if says[-1].kind == "abort" or says[-1].kind == "X" and self.answers.copying:
            self.gone = True
            self.wire.abort()
            return
        for say in says:
            self.answers.say(say.kind)
            self.leaving |= say.kind == "X"
        try:
            self.wire.send(b"".join(say.data() for say in says))
        except OSError:
            pass  # the server has closed; what it said before is still to be read
        self.note_answered()

    def note_answered(self):
        """What one notifies oneself comes before the end of an answer, and counts. A later one is somebody else's."""
        if self.answers.done and len(self.trace.heard) <= self.step:
            self.trace.heard.append(len(self.trace.notifications))

    def read(self):
        """Takes what has arrived."""
        try:
            data = self.wire.sock.recv(262144)
        except ConnectionResetError:
            data = b""
        buffer, at = self.wire.buffer + data, 0
        while len(buffer) - at >= 5:
            (length,) = struct.unpack_from("!I", buffer, at + 1)
            if len(buffer) - at <= length:
                break
            self.hear(Message(chr(buffer[at]), buffer[at + 5:at + 1 + length]))
            at += length + 1
        self.wire.buffer = buffer[at:]
        if not data:
            self.end()

    def hear(self, message):
        if message.kind == "A":
            self.trace.notifications.append(message)
            return
        self.trace.messages.append(message)
        self.trace.places.append(self.step)
        self.answers.hear(message.kind)
        if message.kind == "Z":
            self.answers.ready(message.body.decode())
        self.note_answered()

    def end(self):
        self.gone = True
        if not self.leaving:
            self.trace.messages.append(EOF)
            self.trace.places.append(self.step)
        self.wire.close()


class Player:
    """`max_size`: how many clients can hold a backend at a time; None without a pool. `heard`: of the direct run."""

    def __init__(self, script, login, max_size=None, heard=None):
        self.script, self.login, self.max_size, self.heard = script, login, max_size, heard or {}
        self.clients = {}
        self.last = {step[0]: number for number, step in enumerate(script.steps)}

    def play(self):
        """{client: Trace}. Silence ends the run; who was owed something says so."""
        try:
            for number, step in enumerate(self.script.steps):
                if step == BARRIER:
                    everyone = [client for client in self.clients.values() if not client.gone]
                    if not self.run(lambda: all(client.idle for client in everyone)):
                        break
                    continue
                client = self.client(step[0])
                client.todo.append(step[1:])
                if number == self.last[step[0]]:
                    self.say_goodbye(client, step)
                self.run(lambda: client.idle, 0 if self.in_vain(client) else PATIENCE)
            self.run(lambda: all(client.gone for client in self.clients.values()))
            return {number: self.close(client) for number, client in self.clients.items()}
        finally:
            for client in self.clients.values():
                client.wire.close()

    def client(self, number):
        if number not in self.clients:
            wire = self.login(self.script.clients.get(number, []))
            self.clients[number] = Client(number, wire, self.heard.get(number, ()))
        return self.clients[number]

    def say_goodbye(self, client, step):
        """Whoever does not leave by a step of the script asks once more, if it may, and terminates."""
        if not step[-1].leaves:
            client.todo.append("goodbye")

    def in_vain(self, client):
        others = sum(other.holds for other in self.clients.values() if other is not client)
        return self.max_size is not None and others >= self.max_size and not client.holds

    def run(self, until, limit=None):
        """Serves all clients until the condition holds, or for `limit`; without one, until nothing comes any more."""
        deadline = time.monotonic() + (SILENCE if limit is None else limit)
        while True:
            for client in self.clients.values():
                self.advance(client)
            if until():
                return True
            left = deadline - time.monotonic()
            if not self.listen(max(left, 0)):
                if left <= 0:
                    return False
            elif limit is None:
                deadline = time.monotonic() + SILENCE

    def advance(self, client):
        before = -2
        while not client.gone and client.step != before:
            before = client.step
            if client.answered and client.todo and client.todo[0] == "goodbye":
                client.todo[0] = (X,)
                if client.answers.settled:
                    client.todo.appendleft((Q("select 'probe'"),))
            client.go_on()

    def listen(self, left):
        """Reads what has arrived; False when nothing came within `left` seconds."""
        open_ones = {client.wire.sock.fileno(): client for client in self.clients.values() if not client.gone}
        poll = select.poll()
        for descriptor in open_ones:
            poll.register(descriptor, select.POLLIN)
        ready = poll.poll(left * 1000)
        for descriptor, _ in ready:
            open_ones[descriptor].read()
        return bool(ready)

    def close(self, client):
        if not client.gone:
            client.trace.end = "silence"
        return client.trace
