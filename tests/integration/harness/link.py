"""A TCP link to a server that a test can look into, narrow, hold back, feed and break."""

import socket
import struct
import threading

from . import frozen, processes
from .wire import make_narrow


class Connection:
    def __init__(self, link, near, far):
        self.link, self.near, self.far = link, near, far
        for sock in (near, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.threads = [threading.Thread(target=self.pump, args=(near, far, "to_server"), daemon=True),
                        threading.Thread(target=self.pump, args=(far, near, "to_client"), daemon=True)]

    def pump(self, source, sink, direction):
        try:
            while data := source.recv(self.link.bite):
                data = getattr(self.link, direction)(self, data)
                if data:
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.cut()

    def cut(self):
        """Ends both sides, whatever is under way."""
        for sock in (self.near, self.far):
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.shutdown(socket.SHUT_RDWR)  # wakes the threads that use it
            except OSError:
                pass
            sock.close()

    def inject(self, data):
        """As if the server had said it."""
        self.near.sendall(data)

    def freeze(self):
        """Neither side gets an acknowledgement any more."""
        frozen.freeze(self.near)
        frozen.freeze(self.far)


class Link:
    """`bite` bounds what is passed on at once. `to_server` and `to_client` are asked for what to pass on instead of what
    has arrived; they are called by the threads of the connections."""

    def __init__(self, host, port, bite=65536, narrow=None):
        self.server, self.bite, self.narrow = (host, port), bite, narrow
        self.to_server = self.to_client = lambda connection, data: data
        self.connections = []
        self.listener = self.make_socket()
        self.listener.bind((processes.LOOPBACK, 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def make_socket(self):
        sock = socket.socket()
        if self.narrow:
            make_narrow(sock, self.narrow)
        return sock

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = self.make_socket()
            try:
                far.connect(self.server)
            except OSError:
                near.close()
                continue
            connection = Connection(self, near, far)
            self.connections.append(connection)
            for thread in connection.threads:
                thread.start()

    def alive(self):
        return [connection for connection in self.connections if connection.near.fileno() >= 0]

    def cut(self):
        for connection in list(self.connections):
            connection.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        self.cut()
        for connection in self.connections:
            for thread in connection.threads:
                thread.join()
