"""Builders of frontend messages, well-formed and malformed (PostgreSQL documentation, 55.7)."""

import struct

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
GSSENC_REQUEST = struct.pack("!ii", 8, 80877104)


def message(kind, body=b"", length=None):
    """One message; `length` overrides the length field to make it lie."""
    return kind + struct.pack("!I", (len(body) + 4 if length is None else length) & 0xFFFFFFFF) + body


def cstr(text):
    return (text if isinstance(text, bytes) else text.encode()) + b"\0"


def startup(params, major=3, minor=0, length=None, terminator=b"\0"):
    """`params` is a list of pairs, so that a name may come twice."""
    body = struct.pack("!HH", major, minor) + b"".join(cstr(k) + cstr(v) for k, v in params) + terminator
    return struct.pack("!I", len(body) + 4 if length is None else length) + body


def cancel_request(pid, secret, length=None):
    body = struct.pack("!iI", 80877102, pid) + secret
    return struct.pack("!I", len(body) + 4 if length is None else length) + body


def Q(sql):
    return message(b"Q", cstr(sql))


def P(name="", sql="select 1", oids=()):
    return message(b"P", cstr(name) + cstr(sql) + struct.pack(f"!H{len(oids)}I", len(oids), *oids))


def B(portal="", statement="", values=(), result_formats=()):
    body = cstr(portal) + cstr(statement) + struct.pack("!HH", 0, len(values))
    for value in values:
        if value is None:
            body += struct.pack("!i", -1)
        else:
            data = value if isinstance(value, bytes) else str(value).encode()
            body += struct.pack("!i", len(data)) + data
    body += struct.pack(f"!H{len(result_formats)}H", len(result_formats), *result_formats)
    return message(b"B", body)


def DS(name=""):
    return message(b"D", b"S" + cstr(name))


def DP(name=""):
    return message(b"D", b"P" + cstr(name))


def E(portal="", rows=0):
    return message(b"E", cstr(portal) + struct.pack("!i", rows))


def CS(name=""):
    return message(b"C", b"S" + cstr(name))


def CP(name=""):
    return message(b"C", b"P" + cstr(name))


def F(oid, args=(), result_format=0):
    body = struct.pack("!IHH", oid, 0, len(args))
    for arg in args:
        data = str(arg).encode()
        body += struct.pack("!i", len(data)) + data
    return message(b"F", body + struct.pack("!H", result_format))


def d(data):
    return message(b"d", data if isinstance(data, bytes) else data.encode())


def f(reason="no more"):
    return message(b"f", cstr(reason))


def p(body=b""):
    return message(b"p", body)


S = message(b"S")
H = message(b"H")
X = message(b"X")
c = message(b"c")
