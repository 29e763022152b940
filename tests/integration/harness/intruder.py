"""Whoever is in between: takes TLS from a client with a certificate of its own, speaks TLS to the server, and may change
what the server says. And servers that are none."""

import socket
import ssl
import struct
import threading

from . import messages as m
from . import processes
from .waiting import seconds
from .wire import Wire


class Listener:
    """Serves each connection by `serve(sock)` on a thread of its own, until it is closed."""

    def __init__(self):
        self.socket = socket.create_server((processes.LOOPBACK, 0))
        self.port = self.socket.getsockname()[1]
        self.open, self.threads = [], [threading.Thread(target=self.run, daemon=True)]
        self.threads[0].start()

    def run(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            self.open.append(sock)
            self.threads.append(threading.Thread(target=self.guarded, args=(sock,), daemon=True))
            self.threads[-1].start()

    def guarded(self, sock):
        try:
            self.serve(sock)
        except OSError:
            pass
        finally:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for sock in self.open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(seconds(10))


class Pretender(Listener):
    """Answers a SSLRequest by `answer`, and keeps all that it is told."""

    def __init__(self, answer):
        self.answer, self.heard = answer, []
        super().__init__()

    def serve(self, sock):
        at = len(self.heard)
        self.heard.append(sock.recv(8))
        sock.sendall(self.answer)
        while data := sock.recv(65536):
            self.heard[at] += data


class TlsPretender(Listener):
    """Speaks TLS, but not PostgreSQL's protocol behind it."""

    def __init__(self, pair, direct=False):
        self.context, self.direct = server_context(pair), direct
        self.heard, self.resumed = [], []  # of each connection: what it said; did it resume a session?
        super().__init__()

    def serve(self, sock):
        if not self.direct:
            sock.recv(8)
            sock.sendall(b"S")
        with self.context.wrap_socket(sock, server_side=True) as near:
            self.resumed.append(near.session_reused)
            self.heard.append(near.recv(65536))


def server_context(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    return context


class Intruder(Listener):
    """`change` is asked for what to pass on instead of what the server said."""

    def __init__(self, server, pair, change=lambda data: data):
        self.server, self.change = server, change
        self.context = server_context(pair)
        super().__init__()

    def serve(self, sock):
        assert sock.recv(8) == m.SSL_REQUEST
        sock.sendall(b"S")
        near = self.context.wrap_socket(sock, server_side=True)
        far = Wire(*self.server).start_tls()
        try:
            self.log_in(near, far)
        finally:
            near.close()
            far.close()

    def log_in(self, near, far):
        """Message by message in turns, which a login is: threads may not share a TLS connection."""
        far.send(near.recv(65536))
        while True:
            answer = far.receive()
            if answer.kind == "EOF":
                return
            near.sendall(self.change(answer.kind.encode() + struct.pack("!I", len(answer.body) + 4) + answer.body))
            (code,) = struct.unpack_from("!I", answer.body) if answer.kind == "R" else (0,)
            if code in (10, 11):
                far.send(near.recv(65536))
            if answer.kind == "Z":
                return
