#!/usr/bin/python3
"""Checks the arrows between the layers, and between the rooms of proxy/, by reading every #include.

    protocol -> std, libcrypto            config -> std, yaml-cpp
    proxy    -> protocol, config and libraries
    bench    -> libraries; the proxy is a black box to it

proxy/ is a house of rooms, one folder each. A room may use what ROOMS says, which is always below it, and declare no class
of another; no file stands outside of a room or in a folder within one, no two files include each other in a ring, and a
.cpp has a header of its name.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(<[^>]+>|"[^"]+")', re.MULTILINE)

# The class that a line defines, or only declares.
DEFINITION = re.compile(r"^\s*(?:class|struct) (\w+)[^;{(]*{", re.MULTILINE)
DECLARATION = re.compile(r"^\s*(?:class|struct) (\w+);", re.MULTILINE)

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

# The rooms of proxy/ from the ground up, each with the rooms below that it may use.
ROOMS = {
    "base": "",
    "net": "base",
    "state": "base",
    "code": "base state",
    "login": "base net state",
    "aws": "base login",
    "worker": "base net state login",
    "backend": "base net state aws worker",
    "listen": "base net state worker backend",
    "pool": "base net state code login aws worker backend listen",
    "exchange": "base net state code worker backend listen pool",
    "request": "base net state code worker backend listen pool exchange",
    "reply": "base net state code worker backend listen pool exchange",
    "settle": "base net state code worker backend listen pool exchange request reply",
    "entry": "base net state login aws worker pool exchange",
    "session": "base net state code login worker backend listen pool exchange request reply settle entry",
    "report": "base net login aws worker backend listen pool entry session",
    "explain": "base state code",
    "console": "base backend pool entry session report",
    "dashboard": "base",
    "documents": "",
    "doctor": "base net aws backend documents",
    "process": "base net state login aws worker pool entry session report explain console dashboard doctor",
}

# Parts of one class or one step in several files. To become objects with a header of their own; nothing is added.
WITHOUT_HEADER = {
    "process/main",
    *("console/show_" + part for part in "connections pools process statistics waiters".split()),
    *("doctor/live_" + part for part in "aws login_aws network server services surroundings tls vpc".split()),
    *("documents/static_" + part for part in "capacity database iam network paths service".split()),
}


def violations(layer, text):
    """The includes of a source text that its layer must not have."""
    rules = ALLOWED[layer]
    for name in INCLUDE.findall(text):
        system, path = name[0] == "<", name[1:-1]
        if system and path.split("/")[0] in ALLOWED:
            yield name  # the project's own headers stand in quotes
        elif system:
            good = any(re.fullmatch(rule, path) for rule in rules["system"])
            if not good or path in BANNED.get(layer, ()):
                yield name
        elif not any(path.startswith(prefix) for prefix in rules["own"]):
            yield name


def misplaced(path, text):
    """The includes of a file of proxy/ ("room/name.hpp") that its room must not have."""
    room = path.split("/")[0]
    if room not in ROOMS or path.count("/") != 1:
        return [f"proxy/{path}: stands in no room; the rooms are {', '.join(ROOMS)}"]
    may = {room, *ROOMS[room].split()}
    return [f"proxy/{path}: {room}/ must not use {include[1:-1]}" for include in INCLUDE.findall(text)
            if include.startswith('"proxy/') and include[1:-1].split("/")[1] not in may]


def declared_from_above(files):
    """Forward declarations of classes that only rooms define which the file's room must not use; files: {path: text}."""
    rooms_of = {}
    for path, text in files.items():
        for name in DEFINITION.findall(text):
            rooms_of.setdefault(name, set()).add(path.split("/")[0])
    for path, text in files.items():
        room = path.split("/")[0]
        may = {room, *ROOMS.get(room, "").split()}
        for name in DECLARATION.findall(text):
            if name in rooms_of and not rooms_of[name] & may:
                yield f"proxy/{path}: {room}/ must not declare {name} of {', '.join(sorted(rooms_of[name]))}/"


def rings(includes):
    """The strongly connected parts, of more than one unit, of {unit: units that it includes} (Tarjan)."""
    order, lowest, stack, found = {}, {}, [], []

    def visit(unit):
        order[unit] = lowest[unit] = len(order)
        stack.append(unit)
        for other in includes.get(unit, ()):
            if other not in order:
                visit(other)
                lowest[unit] = min(lowest[unit], lowest[other])
            elif other in stack:
                lowest[unit] = min(lowest[unit], order[other])
        if lowest[unit] == order[unit]:
            ring = stack[stack.index(unit):]
            del stack[stack.index(unit):]
            if len(ring) > 1:
                found.append(sorted(ring))

    for unit in sorted(includes):
        if unit not in order:
            visit(unit)
    return found


def check_house(root):
    """Everything that is wrong with the rooms of proxy/."""
    bad, includes, units = [], {}, set()
    files = {str(path.relative_to(root / "proxy")): path.read_text()
             for path in sorted((root / "proxy").rglob("*")) if path.suffix in EXTENSIONS}
    for path, text in files.items():
        bad += misplaced(path, text)
        unit = path.rpartition(".")[0]
        units.add(unit)
        others = {i[len('"proxy/'):-1].rpartition(".")[0] for i in INCLUDE.findall(text) if i.startswith('"proxy/')}
        includes.setdefault(unit, set()).update(others - {unit})
        if path.endswith(".cpp") and unit + ".hpp" not in files and unit not in WITHOUT_HEADER:
            bad.append(f"proxy/{path}: has no header of its name")
    bad += [f"proxy/{unit}: is named as having no header, and has one or is gone" for unit in sorted(WITHOUT_HEADER)
            if unit + ".hpp" in files or unit + ".cpp" not in files]
    bad += declared_from_above(files)
    bad += ["proxy/: these include each other in a ring: " + ", ".join(ring) for ring in rings(includes)]
    return bad


def main(root):
    sys.setrecursionlimit(10_000)
    bad, files = [], 0
    for layer in ALLOWED:
        for path in sorted((root / layer).rglob("*")):
            if path.suffix in EXTENSIONS:
                files += 1
                bad += [f"{path.relative_to(root)}: {layer}/ must not include {name}"
                        for name in violations(layer, path.read_text())]
    bad += check_house(root)
    print("\n".join(bad) if bad else f"{files} files keep the arrows of 4 layers and {len(ROOMS)} rooms")
    return 1 if bad or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
