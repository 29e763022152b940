"""Random pipelines: what a client may send without ever waiting for an answer, as one string of bytes.

Each item is a piece of SQL life in the extended or the simple protocol. A simple Query comes only where no extended
message waits for its Sync (PostgreSQL 18 answers the mixture otherwise than its predecessors). Every script ends with
a rollback and a marker, so that its end is known whatever failed before.
"""

import random
import struct

from harness import messages as m

MARKER = "the end of the pipeline"
END = m.S + m.Q("rollback") + m.Q("rollback") + m.Q(f"select '{MARKER}'")
LAST = (m.message(b"D", struct.pack("!Hi", 1, len(MARKER)) + MARKER.encode()) + m.message(b"C", b"SELECT 1\0") +
        m.message(b"Z", b"I"))


def setup(name):
    return (f"drop table if exists {name}; create table {name} (id int primary key, v text); "
            f"grant all on {name} to public")


class Script:
    """`wild` adds what is legal but rare: a Sync inside COPY data."""

    def __init__(self, seed, items, table, wild=False):
        self.random, self.table, self.out = random.Random(seed), table, []
        self.ids, self.synced, self.statements = 0, True, 0
        kinds = [getattr(self, name) for name in dir(self) if name.startswith("do_")]
        kinds += [self.do_select, self.do_insert, self.do_sync, self.do_flush] * 3
        self.wild = wild
        self.items = []  # the bytes of each
        for _ in range(items):
            self.random.choice(kinds)()
            self.items.append(b"".join(self.out))
            self.out.clear()
        self.data = b"".join(self.items) + END

    def extended(self, *parts):
        self.out += parts
        self.synced = False
        self.statements += 1

    def simple(self, sql):
        if not self.synced:
            self.do_sync()
        self.out.append(m.Q(sql))
        self.statements += 1

    def new_id(self):
        self.ids += 1
        return self.ids

    # --- ends of groups ------------------------------------------------------------------------------------

    def do_sync(self):
        self.out.append(m.S)
        self.synced = True

    def do_flush(self):
        self.out.append(m.H)

    # --- rows ----------------------------------------------------------------------------------------------

    def do_select(self):
        self.extended(m.P("", "select $1::text, g from generate_series(1, $2::int) g"),
                      m.B("", "", (f"value {self.new_id()}", self.random.randint(0, 30))), m.DP(), m.E())

    def do_large_value(self):
        value = self.random.choice("abc") * self.random.randint(1, 100_000)
        self.extended(m.P("", "select $1::text, length($1)"), m.B("", "", (value,)), m.E())

    def do_portal(self):
        self.extended(m.P("", f"select generate_series(1, {self.random.randint(1, 20)})"), m.B("po"), m.DP("po"))
        for _ in range(self.random.randint(1, 5)):
            self.extended(m.E("po", self.random.randint(1, 8)))
        self.extended(m.CP("po"))

    def do_named_statement(self):
        name = f"named {self.random.randint(1, 30)}"
        self.extended(m.CS(name), m.P(name, f"select {self.new_id()}, $1::int"), m.DS(name),
                      m.B("", name, (self.new_id(),)), m.E())

    def do_old_statement(self):
        self.extended(m.B("", f"named {self.random.randint(1, 30)}", (7,)), m.DP(), m.E())

    def do_strings(self):
        self.simple(f"select {self.new_id()}; select 'a', 'b' where false; select generate_series(1, 3)")

    def do_empty(self):
        self.random.choice([lambda: self.simple(" ; "), lambda: self.extended(m.P("", ""), m.B(), m.E())])()

    def do_function_call(self):
        if not self.synced:
            self.do_sync()
        sqrt, length = 1344, 1317
        self.out.append(m.F(sqrt, ("-1",)) if self.random.random() < 0.1 else m.F(length, ("four",)))

    # --- changes and transactions --------------------------------------------------------------------------

    def do_insert(self):
        self.extended(m.P("", f"insert into {self.table} values ($1, $2) returning id"),
                      m.B("", "", (self.new_id(), "x")), m.E())

    def do_delete(self):
        self.simple(f"delete from {self.table} where id % 7 = {self.random.randint(0, 6)}")

    def do_begin(self):
        self.random.choice([self.simple, self.execute])("begin")

    def do_savepoint(self):
        self.simple(self.random.choice(["savepoint s", "rollback to s", "release s"]))

    def do_commit(self):
        self.random.choice([self.simple, self.execute])("commit")

    def do_rollback(self):
        self.random.choice([self.simple, self.execute])("rollback")

    def do_cursor(self):
        self.simple("begin; declare c cursor for select generate_series(1, 9); fetch 4 from c; commit")

    def do_setting(self):
        value = self.random.randint(100, 999)
        self.execute(f"set {self.random.choice(['', 'local '])}work_mem to '{value}kB'")
        self.execute("show work_mem")

    def do_reported_setting(self):
        self.simple(f"set application_name to 'name {self.random.randint(1, 4)}'")
        self.simple("show application_name")

    def execute(self, sql):
        self.extended(m.P("", sql), m.B(), m.E())

    # --- errors --------------------------------------------------------------------------------------------

    def do_error(self):
        kind = self.random.choice(["parse", "bind", "execute", "duplicate", "simple"])
        if kind == "parse":
            self.extended(m.P("", "selekt 1"), m.B(), m.E())
        elif kind == "bind":
            self.extended(m.P("", "select $1::int"), m.B("", "", ("no number",)), m.E())
        elif kind == "execute":
            self.extended(m.P("", "select 1 / (g - 3) from generate_series(1, 5) g"), m.B(), m.E())
        elif kind == "duplicate":
            self.extended(m.P("", f"insert into {self.table} values ({max(1, self.ids)}, 'twice'), (0, 'y'), (0, 'z')"),
                          m.B(), m.E())
        else:
            self.simple("select 1; select 1 / 0; select 2")

    # --- COPY ----------------------------------------------------------------------------------------------

    def copy_data(self):
        out = []
        for number in range(self.random.randint(0, 20)):
            good = self.random.random() < 0.97
            out.append(m.d(f"{self.new_id()}\tcopied\n" if good else "no number\tcopied\n"))
            if self.random.random() < 0.1:
                out.append(m.S if self.wild and number % 2 else m.H)
        return out + [m.f("changed my mind") if self.random.random() < 0.2 else m.c]

    def do_copy_in(self):
        self.extended(m.P("", f"copy {self.table} from stdin"), m.B(), m.E(), *self.copy_data())
        self.do_sync()

    def do_simple_copy_in(self):
        self.simple(f"copy {self.random.choice([self.table, self.table, 'no_such_table'])} from stdin")
        self.out += self.copy_data()

    def do_copy_out(self):
        text = f"copy (select * from {self.table} order by id limit 50) to stdout"
        self.random.choice([self.simple, self.execute])(text)
