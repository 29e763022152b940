"""The list of step kinds: every function marked with @sql or @messages below subjects/ is one.

A kind of SQL returns statements, which delivery.py sends in some way of the protocol: each a string, or a pair of a
string with $1... and its values. A kind of messages returns whole steps: tuples of messages, ending where the
client may stop (no open COPY, nothing unsynced).
"""

import importlib
import pkgutil
from dataclasses import dataclass

from . import subjects


@dataclass(frozen=True)
class Kind:
    subject: str
    name: str
    weight: float
    write: object
    when: object
    is_sql: bool

    def __str__(self):
        return f"{self.subject}.{self.name}"

    @property
    def about(self):
        return (self.write.__doc__ or "").strip().split("\n")[0]


ALL = []

# Subjects that are left out unless they are asked for.
OPTIONAL = {"definitions"}

# What generate.py does beside the steps, which can be left out just as well.
OF_SCRIPTS = {
    "script.startup": "startup parameters",
    "script.leaving": "clients that leave in the middle",
    "script.last_part": "notifications from one client to another",
    "script.defaults": "ALTER ROLE and ALTER DATABASE ... SET, and clients that log in afterwards",
}


def _kind(weight, when, is_sql):
    def add(write):
        ALL.append(Kind(write.__module__.rsplit(".", 1)[-1], write.__name__, weight, write, when, is_sql))
        return write
    return add


def sql(weight, when=lambda draft: True):
    return _kind(weight, when, True)


def messages(weight, when=lambda draft: True):
    return _kind(weight, when, False)


def every():
    """All kinds, in the order of the file names."""
    for module in sorted(found.name for found in pkgutil.iter_modules(subjects.__path__)):
        importlib.import_module(f"{subjects.__name__}.{module}")
    return sorted(ALL, key=lambda kind: kind.subject)


def chosen(without=(), extra=()):
    """All kinds but those named by subject ("settings") or in full ("settings.in_a_function"), and the optional
    subjects only if they are named in `extra`."""
    names = {str(kind) for kind in every()} | {kind.subject for kind in every()} | set(OF_SCRIPTS)
    unknown = set(without) - names
    if unknown:
        raise ValueError(f"no such kind: {', '.join(sorted(unknown))}")
    without = set(without) | (OPTIONAL - set(extra))
    return [kind for kind in every() if kind.subject not in without and str(kind) not in without]
