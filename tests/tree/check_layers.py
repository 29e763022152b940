#!/usr/bin/python3
"""Checks the arrows between the layers by reading every #include.

    protocol -> std, libcrypto            config -> std, yaml-cpp
    proxy    -> protocol, config and libraries
    bench    -> libraries; the proxy is a black box to it
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(<[^>]+>|"[^"]+")', re.MULTILINE)

# A header of the C++ or C library, as these layers may use it: <vector>, <cstdint>.
STANDARD = r"[a-z_0-9]+"
# Of OpenSSL, what belongs to libcrypto: <openssl/ssl.h> is I/O.
LIBCRYPTO = r"openssl/(evp|hmac|sha|md5|rand|crypto|err|kdf|params|core_names|types)\.h"

ALLOWED = {
    "protocol": {"system": [STANDARD, LIBCRYPTO], "own": ["protocol/"]},
    "config": {"system": [STANDARD, r"yaml-cpp/[a-z_/.]+", r"((sys|arpa)/)?[a-z]+\.h", r"openssl/crypto\.h"],
               "own": ["config/"]},
    "proxy": {"system": [r".+"], "own": ["proxy/", "protocol/", "config/"]},
    "bench": {"system": [r".+"], "own": ["bench/", "protocol/"]},
}
# Standard headers that bring what a sans-I/O layer must not have.
BANNED = {"protocol": {"iostream", "fstream", "thread", "mutex", "chrono", "future", "filesystem"}}
EXTENSIONS = {".hpp", ".cpp", ".h", ".ipp"}


def violations(layer, text):
    """The includes of a source text that its layer must not have."""
    rules = ALLOWED[layer]
    for name in INCLUDE.findall(text):
        system, path = name[0] == "<", name[1:-1]
        if system:
            good = any(re.fullmatch(rule, path) for rule in rules["system"])
            if not good or path in BANNED.get(layer, ()):
                yield name
        elif not any(path.startswith(prefix) for prefix in rules["own"]):
            yield name


def main(root):
    bad, files = [], 0
    for layer in ALLOWED:
        for path in sorted((root / layer).rglob("*")):
            if path.suffix in EXTENSIONS:
                files += 1
                bad += [f"{path.relative_to(root)}: {layer}/ must not include {name}"
                        for name in violations(layer, path.read_text())]
    print("\n".join(bad) if bad else f"{files} files keep the arrows")
    return 1 if bad or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
