"""What the tests of TLS share: the configuration, and what goes over the wire before anything is encrypted."""

import ssl
import struct


def listen(pair, mode="prefer", **more):
    """Configuration of TLS towards clients."""
    tls = {"mode": mode, "cert_file": str(pair.cert), "key_file": str(pair.key)}
    return {"listen": {"tls": {**tls, **{key: str(value) for key, value in more.items()}}}}


def client_hello(context):
    """The first flight of a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def record_sizes(stream, kind=23):
    """Sizes of the whole records of application data in what went one way."""
    sizes, at = [], 0
    while at + 5 <= len(stream):
        found, _, size = struct.unpack_from("!BHH", stream, at)
        at += 5 + size
        if found == kind and at <= len(stream):
            sizes.append(size)
    return sizes
