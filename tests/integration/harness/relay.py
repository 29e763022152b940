"""A TCP relay in front of a server that tells which bytes went there together: what a client of the server sends
between two answers is one flight, however many segments the kernel makes of it."""

import select
import socket
import threading

from . import processes


class Relay:
    def __init__(self, host, port):
        self.server = (host, port)
        self.listener = socket.create_server((processes.LOOPBACK, 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs = {}  # socket -> its peer
        self.to_server = set()  # sockets whose bytes go to the server
        self.last = {}  # a connection's client side -> did it speak last?
        self.flights = []
        self.wake, self.bell = socket.socketpair()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bell.close()
        self.thread.join()

    def take_flights(self):
        with self.lock:
            flights, self.flights = self.flights, []
            self.last.clear()
            return flights

    def connections(self):
        """Open ones. What a closed one has brought is in the flights."""
        with self.lock:
            return len(self.to_server)

    def run(self):
        try:
            while self.round():
                pass
        finally:
            for sock in [self.listener, self.wake, *self.pairs]:
                sock.close()

    def round(self):
        ready, _, _ = select.select([self.listener, self.wake, *self.pairs], [], [])
        if self.wake in ready:
            return False
        for sock in ready:
            if sock is self.listener:
                self.accept()
            elif sock in self.pairs:
                self.pass_on(sock)
        return True

    def accept(self):
        near = self.listener.accept()[0]
        far = socket.create_connection(self.server)
        for sock in (near, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pairs.update({near: far, far: near})
        with self.lock:
            self.to_server.add(near)

    def pass_on(self, sock):
        peer = self.pairs[sock]
        try:
            data = sock.recv(65536)
            peer.sendall(data)
        except OSError:
            data = b""
        if not data:
            for end in (sock, peer):
                del self.pairs[end]
                end.close()
            with self.lock:
                self.to_server -= {sock, peer}
            return
        with self.lock:
            near = sock if sock in self.to_server else peer
            forth = sock is near
            if forth and self.last.get(near):
                self.flights[-1] += data
            elif forth:
                self.flights.append(data)
            self.last[near] = forth


class HeldCancels(Relay):
    """Keeps cancel requests from the server until they are let go."""
    BEGINNING = b"\0\0\0\x10\x04\xd2\x16\x2e"

    def __init__(self, host, port):
        self.held = []  # (the connection to the server, what it is to bring)
        super().__init__(host, port)

    def pass_on(self, sock):
        if sock in self.to_server and sock.recv(len(self.BEGINNING), socket.MSG_PEEK) == self.BEGINNING:
            self.held.append((self.pairs[sock], sock.recv(65536)))
        else:
            super().pass_on(sock)

    def let_go(self):
        held, self.held = self.held, []
        for server, request in held:
            server.sendall(request)
