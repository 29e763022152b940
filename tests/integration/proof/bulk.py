"""A client that keeps its connection as busy as it can, in the background, and counts what it gets done."""

import threading


class Bulk:
    """Sends `first` once and `again` for ever, while it reads whatever comes. `received` and `sent` count bytes."""

    def __init__(self, wire, first=b"", again=b""):
        self.wire, self.first, self.again = wire, first, again
        self.received, self.sent, self.ended = 0, 0, None
        wire.sock.settimeout(None)
        self.threads = [threading.Thread(target=self.run, args=(work,), daemon=True) for work in (self.write, self.read)]
        for thread in self.threads:
            thread.start()

    def done(self):
        return self.received + self.sent

    def run(self, work):
        try:
            work()
        except OSError as error:
            self.ended = error

    def write(self):
        data = self.first
        while data or self.again:
            self.wire.sock.sendall(data)
            self.sent += len(data)
            data = self.again

    def read(self):
        buffer = bytearray(1 << 20)
        while size := self.wire.sock.recv_into(buffer):
            self.received += size
        self.ended = self.ended or EOFError()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.wire.sock.shutdown(2)
        for thread in self.threads:
            thread.join()
        self.wire.close()
