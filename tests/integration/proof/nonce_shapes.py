"""Statements that echo a value which was never used before, and the bytes that are their only right answer.

Each shape is played once on a direct connection with placeholders; what the server said becomes a template. A value is
put into it at its places, so that an answer of a megabyte is checked by comparing memory.
"""

from dataclasses import dataclass

from harness import messages as m

NONCE = "N" * 16  # placeholders have the length of what takes their place
TAG = "W" * 4

SETUP = """
drop table if exists nonce_rows;
create unlogged table nonce_rows (nonce text, number int);
grant all on nonce_rows to public;
"""

SERIES = "from generate_series(1, {}) g"
# The same name in every session, and another text in each.
PREPARED = f"select $1::text || g || '-{TAG}' {SERIES.format(100)}"
PREPARE = m.P("prepared", PREPARED) + m.S

_ONE = m.Q(f"select '{NONCE}'")
_SELECT = f"select '{NONCE}' || g {SERIES.format(200)}"
_EXECUTE = m.B("", "prepared", (NONCE,)) + m.E()
_UNNAMED = m.P("", f"select $1::text || g {SERIES.format(200)}") + m.B("", "", (NONCE,)) + m.DP() + m.E()

# What is sent, and how many ReadyForQuery answer it.
SHAPES = {
    "one row": (_ONE, 1),
    "simple": (m.Q(_SELECT), 1),
    "string": (m.Q(f"{_SELECT}; select '{NONCE}'; {_SELECT}"), 1),
    "extended": (_UNNAMED + m.S, 1),
    "in pieces": (m.P("", _SELECT) + m.B("po") + m.E("po", 70) + m.E("po", 70) + m.E("po") + m.S, 1),
    "prepared": (_EXECUTE + m.S, 1),
    "pipeline": ((_EXECUTE + m.S) * 5 + m.Q(_SELECT), 6),
    "pipeline of one group": (_UNNAMED * 3 + _EXECUTE * 2 + m.S, 1),
    "transaction": (m.Q("begin") + _EXECUTE + m.S + m.Q(_SELECT) + m.Q("commit"), 4),
    "setting": (m.Q(f"set nonce.mine to '{NONCE}'") + m.Q("select current_setting('nonce.mine')"), 2),
    "copy out": (m.Q(f"copy ({_SELECT}) to stdout"), 1),
    "error": (m.Q(f"select '{NONCE}'::uuid"), 1),
    "insert": (m.Q(f"insert into nonce_rows select '{NONCE}', g {SERIES.format(10)} returning nonce || number"), 1),
    "big": (m.Q(f"select '{NONCE}' || g, repeat('x', 100) {SERIES.format(20000)}"), 1),
}
WEIGHTS = {name: 4 for name in SHAPES} | {"one row": 2, "error": 1, "setting": 2, "insert": 1, "big": 0}


@dataclass
class Template:
    name: str
    data: bytes
    answer: bytes
    ready: int  # ReadyForQuery in the answer
    queries: int
    rows: int

    def fill(self, tag, nonce):
        """(what to send, the answer that must come)."""
        places = ((NONCE.encode(), nonce.encode()), (TAG.encode(), tag.encode()))
        data, answer = self.data, self.answer
        for placeholder, value in places:
            data, answer = data.replace(placeholder, value), answer.replace(placeholder, value)
        return data, answer


def raw(answer):
    return b"".join(m.message(x.kind.encode(), x.body) for x in answer)


def record(direct):
    """The templates, by name."""
    out = {}
    with direct.wire() as wire:
        assert wire.ask(PREPARE) == "1 Z(I)"
        for name, (data, ready) in SHAPES.items():
            wire.send(data)
            answer = [message for _ in range(ready) for message in wire.until_ready()]
            kinds = [message.kind for message in answer]
            out[name] = Template(name, data, raw(answer), ready, kinds.count("C") + kinds.count("E"),
                                 kinds.count("D") + kinds.count("d"))
    return out
