"""What stands in for RDS' check of a token: PostgreSQL asks for the password in clear text, as RDS does for users of IAM,
and passes it on to this server by LDAP's simple bind, which judges the token as RDS would."""

import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from . import processes
from .cluster import BIN
from .fake_aws import REGION, presigned

SUCCESS, INVALID_CREDENTIALS = 0, 49


def tlv(data, at):
    """One value of BER: (tag, content, where the next begins)."""
    tag, size, at = data[at], data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        size, at = int.from_bytes(data[at:at + count], "big"), at + count
    return tag, data[at:at + size], at + size


class FakeRds:
    """`tokens`: those that it was shown, at `times`. `refuse_next`: how many it refuses whatever they are."""

    def __init__(self, fake_aws):
        if "libldap" not in subprocess.run(["ldd", BIN / "postgres"], capture_output=True, text=True, check=True).stdout:
            pytest.skip(f"{BIN}/postgres is built without LDAP, by which it would ask about a token")
        self.aws, self.tokens, self.times, self.refuse_next, self.problems = fake_aws, [], [], 0, []
        self.listener = socket.create_server((processes.LOOPBACK, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def hba(self, user):
        """A line of pg_hba.conf."""
        return (f'hostssl all {user} 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport={self.port} '
                'ldapprefix="cn=" ldapsuffix=""\n')

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            data = b""
            while chunk := connection.recv(65536):
                data += chunk
                try:
                    _, message, _ = tlv(data, 0)
                    _, number, at = tlv(message, 0)
                    tag, bind, _ = tlv(message, at)
                except IndexError:
                    continue
                if tag != 0x60:  # anything but a BindRequest ends it
                    return
                _, _, at = tlv(bind, 0)
                _, name, at = tlv(bind, at)
                _, token, _ = tlv(bind, at)
                result = SUCCESS if self.judge(name.decode(), token.decode()) else INVALID_CREDENTIALS
                answer = bytes([0x02, len(number)]) + number + bytes([0x61, 7, 0x0A, 1, result, 4, 0, 4, 0])
                connection.sendall(bytes([0x30, len(answer)]) + answer)
                data = b""

    def judge(self, name, token):
        self.times.append(time.monotonic())
        self.tokens.append(token)
        if self.refuse_next > 0:
            self.refuse_next -= 1
            return False
        try:
            self.check(name, token)
        except (AssertionError, KeyError, ValueError) as problem:
            self.problems.append(repr(problem))
            return False
        return True

    def check(self, name, token):
        host, _, query = token.partition("/?")
        given = {key: values[0] for key, values in urllib.parse.parse_qs(query).items()}
        access, day, region, service, end = given["X-Amz-Credential"].split("/")
        assert (region, service, end) == (REGION, "rds-db", "aws4_request")
        assert given["Action"] == "connect" and name == "cn=" + given["DBUser"] and given["X-Amz-Expires"] == "900"
        made = time.mktime(time.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ")) - time.timezone
        assert abs(time.time() - made) < 900 and given["X-Amz-Date"].startswith(day)
        key = self.aws.keys[access]
        assert given["X-Amz-Security-Token"] == key.token
        expected = presigned(key, f"https://{host}/?{query}", region, service, given["X-Amz-Date"], {"host": host})
        assert given["X-Amz-Signature"] == expected, "the signature is wrong"
