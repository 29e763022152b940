"""Writes and reads at the same time, as a pipelining driver must, and finds out when nothing moves any more."""

import select
import time

from harness.waiting import seconds


class Deadlock(AssertionError):
    """Neither direction has moved for too long."""


class Pump:
    """Sends `data` over a logged-in wire while it reads. `bite` bounds one read, `piece()` says how much one write
    may take. A reluctant reader reads only while it cannot write."""

    def __init__(self, wire, data, bite=1 << 18, piece=None, reluctant=False, patience=15.0):
        self.sock, self.data, self.sent, self.received = wire.sock, memoryview(data), 0, bytearray()
        self.bite, self.piece, self.reluctant, self.patience = bite, piece, reluctant, seconds(patience)
        self.eof, self.moved_at = False, time.monotonic()
        self.sock.setblocking(False)

    @property
    def all_sent(self):
        return self.sent == len(self.data)

    def write(self):
        end = min(len(self.data), self.sent + (self.piece() if self.piece else 1 << 18))
        try:
            self.sent += self.sock.send(self.data[self.sent:end])
        except BlockingIOError:
            return
        self.moved_at = time.monotonic()

    def read(self):
        try:
            data = self.sock.recv(self.bite)
        except BlockingIOError:
            return
        self.eof = not data
        self.received += data
        self.moved_at = time.monotonic()

    def step(self, timeout=0.05):
        """Waits until something can move, and moves it."""
        writes = [] if self.all_sent else [self.sock]
        if self.reluctant and writes and select.select([], writes, [], timeout)[1]:
            return self.write()
        readable, writable, _ = select.select([self.sock], writes, [], timeout)
        if writable:
            self.write()
        if readable:
            self.read()
        if time.monotonic() - self.moved_at > self.patience:
            raise Deadlock(f"stuck: {self.sent} of {len(self.data)} bytes sent, {len(self.received)} received")

    def write_until_blocked(self, rest=0.5):
        """Sends without reading until the other side has taken nothing for `rest` seconds, or all is sent."""
        while not self.all_sent and select.select([], [self.sock], [], rest)[1]:
            self.write()

    def until(self, done):
        """Runs until done(received)."""
        while not self.eof and not done(self.received):
            self.step()
        return bytes(self.received)


def ends_with(tail):
    return lambda received: received.endswith(tail)
