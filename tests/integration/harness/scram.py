"""The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), with every message open to manipulation."""

import base64
import functools
import hashlib
import hmac
import os


@functools.lru_cache(maxsize=256)
def salted_password(password, salt, iterations):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def _hmac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def verifier(password, salt, iterations=4096):
    """As pg_authid.rolpassword holds it."""
    salted = salted_password(password, salt, iterations)
    stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    salt, stored, server = (base64.b64encode(x).decode() for x in (salt, stored, _hmac(salted, b"Server Key")))
    return f"SCRAM-SHA-256${iterations}:{salt}${stored}:{server}"


class ScramClient:
    def __init__(self, password, nonce=None, gs2="n,,", user="", binding=b"", mechanism=None):
        """`binding`: the data of channel binding, with a gs2 of `p=tls-server-end-point,,`."""
        self.password = password
        self.gs2, self.binding = gs2, binding
        self.mechanism = mechanism or "SCRAM-SHA-256" + ("-PLUS" if gs2.startswith("p=") else "")
        self.nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        self.bare = f"n={user},r={self.nonce}"
        self.server_signature = None

    def first(self):
        return (self.gs2 + self.bare).encode()

    def final(self, server_first, nonce=None, channel=None, proof=True):
        text = server_first.decode()
        fields = dict(part.split("=", 1) for part in text.split(","))
        channel = channel if channel is not None else base64.b64encode(self.gs2.encode() + self.binding).decode()
        without_proof = f"c={channel},r={nonce or fields['r']}"
        salted = salted_password(self.password, base64.b64decode(fields["s"]), int(fields["i"]))
        auth_message = f"{self.bare},{text},{without_proof}".encode()
        client_key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha256(client_key).digest(), auth_message)
        self.server_signature = _hmac(_hmac(salted, b"Server Key"), auth_message)
        if not proof:
            return without_proof.encode()
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final):
        expected = b"v=" + base64.b64encode(self.server_signature)
        assert server_final == expected, f"server signature {server_final!r}, expected {expected!r}"
