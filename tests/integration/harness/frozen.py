"""A peer that is gone without a word, and may come back: its kernel drops whatever arrives and acknowledges nothing, as
that of a frozen function environment or behind a broken network. (The kernel of a process that is merely stopped goes
on acknowledging until its receive buffer is full.)"""

import contextlib
import ctypes
import socket
import struct

from . import processes

# <asm-generic/socket.h>, which Python does not name.
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF_RET | BPF_K: accept 0 bytes of every packet


def freeze(sock):
    program = ctypes.create_string_buffer(DROP_ALL, len(DROP_ALL))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


def thaw(sock):
    sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, struct.pack("i", 0))


@contextlib.contextmanager
def listener():
    """A port of loopback whose packets are dropped, as a security group does it."""
    with socket.socket() as sock:
        sock.bind((processes.LOOPBACK, 0))
        sock.listen()
        freeze(sock)
        yield sock.getsockname()[1]
