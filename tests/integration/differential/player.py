"""Plays a script against one server, all clients from one thread, and notes what each hears.

Every step waits for the one before it of its own client. The steps of different clients go out in the order of the
script, each after the answer to the one before it, except where that answer waits for a backend that another client
holds: then the script goes on without it (but an `ordered` one does not, and ends at the first silence). Who holds
one inside a transaction is known, and nobody waits in vain;
other reasons (a temporary table, say) show by an answer that does not come within PATIENCE. A client misjudged as
waiting does no harm: only the order in which pgweir sees the clients changes, and no answer depends on that.
"""

import collections
import select
import socket
import struct
import time

from harness.crowd import in_background
from harness.waiting import seconds
from harness.wire import EOF, LoginFailed, Message

from .answers import Answers
from .compare import Trace
from .script import BARRIER, Q, X

PATIENCE = 0.1
SILENCE = seconds(6)


class Client:
    """One connection. `arriving`: the future of its logged-in Wire; a login, too, may wait for a backend.
    `wanted`: how many notifications it must have heard before it goes on after each step."""

    def __init__(self, number, arriving, wanted=()):
        self.number, self.arriving, self.wanted = number, arriving, wanted
        self.wire = None
        self.answers = Answers()
        self.trace = Trace({}, [], [], [], [])
        self.todo = collections.deque()
        self.step = -1
        self.leaving = self.gone = False

    def arrive(self):
        """Takes what has become of the login, if it has come to an end."""
        if self.wire is not None or self.gone or not self.arriving.done():
            return
        try:
            self.wire = self.arriving.result()
            self.trace.parameters = dict(self.wire.parameters)
        except (AssertionError, OSError) as refusal:  # LoginFailed, Silence
            self.trace.end, self.gone = str(refusal) if isinstance(refusal, LoginFailed) else f"login: {refusal}", True

    @property
    def answered(self):
        if self.gone:
            return True
        if self.wire is None:
            return False
        return self.step < 0 or not self.leaving and self.answers.done and self.heard_enough()

    def heard_enough(self):
        return self.step >= len(self.wanted) or len(self.trace.notifications) >= self.wanted[self.step]

    @property
    def idle(self):
        return self.gone or self.answered and not self.todo

    @property
    def holds(self):
        return self.wire is not None and not self.gone and self.answers.holds and self.answers.done

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
        self.trace.causes.append(self.answers.cause)
        if message.kind == "Z":
            self.answers.ready(message.body.decode())
        self.note_answered()

    def end(self):
        self.gone = True
        if not self.leaving:
            self.trace.messages.append(EOF)
            self.trace.places.append(self.step)
            self.trace.causes.append(None)
        self.wire.close()


class Player:
    """`max_size`: how many clients can hold a backend at a time; None without a pool. `heard`: of the direct run."""

    def __init__(self, script, login, max_size=None, heard=None, silence=SILENCE):
        self.script, self.login, self.max_size, self.heard = script, login, max_size, heard or {}
        self.silence = silence
        self.clients = {}
        # The second end is written to when a login has come to its end. Never closed by hand: that may come late.
        self.wake_up = socket.socketpair()
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
                if not self.run(lambda: client.idle, self.patience(client)) and self.script.ordered:
                    break
            self.run(lambda: all(client.gone for client in self.clients.values()))
            return {number: self.close(client) for number, client in self.clients.items()}
        finally:
            self.clear_up()

    def client(self, number):
        if number not in self.clients:
            arriving = in_background(self.login, self.script.clients.get(number, []))
            self.clients[number] = Client(number, arriving, self.heard.get(number, ()))
            arriving.add_done_callback(lambda _, bell=self.wake_up[1]: bell.send(b"x"))
        return self.clients[number]

    def say_goodbye(self, client, step):
        """Whoever does not leave by a step of the script asks once more, if it may, and terminates."""
        if not step[-1].leaves:
            client.todo.append("goodbye")

    def patience(self, client):
        """How long to wait for this client's answer before the script goes on."""
        if self.max_size is None or self.script.ordered:
            return None  # nobody waits for anybody, so it comes
        others = sum(other.holds for other in self.clients.values() if other is not client)
        return 0 if others >= self.max_size and not client.holds else PATIENCE

    def run(self, until, limit=None):
        """Serves all clients until the condition holds, or for `limit`; without one, until nothing comes any more."""
        deadline = time.monotonic() + (self.silence if limit is None else limit)
        while True:
            for client in self.clients.values():
                client.arrive()
                self.advance(client)
            if until():
                return True
            left = deadline - time.monotonic()
            if not self.listen(max(left, 0)):
                if left <= 0:
                    return False
            elif limit is None:
                deadline = time.monotonic() + self.silence

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
        open_ones = {client.wire.sock.fileno(): client for client in self.clients.values()
                     if client.wire is not None and not client.gone}
        poll = select.poll()
        for descriptor in (*open_ones, self.wake_up[0].fileno()):
            poll.register(descriptor, select.POLLIN)
        ready = poll.poll(left * 1000)
        for descriptor, _ in ready:
            if descriptor in open_ones:
                open_ones[descriptor].read()
            else:
                self.wake_up[0].recv(100)
        return bool(ready)

    def close(self, client):
        if not client.gone:
            client.trace.end = "silence"
        return client.trace.leave_out_unfinished_descriptions()

    def clear_up(self):
        """Nobody stays, not even who is still logging in (Wire bounds that)."""
        for client in self.clients.values():
            if client.arriving.exception() is None:
                client.arriving.result().close()
