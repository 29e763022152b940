"""A small blocking client: connects, logs in with SCRAM-SHA-256, asks, leaves.

The load of the connection cases, because libpq derives the SCRAM keys anew for every login (several milliseconds of
the machine's CPU, which poolers and server then lack); here they are derived once for each salt.
"""

import base64
import functools
import hashlib
import hmac
import os
import socket
import ssl
import struct

from .processes import Trouble

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
TERMINATE = b"X\0\0\0\4"
# From linux/in.h: the port is chosen at connect(), where it only has to be unique for its target.
IP_BIND_ADDRESS_NO_PORT = 24


class Refused(Trouble):
    """The server or pooler said no; str() is what it said."""


def message(kind, body=b""):
    return kind + struct.pack("!I", len(body) + 4) + body


def query_message(sql):
    return message(b"Q", sql.encode() + b"\0")


SYNC = message(b"S")


def parse_message(name, sql):
    return message(b"P", name.encode() + b"\0" + sql.encode() + b"\0\0\0")


def run_message(name, value):
    """Bind, Describe and Execute of a statement with one parameter in text, as libpq sends them."""
    text = value.encode()
    bind = b"\0" + name.encode() + b"\0" + struct.pack("!HHi", 0, 1, len(text)) + text + b"\0\0"
    return message(b"B", bind) + message(b"D", b"P\0") + message(b"E", b"\0\0\0\0\0")


def error_text(body):
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    return f"{fields.get(b'C', '?')} {fields.get(b'M', '')}"


def row_values(body):
    at, out = 2, []
    for _ in range(struct.unpack_from("!H", body)[0]):
        (size,) = struct.unpack_from("!i", body, at)
        at += 4
        out.append(None if size < 0 else body[at:at + size].decode())
        at += max(0, size)
    return out


@functools.lru_cache(maxsize=64)
def scram_keys(password, salt, iterations):
    """(client key, stored key, server key), RFC 5802."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    return client, hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")


@functools.lru_cache(maxsize=1)
def tls_context():
    """Encrypted, not verified: the certificate is one of this run's own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client:
    """`cluster` gives user, database and password; `source` a loopback address to come from."""

    def __init__(self, address, cluster, tls=False, source=None, timeout=30):
        self.cluster, self.buffer = cluster, b""
        self.socket = socket.socket()
        try:
            self.socket.settimeout(timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if source:
                self.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                self.socket.bind((source, 0))
            self.socket.connect(address)
            if tls:
                self.start_tls()
            self.log_in()
        except BaseException:
            self.socket.close()
            raise

    def start_tls(self):
        self.socket.sendall(SSL_REQUEST)
        if self.socket.recv(1) != b"S":
            raise Refused("no TLS")
        self.socket = tls_context().wrap_socket(self.socket)

    def receive(self):
        """The next message: (kind, body)."""
        while True:
            if len(self.buffer) >= 5:
                end = 1 + struct.unpack_from("!I", self.buffer, 1)[0]
                if len(self.buffer) >= end:
                    found = self.buffer[:1], self.buffer[5:end]
                    self.buffer = self.buffer[end:]
                    return found
            piece = self.socket.recv(65536)
            if not piece:
                raise Refused("the connection was closed")
            self.buffer += piece

    def expect(self, kind):
        """The body of the next message, which must be of this kind."""
        got, body = self.receive()
        if got == b"E":
            raise Refused(error_text(body))
        if got != kind:
            raise Refused(f"message {got!r} where {kind!r} belongs")
        return body

    def log_in(self):
        parameters = f"user\0{self.cluster.user}\0database\0{self.cluster.database}\0\0".encode()
        self.socket.sendall(struct.pack("!II", len(parameters) + 8, 196608) + parameters)
        body = self.expect(b"R")
        method = struct.unpack_from("!I", body)[0]
        if method == 10:
            self.scram()
        elif method == 5:  # md5, of those who have no SCRAM
            inner = hashlib.md5((self.cluster.password + self.cluster.user).encode()).hexdigest()
            outer = hashlib.md5(inner.encode() + body[4:8]).hexdigest()
            self.socket.sendall(message(b"p", b"md5" + outer.encode() + b"\0"))
        elif method != 0:
            raise Refused(f"authentication method {method}")
        if method != 0:
            self.expect(b"R")
        self.until_ready()

    def scram(self):
        nonce = base64.b64encode(os.urandom(18)).decode()
        bare = f"n=,r={nonce}"
        first = b"n,," + bare.encode()
        self.socket.sendall(message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first))
        server_first = self.expect(b"R")[4:].decode()
        fields = dict(part.split("=", 1) for part in server_first.split(","))
        client, stored, server = scram_keys(self.cluster.password, base64.b64decode(fields["s"]), int(fields["i"]))
        final = f"c=biws,r={fields['r']}"
        signed = f"{bare},{server_first},{final}".encode()
        proof = bytes(a ^ b for a, b in zip(client, hmac.digest(stored, signed, "sha256")))
        self.socket.sendall(message(b"p", f"{final},p={base64.b64encode(proof).decode()}".encode()))
        if self.expect(b"R")[4:] != b"v=" + base64.b64encode(hmac.digest(server, signed, "sha256")):
            raise Refused("the server does not know the password")

    def until_ready(self):
        """The rows up to ReadyForQuery; an error among them is raised once all is read."""
        rows, refused = [], None
        while True:
            try:
                kind, body = self.receive()
            except Refused as closed:
                raise refused or closed from None  # a FATAL error says more than the end that follows it
            if kind == b"D":
                rows.append(row_values(body))
            elif kind == b"E":
                refused = Refused(error_text(body))
            elif kind == b"Z":
                if refused:
                    raise refused
                return rows

    def ask(self, *messages):
        """In one write; the rows of the answer."""
        self.socket.sendall(b"".join(messages))
        return self.until_ready()

    def query(self, sql):
        return self.ask(query_message(sql))

    def close(self):
        try:
            self.socket.sendall(TERMINATE)
        except OSError:
            pass
        self.socket.close()
