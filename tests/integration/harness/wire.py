"""A raw protocol client: says exactly what it is told, byte by byte if wanted, and names what it hears.

Server messages are written as in the protocol's own letters: `1 2 T D(1) C(SELECT 1) Z(I)`, `E(42P01)`,
`E(FATAL 57P01)`, `S(TimeZone=UTC)`, `EOF`. Every read has a deadline.
"""

import hashlib
import socket
import ssl
import struct
import time
from dataclasses import dataclass

from . import messages as m
from .scram import ScramClient
from .waiting import seconds


class Silence(AssertionError):
    """The peer sent nothing within the deadline."""


@dataclass
class Message:
    kind: str
    body: bytes = b""

    def fields(self):
        """The fields of ErrorResponse and NoticeResponse, by their letters."""
        parts = self.body.split(b"\0")
        return {chr(part[0]): part[1:].decode(errors="replace") for part in parts if part}

    @property
    def sqlstate(self):
        return self.fields().get("C")

    @property
    def text(self):
        return self.fields().get("M")

    def values(self):
        """The columns of a DataRow, None for NULL."""
        count, at, out = struct.unpack_from("!H", self.body)[0], 2, []
        for _ in range(count):
            (size,) = struct.unpack_from("!i", self.body, at)
            at += 4
            out.append(None if size < 0 else self.body[at:at + size].decode(errors="replace"))
            at += max(size, 0)
        return out

    def column_names(self):
        count, at, out = struct.unpack_from("!H", self.body)[0], 2, []
        for _ in range(count):
            end = self.body.index(b"\0", at)
            out.append(self.body[at:end].decode())
            at = end + 19
        return out

    def __str__(self):
        detail = _DETAIL.get(self.kind)
        return self.kind + (f"({detail(self)})" if detail else "")


def _cstrings(body):
    return [part.decode(errors="replace") for part in body.split(b"\0")[:-1]]


def _error(msg):
    fields = msg.fields()
    severity = fields.get("V", fields.get("S", ""))
    return fields.get("C", "?") if severity == "ERROR" else f"{severity} {fields.get('C', '?')}"


def _function_result(msg):
    (size,) = struct.unpack_from("!i", msg.body)
    return "null" if size < 0 else msg.body[4:].decode(errors="replace")


def _negotiation(msg):
    version, count = struct.unpack_from("!II", msg.body)
    return ",".join([f"{version >> 16}.{version & 0xFFFF}"] + _cstrings(msg.body[8:])[:count])


_DETAIL = {
    "D": lambda x: ",".join("null" if v is None else v for v in x.values()),
    "C": lambda x: _cstrings(x.body)[0],
    "Z": lambda x: x.body.decode(),
    "E": _error,
    "N": lambda x: x.sqlstate,
    "S": lambda x: "=".join(_cstrings(x.body)),
    "A": lambda x: ",".join(_cstrings(x.body[4:])),
    "R": lambda x: str(struct.unpack_from("!I", x.body)[0]),
    "t": lambda x: ",".join(str(o) for o in struct.unpack_from(f"!{(len(x.body) - 2) // 4}I", x.body, 2)),
    "V": _function_result,
    "v": _negotiation,
    "d": lambda x: x.body.decode(errors="replace").rstrip("\n"),
}

EOF = Message("EOF")


def make_narrow(sock, buffer):
    """Before it connects or listens: what its peer writes to it then is hardly ever taken whole."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)


def tls_context(ca=None, alpn=("postgresql",), version=None, client=None):
    """`ca`: who must have signed the server's certificate. `version`: the only one spoken. `client`: our own pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(ca)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if version:
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else this side would not even try TLS 1.1
    if client:
        context.load_cert_chain(client.cert, client.key)
    return context


class LoginFailed(AssertionError):
    def __init__(self, answer):
        super().__init__(f"login refused: {answer} {answer.text!r}" if answer is not EOF else "login: EOF")
        self.answer = answer


class Wire:
    def __init__(self, host, port, timeout=12.0, narrow=None):
        """`narrow`: so many bytes of buffers in the kernel, and small packets."""
        self.timeout = seconds(timeout)
        self.sock = socket.socket()
        if narrow:
            make_narrow(self.sock, narrow)
        self.sock.settimeout(self.timeout)
        self.sock.connect((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.raw = b""  # everything ever received, in order
        self.parameters, self.pid, self.secret = {}, None, b""
        self.notices, self.heard = [], []

    # --- TLS -----------------------------------------------------------------------------------------------

    def start_tls(self, context=None, direct=False):
        """Goes on through TLS, by a SSLRequest or directly."""
        if not direct:
            self.send(m.SSL_REQUEST)
            answer = self.read_exactly(1)
            assert answer == b"S" and not self.buffer, f"the answer to SSLRequest: {answer + self.buffer!r}"
        self.sock = (context or tls_context()).wrap_socket(self.sock, server_hostname="localhost")
        return self

    def end_point(self):
        """The data of tls-server-end-point for a certificate that is signed with SHA-256."""
        return hashlib.sha256(self.sock.getpeercert(binary_form=True)).digest()

    # --- sending -------------------------------------------------------------------------------------------

    def send(self, data, how="whole"):
        """`how`: whole (one write), halves (two writes), bytes (one write per byte)."""
        if how == "whole":
            self.sock.sendall(data)
        elif how == "halves":
            self.sock.sendall(data[:len(data) // 2])
            self.sock.sendall(data[len(data) // 2:])
        else:
            for i in range(len(data)):
                self.sock.sendall(data[i:i + 1])

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def abort(self):
        """Leaves with a TCP reset, as a killed process behind a NAT or a crashed sandbox looks."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        """Leaves without a word."""
        self.sock.close()

    def terminate(self):
        try:
            self.sock.sendall(m.X)
        except OSError:
            pass
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminate()

    # --- receiving -----------------------------------------------------------------------------------------

    def _fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Silence("nothing within the deadline")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            raise Silence("nothing within the deadline") from None
        except (ConnectionResetError, ssl.SSLEOFError):
            data = b""
        finally:
            if self.sock.fileno() >= 0:
                self.sock.settimeout(self.timeout)
        self.buffer += data
        self.raw += data
        return bool(data)

    def read_exactly(self, count, timeout=None):
        deadline = time.monotonic() + (timeout or self.timeout)
        while len(self.buffer) < count:
            if not self._fill(deadline):
                raise EOFError(f"EOF after {len(self.buffer)} of {count} bytes")
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def receive(self, timeout=None):
        """The next message, or EOF (also after a reset)."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            if len(self.buffer) >= 5:
                (length,) = struct.unpack_from("!I", self.buffer, 1)
                if len(self.buffer) > length:
                    kind = chr(self.buffer[0])
                    body, self.buffer = self.buffer[5:length + 1], self.buffer[length + 1:]
                    found = Message(kind, body)
                    if kind == "S":
                        name, value = _cstrings(body)
                        self.parameters[name] = value
                    return found
            if not self._fill(deadline):
                assert not self.buffer, f"EOF inside a message: {self.buffer[:64]!r}"
                return EOF

    def until_ready(self, timeout=None):
        """All messages up to ReadyForQuery or EOF, that one included."""
        out = []
        while not out or out[-1].kind not in ("Z", "EOF"):
            out.append(self.receive(timeout))
        return out

    def until_eof(self, timeout=None):
        out = []
        while not out or out[-1] is not EOF:
            out.append(self.receive(timeout))
        return out

    # --- conversations -------------------------------------------------------------------------------------

    def query(self, sql, timeout=None):
        """Simple query; rows of text. Fails on an error of the server."""
        self.send(m.Q(sql))
        answer = self.until_ready(timeout)
        for msg in answer:
            assert msg.kind not in ("E", "EOF"), f"{sql!r}: {msg} {msg.text if msg.kind == 'E' else ''}"
        return [msg.values() for msg in answer if msg.kind == "D"]

    def value(self, sql, timeout=None):
        return self.query(sql, timeout)[0][0]

    def ask(self, data, timeout=None):
        """Sends and returns the answer up to ReadyForQuery, in notation."""
        self.send(data)
        return " ".join(str(x) for x in self.until_ready(timeout))

    def login(self, user, database=None, password=None, params=(), minor=0, how="whole", scram=None):
        pairs = [("user", user)] + ([("database", database)] if database else []) + list(params)
        self.send(m.startup(pairs, minor=minor), how)
        self.authenticate(user, password, how, scram)
        return self

    def authenticate(self, user, password, how="whole", scram=None):
        """From the startup packet to the first ReadyForQuery; self.heard keeps what came."""
        while True:
            msg = self.receive()
            self.heard.append(msg)
            if msg.kind in ("E", "EOF"):
                raise LoginFailed(msg)
            if msg.kind == "Z":
                return
            if msg.kind == "K":
                self.pid, self.secret = struct.unpack_from("!I", msg.body)[0], msg.body[4:]
            if msg.kind == "N":
                self.notices.append(msg)
            if msg.kind != "R":
                continue
            (code,) = struct.unpack_from("!I", msg.body)
            if code == 3:
                self.send(m.p(m.cstr(password)), how)
            elif code == 5:
                inner = hashlib.md5((password + user).encode()).hexdigest()
                outer = hashlib.md5(inner.encode() + msg.body[4:8]).hexdigest()
                self.send(m.p(m.cstr("md5" + outer)), how)
            elif code == 10:
                scram = scram or ScramClient(password)
                first = scram.first()
                self.send(m.p(m.cstr(scram.mechanism) + struct.pack("!i", len(first)) + first), how)
            elif code == 11:
                self.send(m.p(scram.final(msg.body[4:])), how)
            elif code == 12:
                scram.verify(msg.body[4:])


def cancel(host, port, pid, secret, timeout=12.0):
    """Sends a CancelRequest and waits until the server has closed the connection, as libpq does."""
    wire = Wire(host, port, timeout)
    try:
        wire.send(m.cancel_request(pid, secret))
        assert wire.receive() is EOF, "a cancel request is answered by closing, with nothing else"
    finally:
        wire.close()
