"""What may differ between a client's direct connection and the same client of pgweir. Everything else must not.

| what                            | why                                                                          |
|---------------------------------|------------------------------------------------------------------------------|
| BackendKeyData                  | a client's key is pgweir's own, as it moves between server processes          |
| the process in a notification   | it is the server process that notified, which no client can know              |
| a notification's place          | it is asynchronous by nature; each client's notifications keep their order    |
| table OIDs in RowDescription    | each run makes its tables anew                                                |
| OIDs of types that scripts make | each run makes its types anew; which of them are the same one is compared      |
| the number in pg_temp_N         | a slot number of the server process                                           |
| ParameterDescription, and then  | PostgreSQL begins its answer to Describe before it has found that the          |
| an error                        | statement cannot be planned any more; pgweir may say the error alone           |
| file, line, routine of an error | pgweir speaks for the server where it knows the answer, and has no such place |

What the scripts do not do, because pgweir answers it in another way; each is a limit that docs/limits.md names:

- RESET of a startup parameter beside other statements in one string, or by set_config(..., NULL, ...)
- custom settings whose name is computed, or stands in a view
- ALTER ROLE and ALTER DATABASE ... SET while clients are there that have logged in before
- pg_listening_channels() inside of a transaction
- temp_buffers; switches other than -c and --name in `options`
- names that dynamic SQL has dropped: directly they are gone, and here they may be there (subjects/dynamic.py)

A stale plan is an error directly and may be none here; stale.py has the exact rule.

And what the scripts do not ask, because it belongs to the server process and not to what a client has done:
process ids, times, transaction ids, names in pg_prepared_statements, pg_settings.source; whether an unset custom
setting is NULL or '' (PostgreSQL answers '' once it was set in a process); whether a schema pg_temp is there (it
stays in a process, empty, after the first temporary table).
"""

import re
import struct
from dataclasses import dataclass, field

SOURCE_FIELDS = {"F", "L", "R"}
FIRST_OWN_OID = 16384
LOOKUP = re.compile(rb"(cache lookup failed for type |could not find type |type with OID )(\d+)")
TEMPORARY = re.compile(rb"pg_(toast_)?temp_\d+")


def numbered(oid, types):
    """A type's OID; for one that was made by a script, how many of those the client has heard of before."""
    return oid if oid < FIRST_OWN_OID else FIRST_OWN_OID + types.setdefault(oid, len(types))


def row_description(body, types):
    """Without the OID of each column's table."""
    body, at = bytearray(body), 2
    for _ in range(struct.unpack_from("!H", body)[0]):
        at = body.index(b"\0", at) + 1
        body[at:at + 4] = bytes(4)
        struct.pack_into("!I", body, at + 6, numbered(struct.unpack_from("!I", body, at + 6)[0], types))
        at += 18
    return bytes(body)


def data_row(body):
    """The number in pg_temp_N may have more digits, which changes the length of its column, too."""
    out, at = [body[:2]], 2
    for _ in range(struct.unpack_from("!H", body)[0]):
        size = struct.unpack_from("!i", body, at)[0]
        value = TEMPORARY.sub(rb"pg_\1temp_N", body[at + 4:at + 4 + max(size, 0)])
        out += [struct.pack("!i", size if size < 0 else len(value)), value]
        at += 4 + max(size, 0)
    return b"".join(out)


def error(body):
    fields = [part for part in body.split(b"\0") if part]
    return b"\0".join(part for part in fields if chr(part[0]) not in SOURCE_FIELDS)


def parameter_description(body, types):
    oids = struct.unpack_from(f"!{(len(body) - 2) // 4}I", body, 2)
    return body[:2] + struct.pack(f"!{len(oids)}I", *(numbered(oid, types) for oid in oids))


def comparable(message, types=None):
    """A message as far as it must be the same. `types`: OIDs of a script's own types that the client has heard of."""
    body, types = message.body, {} if types is None else types
    if message.kind == "T":
        body = row_description(body, types)
    if message.kind == "t":
        body = parameter_description(body, types)
    if message.kind == "E":
        body = LOOKUP.sub(lambda match: match[1] + str(numbered(int(match[2]), types)).encode(), body)
    if message.kind in "EN":
        body = error(body)
    if message.kind == "D":
        body = data_row(body)
    if message.kind in "EN":
        body = TEMPORARY.sub(rb"pg_\1temp_N", body)
    if message.kind == "A":
        body = body[4:]
    return message.kind, body


@dataclass
class Trace:
    """What one client heard in one run."""

    parameters: dict  # of its login
    messages: list  # of all but notifications
    places: list  # the number of the step each message came after
    notifications: list
    heard: list  # how many notifications, at the end of each step
    causes: list = field(default_factory=list)  # which of its messages each message answers, from 1 on
    end: str = ""  # "silence" when an answer did not come, or why its login was refused

    @property
    def refused(self):
        return self.end.startswith("login refused")

    def leave_out_unfinished_descriptions(self):
        kinds = [message.kind for message in self.messages] + [""]
        kept = [at for at in range(len(self.messages)) if kinds[at:at + 2] != ["t", "E"]]
        for name in ("messages", "places", "causes"):
            setattr(self, name, [getattr(self, name)[at] for at in kept])
        return self

    def comparable(self):
        types = {}
        return [comparable(message, types) for message in self.messages]


@dataclass
class Difference:
    client: int
    what: str
    step: int | None  # of this client's
    direct: list
    pooled: list
    signature: tuple = ()  # two scripts with the same one probably differ for the same reason
    at: int | None = None  # the place among the client's messages

    def __str__(self):
        where = f", its step {self.step + 1}" if self.step is not None else ""
        return (f"client {self.client}{where}: {self.what}\n"
                f"    directly: {' '.join(self.direct) or '(nothing)'}\n"
                f"    pooled:   {' '.join(self.pooled) or '(nothing)'}")


def told(message, other=None):
    """In the notation of harness/wire.py, with the text of an error, and its fields where only those differ."""
    if message.kind not in "EN":
        return str(message)[:300]
    text = f"{message}[{message.text}]"
    if other is None or text != f"{other}[{other.text}]":
        return text
    return text + str({key: value for key, value in message.fields().items()
                       if key not in SOURCE_FIELDS and value != other.fields().get(key)})


def around(messages, at, others):
    """Some messages before and after the first that differs."""
    return [told(message, others[number] if number == at < len(others) else None)
            for number, message in enumerate(messages[:at + 6]) if number >= at - 3]


def mark(messages, at):
    """What kind of message differs, without its values."""
    if at >= len(messages):
        return "nothing"
    return str(messages[at]) if messages[at].kind in "EN" else messages[at].kind


def differences(direct, pooled):
    """Of two {client: Trace}, the first one of each client."""
    found = [differs(client, direct[client], pooled[client]) if client in pooled
             else Difference(client, "was not there", None, ["login"], []) for client in sorted(direct)]
    return [difference for difference in found if difference]


def differs(client, direct, pooled):
    if direct.refused and direct.end == pooled.end:
        return None
    if direct.refused or pooled.end.startswith("login"):
        return Difference(client, "its login", None, [direct.end], [pooled.end], ("login",))
    if direct.parameters != pooled.parameters:
        return Difference(client, "parameters at its login", None, *only_different(direct, pooled))
    if pooled.end and len(pooled.notifications) < len(direct.notifications):
        return other_notifications(client, direct, pooled)
    mine, theirs = pooled.comparable(), direct.comparable()
    at = next((n for n, (a, b) in enumerate(zip(mine, theirs)) if a != b), min(len(mine), len(theirs)))
    if mine != theirs:
        places = direct.places if at < len(direct.places) else pooled.places
        return Difference(client, f"message {at + 1}" + (f", then {pooled.end}" if pooled.end else ""), places[at],
                          around(direct.messages, at, pooled.messages), around(pooled.messages, at, direct.messages),
                          (mark(direct.messages, at), mark(pooled.messages, at), pooled.end), at)
    mine, theirs = ([comparable(x) for x in trace.notifications] for trace in (pooled, direct))
    if mine != theirs:
        return other_notifications(client, direct, pooled)
    if direct.end != pooled.end:
        return Difference(client, f"ends with {pooled.end or 'its last step'}", len(pooled.heard) - 1, [direct.end],
                          [pooled.end])
    return None


def other_notifications(client, direct, pooled):
    return Difference(client, "notifications", len(pooled.heard) - 1, *(
        [str(message) for message in trace.notifications] for trace in (direct, pooled)), ("A", pooled.end))


def only_different(direct, pooled):
    names = sorted({*direct.parameters, *pooled.parameters})
    names = [name for name in names if direct.parameters.get(name) != pooled.parameters.get(name)]
    return ([f"{name}={trace.parameters.get(name)}" for name in names] for trace in (direct, pooled))
