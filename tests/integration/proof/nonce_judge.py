"""Judges an answer that is not the expected one: all that came before the error must be this client's own."""

from harness.wire import Message

CANCELLED = "57014"
LOST = {"57P01", "57P02", "08006", "EOF"}  # the backend was terminated under the statement


class Foreign(AssertionError):
    """Something came that this client had not asked for, or not in this place."""


class Progress:
    """Bytes as they come, and the number of whole ReadyForQuery messages among them."""

    def __init__(self, data=b""):
        self.data, self.at, self.ready, self.answered = bytearray(), 0, 0, 0
        self.add(data)

    def add(self, chunk):
        self.data += chunk
        while self.at + 5 <= len(self.data):
            end = self.at + 1 + int.from_bytes(self.data[self.at + 1:self.at + 5], "big")
            if end > len(self.data):
                break
            if self.data[self.at] == ord("Z"):
                self.ready, self.answered = self.ready + 1, end
            self.at = end

    def over(self, ready):
        """That many ReadyForQuery, and nothing behind them."""
        return self.ready >= ready and self.answered == len(self.data)


def split(data):
    """(whole messages, bytes of an unfinished one)."""
    out, at = [], 0
    while at + 5 <= len(data):
        end = at + 1 + int.from_bytes(data[at + 1:at + 5], "big")
        if end > len(data):
            break
        out.append(Message(chr(data[at]), data[at + 5:end]))
        at = end
    return out, data[at:]


def groups(messages):
    """Cut behind each ReadyForQuery; the last part may lack one."""
    out = [[]]
    for message in messages:
        out[-1].append(message)
        if message.kind == "Z":
            out.append([])
    return [group for group in out if group]


def shortened(messages):
    return " ".join(f"{message}"[:200] for message in messages[:3]) + (" ..." if len(messages) > 3 else "")


def judge(expected, got, ended):
    """Compares message by message and returns the SQLSTATEs met, "EOF" if the connection ended without one.
    `ended`: the connection is closed, and `got` may stop anywhere."""
    if ended and expected.startswith(got):
        return {"EOF"}
    wanted, (heard, rest) = groups(split(expected)[0]), split(got)
    if rest and not ended:
        raise Foreign(f"half a message: {rest[:80]!r}")
    states, failed = set(), False
    for number, group in enumerate(groups(heard)):
        if number >= len(wanted) and ended and [x.kind for x in group] == ["E"]:
            states.add(group[0].sqlstate)  # its backend was terminated before it went to somebody else
            continue
        if number >= len(wanted):
            raise Foreign(f"more than was asked for: {shortened(group)}")
        theirs, ours = (without_status(part) if states else part for part in (wanted[number], group))
        state = judge_group(theirs, ours, failed, ended)
        states |= {state} - {None}
        failed = str(group[-1]) == "Z(E)"
    return states or ({"EOF"} if ended else set())


def without_status(group):
    """After an error other transactions may be open than expected, and a COMMIT without one is warned of."""
    return [Message("Z") if message.kind == "Z" else message for message in group if message.kind != "N"]


def judge_group(wanted, group, failed, ended):
    """The SQLSTATE of the error that cut this group short, or None. `failed`: its transaction had failed before."""
    at = 0
    while at < min(len(wanted), len(group)) and wanted[at] == group[at]:
        at += 1
    rest = group[at:]
    if not rest and (at == len(wanted) or ended):
        return None
    if failed and at == 0 and str(rest[0]) in ("C(ROLLBACK)", "E(25P02)"):
        return None
    if not rest or rest[0].kind != "E" or [x.kind for x in rest[1:]] not in ([], ["Z"]):
        raise Foreign(f"expected {shortened(wanted[at:])}, heard {shortened(rest)}")
    return rest[0].sqlstate
