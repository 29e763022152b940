"""Certificates for TLS tests, made with the `openssl` command, in a directory of their own."""

import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
from dataclasses import dataclass

from . import processes
from .waiting import seconds

P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("-newkey", "rsa:2048")
SUBJECT_NAMES = "DNS:localhost,IP:127.0.0.1"
WRONG_NAMES = "DNS:elsewhere.example,IP:192.0.2.1"


def openssl(*arguments):
    done = subprocess.run(["openssl", *[str(a) for a in arguments]], capture_output=True, text=True, timeout=seconds(60))
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"
    return done.stdout


@dataclass
class Pair:
    """A certificate and its key, both in PEM. The key's mode is 0600."""

    cert: pathlib.Path
    key: pathlib.Path

    def for_postgres(self, directory):
        """A copy that the user may read who runs PostgreSQL."""
        copies = [directory / path.name for path in (self.cert, self.key)]
        for source, target in zip((self.cert, self.key), copies):
            shutil.copy(source, target)
            target.chmod(0o600)
            processes.give_to_unprivileged(target)
        return Pair(*copies)

    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.cert.read_text())

    def serial(self):
        return openssl("x509", "-in", self.cert, "-noout", "-serial").strip().split("=")[1]

    def put_at(self, place):
        """Takes the place of another pair: each file at once, but not both at a time, as a renewal does it."""
        for source, target in ((self.cert, place.cert), (self.key, place.key)):
            fresh = target.with_suffix(".new")
            shutil.copy(source, fresh)
            os.replace(fresh, target)


class Authority:
    """A CA, and what it signs."""

    def __init__(self, directory, name="ca"):
        self.directory, self.name = directory, name
        self.cert, self.key = directory / f"{name}.crt", directory / f"{name}.key"
        openssl("req", "-x509", *P256, "-nodes", "-subj", f"/CN={name}", "-days", 30, "-keyout", self.key,
                "-out", self.cert, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def sign(self, name, subject="/CN=pgweir", names=SUBJECT_NAMES, kind=P256, expired=False, usage="serverAuth",
             digest="-sha256", days=30):
        pair = Pair(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        request, extensions = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
        openssl("req", *kind, "-nodes", "-subj", subject, "-keyout", pair.key, "-out", request)
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
        if expired:
            self.sign_in_the_past(request, extensions, pair)
        else:
            openssl("x509", "-req", digest, "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
                    "-extfile", extensions, "-days", days, "-out", pair.cert)
        pair.key.chmod(0o600)
        return pair

    def sign_in_the_past(self, request, extensions, pair):
        """`openssl x509 -req` knows of no beginning before now."""
        database = self.directory / "index.txt"
        database.write_text("")
        config = self.directory / "ca.cnf"
        config.write_text(f"[ca]\ndefault_ca=own\n[own]\ndatabase={database}\nnew_certs_dir={self.directory}\n"
                          "default_md=sha256\npolicy=any\nrand_serial=yes\n[any]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-notext", "-config", config, "-cert", self.cert, "-keyfile", self.key, "-in", request,
                "-extfile", extensions, "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-out", pair.cert)

    def client(self, name, user="app"):
        return self.sign(name, subject=f"/CN={user}", names="DNS:client", usage="clientAuth")


class Certificates:
    """A CA with one certificate of each kind, and a CA that nobody should trust."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-certificates-"))
        self.directory.chmod(0o755)
        self.ca = Authority(self.directory)
        self.other_ca = Authority(self.directory, "other-ca")
        self.server = self.ca.sign("server")
        self.renewed = self.ca.sign("renewed")
        self.rsa = self.ca.sign("rsa", kind=RSA)
        self.sha384 = self.ca.sign("sha384", digest="-sha384")
        self.wrong_name = self.ca.sign("wrong-name", names=WRONG_NAMES)
        self.expired = self.ca.sign("expired", expired=True)
        self.by_other = self.other_ca.sign("by-other")
        self.client = self.ca.client("client")
        self.client_by_other = self.other_ca.client("client-by-other")

    def copy_of(self, pair, name):
        """Files of its own, which a test may change."""
        copy = Pair(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        pair.put_at(copy)
        return copy

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
