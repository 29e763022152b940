"""Random scripts of the SQL that the model understands, for compare.py.

Each family, such as single(rng), gives (clients, steps): {number: Login} and (number, bytes, answers to wait for, text).
Only one client at a time has anything under way, and none waits for another's lock, so that every run is the same.
"""

import struct

from harness import messages as m

from compare_logins import Login

TABLES = ["t", "u", "one.t", "two.u", "w"]
SETTINGS = [("work_mem", ["'7MB'", "8192", "'1GB'", "63", "'lots'"]),
            ("statement_timeout", ["5000", "'1min'", "0", "'90s'", "'5 parsecs'", "-1"]),
            ("lock_timeout", ["'3s'", "0"]),
            ("application_name", ["'x'", "'it''s'", "other"]),
            ("DateStyle", ["'German'", "'SQL, DMY'", "ISO", "'ISO, YMD'", "nosuch"]),
            ("timezone", ["'UTC'", "'America/New_York'", "'Europe/Berlin'"]),
            ("search_path", ["one", "two, public", "'one'", "public, pg_temp", "\"$user\", public", "''", "Nosuch"]),
            ("IntervalStyle", ["iso_8601", "'postgres'", "'other'"]),
            ("client_min_messages", ["warning", "error", "notice", "'loud'"]),
            ("extra_float_digits", ["0", "3", "'4'"]),
            ("geqo", ["off", "on", "'maybe'", "false", "1"]),
            ("enable_seqscan", ["off", "true"]),
            ("standard_conforming_strings", ["on"]),
            ("bytea_output", ["escape", "hex"]),
            ("random_page_cost", ["1.1", "4", "'2.50'"]),
            ("default_transaction_isolation", ["'serializable'", "'repeatable read'", "'read committed'"]),
            ("default_transaction_read_only", ["on", "off"]),
            ("app.tenant", ["'a'", "'b'", "5", "'tenant of x'", "''"]),
            ("my_ext.flag", ["'on'", "x"]),
            ("nosuch", ["1"]), ("server_version", ["'1'"]), ("max_connections", ["5"]), ("is_superuser", ["on"])]
NAMES = [name for name, _ in SETTINGS]
PINS = {
    "temporary_object": "EXISTS(SELECT FROM pg_catalog.pg_depend WHERE refclassid OPERATOR(pg_catalog.=) 2615"
                        " AND refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())",
    "advisory_lock": "EXISTS(SELECT FROM pg_catalog.pg_locks WHERE locktype OPERATOR(pg_catalog.=) 'advisory'"
                     " AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())",
    "holdable_cursor": "EXISTS(SELECT FROM pg_catalog.pg_cursors WHERE is_holdable)",
    "listen": "EXISTS(SELECT FROM pg_catalog.pg_listening_channels())",
    "sql_prepare": "EXISTS(SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql"
                   " AND NOT pg_catalog.starts_with(name,'__pgweir_'))",
}
STATEMENTS = ("SELECT '=statements',pg_catalog.string_agg(name OPERATOR(pg_catalog.||)"
              " CASE WHEN from_sql THEN 't' ELSE 'f' END,',' ORDER BY name COLLATE pg_catalog.\"C\")"
              " FROM pg_catalog.pg_prepared_statements WHERE pg_catalog.starts_with(name,'__pgweir_')")
RESET = ("CLOSE ALL;SET SESSION AUTHORIZATION DEFAULT;RESET ROLE;RESET ALL;UNLISTEN *;SELECT "
         "pg_catalog.pg_advisory_unlock_all();DISCARD TEMP;DISCARD SEQUENCES")


# --- pgweir's own questions, as proxy/state/state_check.cpp makes them

def in_hex(text):
    return (f"pg_catalog.encode(pg_catalog.convert_to({text},CASE WHEN pg_catalog.getdatabaseencoding() "
            "OPERATOR(pg_catalog.=) 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END),'hex')")


def in_ascii(rows):
    return ("SELECT CASE WHEN c.other THEN ' ' OPERATOR(pg_catalog.||) " + in_hex("c.name") + " ELSE c.name END,"
            "CASE WHEN c.other THEN " + in_hex("c.value") + " ELSE c.value END FROM (SELECT r.name,r.value,"
            "(r.name OPERATOR(pg_catalog.||) r.value) COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.~) "
            "'[^[:ascii:]]' FROM (" + rows + ") r(name,value)) c(name,value,other)")


def listed(name):
    return ("(SELECT s.setting FROM pg_catalog.pg_settings s WHERE pg_catalog.lower(s.name) "
            f"OPERATOR(pg_catalog.=) {name} AND s.source OPERATOR(pg_catalog.=) 'session')")


def any_value(name):
    return f"pg_catalog.current_setting({name},true)"


def state_query(rng):
    before, parts = "", []
    lifted = rng.sample(["statement_timeout"], rng.choice([0, 0, 1]))
    if rng.random() < 0.6:
        excluded = "".join(f",'{name}'" for name in lifted)
        parts.append("SELECT name,setting FROM pg_catalog.pg_settings WHERE source OPERATOR(pg_catalog.=) 'session'"
                     " AND name OPERATOR(pg_catalog.<>) ALL(ARRAY['transaction_isolation','transaction_read_only',"
                     f"'transaction_deferrable','seed'{excluded}]) UNION ALL SELECT 'role',pg_catalog.current_setting("
                     "'role') UNION ALL SELECT 'session_authorization',"
                     "pg_catalog.current_setting('session_authorization')")
        before = "".join(f"SELECT '{n}',pg_catalog.current_setting('{n}');" for n in lifted)
    for name in rng.sample(["work_mem", "app.tenant", "role", "search_path", "my_ext.flag"], rng.randint(0, 3)):
        dotted = "." in name or name == "role"
        parts.append(f"SELECT '{name}'," + (any_value if dotted else listed)(f"'{name}'"))
    if rng.random() < 0.3:
        parts.append(STATEMENTS)
    for pin in PINS:
        if rng.random() < 0.5 or not parts:
            parts.append(f"SELECT '','{pin}' WHERE {PINS[pin]}")
    lift = "".join(f"SET LOCAL {name} TO 0;" for name in lifted)
    return before + lift + in_ascii(" UNION ALL ".join(parts))


def names_question(rng):
    asks = in_ascii("SELECT n,CASE WHEN pg_catalog.strpos(n,'.') OPERATOR(pg_catalog.>) 0 OR n"
                    " OPERATOR(pg_catalog.=) ANY(ARRAY['role','session_authorization']) THEN " + any_value("n") +
                    " ELSE " + listed("n") + " END FROM pg_catalog.unnest($1) n")
    names = rng.sample(["work_mem", "app.tenant", "role", "search_path", "geqo"], rng.randint(1, 3))
    list_of = ",".join(f"'{name}'" for name in names)
    prepare = f'PREPARE "__pgweir_q"(pg_catalog.text[]) AS {asks};' if rng.random() < 0.6 else ""
    return prepare + f'EXECUTE "__pgweir_q"(ARRAY[{list_of}])'


# --- statements

def literal(rng):
    return rng.choice(["'nonce'", "1", "42", "NULL", "TRUE", "'x'::text", "'7'::int", "-3", "'a' || 'b'", "1 + 2",
                       "7 / 2", "7 % 3", "2 * 3", "1 = 1", "'a' < 'b'", "5::text", "NULL IS NULL", "coalesce(NULL, 'c')",
                       "current_user", "session_user", "'5'::bigint", "cast('8' as int)", "upper('abc')", "true AND NULL"])


def looks(rng):
    return rng.choice([
        lambda: f"SHOW {rng.choice(NAMES + ['role', 'session_authorization', 'transaction_isolation', 'is_superuser', 'transaction_read_only'])}",
        lambda: f"SELECT current_setting('{rng.choice(NAMES + ['role'])}')",
        lambda: f"SELECT current_setting('{rng.choice(NAMES + ['no.such', 'a.b'])}', true)",
        lambda: "SELECT current_user, session_user, current_setting('role')",
        lambda: "SELECT " + ", ".join(literal(rng) for _ in range(rng.randint(1, 3))),
        lambda: f"SELECT 'nonce', g FROM generate_series(1,{rng.randint(0, 5)}) g",
        lambda: f"SELECT g AS a, {literal(rng)} AS b FROM generate_series(1, 3) AS g WHERE g > 1 LIMIT 1",
        lambda: "SELECT 1/0", lambda: "SELECT 6 / (3 - g) FROM generate_series(1,4) g",
        lambda: "SELECT 'x'::int", lambda: "SELECT nosuch", lambda: "SELEC 1", lambda: "SELECT * FROM nosuch",
        lambda: "SELECT pg_sleep(0.001)", lambda: "SELECT 1 WHERE 1 = 2", lambda: "", lambda: "SELECT 3000000000 + 1",
        lambda: "SELECT count(*) FROM generate_series(1,3) g", lambda: "SELECT 'a' = 1",
        lambda: "SELECT 2147483647 + 1",
    ])()


def settings(rng):
    name, values = rng.choice(SETTINGS)
    return rng.choice([
        lambda: f"SET {name} = {rng.choice(values)}", lambda: f"SET LOCAL {name} TO {rng.choice(values)}",
        lambda: f"SET SESSION {name} TO {rng.choice(values)}", lambda: f"RESET {name}", lambda: f"SET {name} TO DEFAULT",
        lambda: f"SET LOCAL {name} TO DEFAULT", lambda: "RESET ALL",
        lambda: f"SELECT set_config('{name}', {quoted(rng.choice(values))}, {rng.choice(['true', 'false'])})",
        lambda: f"SELECT set_config('{name}', NULL, false)", lambda: "SET TIME ZONE 'UTC'",
        lambda: "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    ])()


def quoted(value):
    return value if value.startswith("'") else "'" + value.replace('"', '"') + "'"


def transactions(rng):
    return rng.choice(["BEGIN", "BEGIN", "BEGIN", "COMMIT", "COMMIT", "ROLLBACK", "ROLLBACK", "END", "ABORT",
                       "START TRANSACTION", "SAVEPOINT a", "SAVEPOINT a", "SAVEPOINT b", "ROLLBACK TO a",
                       "ROLLBACK TO SAVEPOINT b", "RELEASE a", "RELEASE SAVEPOINT b", "BEGIN READ ONLY",
                       "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL SERIALIZABLE, READ WRITE",
                       "COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "SET TRANSACTION READ ONLY",
                       "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT 1/0"])


def roles(rng):
    return rng.choice(["SET ROLE team", "SET ROLE plain", "RESET ROLE", "SET ROLE none", "SET ROLE nosuch", "SET ROLE 'crew'",
                       "SET SESSION AUTHORIZATION plain", "SET SESSION AUTHORIZATION team", "RESET SESSION AUTHORIZATION",
                       "SET SESSION AUTHORIZATION DEFAULT", "SET LOCAL ROLE team", "SET LOCAL SESSION AUTHORIZATION plain",
                       "SELECT set_config('role','team',false)", "SET log_statement = 'all'", "RESET log_statement"])


def tables(rng):
    t = rng.choice(TABLES)
    temp = rng.choice(["", "TEMP ", "TEMP "]) if "." not in t else ""
    return rng.choice([
        lambda: f"CREATE {temp}TABLE {t} (a int, b text)", lambda: f"CREATE {temp}TABLE {t} (a int)",
        lambda: f"CREATE TABLE IF NOT EXISTS {t} (a int, b text)",
        lambda: f"CREATE TEMP TABLE w (a int) ON COMMIT {rng.choice(['DROP', 'DELETE ROWS', 'PRESERVE ROWS'])}",
        lambda: f"DROP TABLE {t}", lambda: f"DROP TABLE IF EXISTS {t}", lambda: f"DROP TABLE IF EXISTS {t}",
        lambda: f"INSERT INTO {t} VALUES ({rng.randint(1, 9)})", lambda: f"INSERT INTO {t} VALUES (1, 'x'), (2, NULL)",
        lambda: f"INSERT INTO {t} (a) VALUES ({rng.randint(1, 5)})",
        lambda: f"INSERT INTO {t} SELECT g FROM generate_series(1,3) g", lambda: f"INSERT INTO {t} VALUES ('x')",
        lambda: f"SELECT * FROM {t}", lambda: f"SELECT a FROM {t} WHERE a > 1", lambda: f"SELECT * FROM {t} ORDER BY a",
        lambda: f"SELECT count(*) FROM {t}", lambda: f"DELETE FROM {t}", lambda: f"DELETE FROM {t} WHERE a = 1",
        lambda: f"SELECT 10 / (a - 2) FROM {t}", lambda: f"TRUNCATE {t}", lambda: f"SELECT * FROM pg_temp.{t}" if "." not in t else "SELECT 1",
        lambda: f"ALTER TABLE {t} ADD COLUMN c int", lambda: f"ALTER TABLE {t} ALTER COLUMN a TYPE text",
        lambda: f"ALTER TABLE {t} ALTER a TYPE bigint", lambda: f"ALTER TABLE {t} ALTER a TYPE int USING a::int",
        lambda: f"ALTER TABLE {t} DROP COLUMN b", lambda: "DISCARD TEMP", lambda: "SET search_path = one, public",
        lambda: "SET search_path = two", lambda: f"COPY {t} TO STDOUT",
        lambda: f"COPY (SELECT 'nonce', g FROM generate_series(1,2) g) TO STDOUT",
        lambda: "COPY (SELECT 6 / (3 - g) FROM generate_series(1,4) g) TO STDOUT",
    ])()


def prepared(rng):
    n = rng.choice(["p", "r", "__pgweir_1"])
    t = rng.choice(TABLES)
    return rng.choice([
        lambda: f"PREPARE {n} AS SELECT 'nonce'", lambda: f"PREPARE {n}(int) AS SELECT $1 + 1",
        lambda: f"PREPARE {n} AS SELECT * FROM {t}", lambda: f"PREPARE {n} AS SELECT $1::int / 2, $2",
        lambda: f"PREPARE {n}(int) AS INSERT INTO {t} VALUES ($1)", lambda: f"PREPARE {n} AS SELECT 6/(2-g) FROM generate_series(1,3) g",
        lambda: f"EXECUTE {n}", lambda: f"EXECUTE {n}", lambda: f"EXECUTE {n}(4)", lambda: f"EXECUTE {n}('5', 'z')",
        lambda: f"EXECUTE {n}('x')", lambda: f"DEALLOCATE {n}", lambda: "DEALLOCATE ALL", lambda: "DISCARD PLANS",
        lambda: names_question(rng),
    ])()


def cursors(rng):
    c = rng.choice(["c", "d"])
    hold = rng.choice(["", "", " WITH HOLD"])
    return rng.choice([
        lambda: f"DECLARE {c} CURSOR{hold} FOR SELECT g FROM generate_series(1,6) g",
        lambda: f"DECLARE {c} CURSOR{hold} FOR SELECT 12 / (4 - g), 'x' FROM generate_series(1,6) g",
        lambda: f"DECLARE {c} CURSOR{hold} FOR SELECT * FROM {rng.choice(TABLES)}",
        lambda: f"FETCH {c}", lambda: f"FETCH 2 FROM {c}", lambda: f"FETCH ALL FROM {c}", lambda: f"FETCH NEXT FROM {c}",
        lambda: f"MOVE 2 IN {c}", lambda: f"FETCH FORWARD 3 FROM {c}", lambda: f"CLOSE {c}", lambda: "CLOSE ALL",
    ])()


def locks(rng):
    k = rng.randint(1, 3)
    return rng.choice([f"SELECT pg_advisory_lock({k})", f"SELECT pg_advisory_unlock({k})", f"SELECT pg_advisory_unlock({k})",
                       f"SELECT pg_advisory_xact_lock({k})", f"SELECT pg_try_advisory_lock({k})", f"SELECT pg_advisory_lock_shared({k})",
                       f"SELECT pg_advisory_unlock_shared({k})", "SELECT pg_advisory_unlock_all()", f"SELECT pg_try_advisory_xact_lock({k}, 2)",
                       f"SELECT pg_advisory_lock({k}, 5)"])


def channels(rng):
    x = rng.choice(["ch", "dh"])
    return rng.choice([f"LISTEN {x}", f"LISTEN {x}", f"UNLISTEN {x}", "UNLISTEN *", f"NOTIFY {x}", f"NOTIFY {x}, 'one'",
                       f"SELECT pg_notify('{x}', 'two')", f"NOTIFY {x}, 'three'", "SELECT pg_notify('', 'x')"])


def sequences(rng):
    return rng.choice(["CREATE SEQUENCE s", "CREATE TEMP SEQUENCE s", "DROP SEQUENCE s", "SELECT nextval('s')", "SELECT nextval('s')",
                       "SELECT currval('s')", "SELECT lastval()", "SELECT pg_catalog.lastval()", "DISCARD SEQUENCES", "SELECT setval('s', 10)",
                       "SELECT nextval('s'), g FROM generate_series(1,3) g", "DROP SEQUENCE IF EXISTS s", "DROP TABLE s"])


# As the model knows them: "triggers" and "role". compare.py fills it.
OWN_QUESTIONS = {}


def discards(rng):
    return rng.choice([OWN_QUESTIONS["triggers"], OWN_QUESTIONS["role"],
                       "SET LOCAL statement_timeout TO 0;SELECT pg_catalog.lastval()", "DISCARD ALL", RESET,
                       RESET + ";DEALLOCATE ALL", state_query(rng), state_query(rng), state_query(rng)])


SUBJECTS = [(looks, 3), (settings, 4), (transactions, 5), (roles, 1), (tables, 4), (prepared, 2), (cursors, 2), (locks, 1),
            (channels, 1), (sequences, 1), (discards, 1)]


# --- delivery

def as_query(rng, texts):
    return m.Q("; ".join(texts)), 1, "Q " + "; ".join(texts)


PARAMETERS = [("SELECT $1", ["x"]), ("SELECT $1::int + 1", ["4"]), ("SELECT $1::int + 1", ["y"]), ("SELECT 6 / $1", ["0"]),
              ("SELECT 6 / $1, $2::text", ["3", None]), ("SELECT g FROM generate_series(1,$1) g", ["4"]),
              ("SELECT set_config('app.tenant',$1,false)", ["v"]), ("SELECT * FROM t WHERE a = $1", ["1"]),
              ("INSERT INTO t VALUES ($1)", ["3"]), ("DELETE FROM t WHERE a = $1", ["3"]), ("SELECT $1 = 'a'", ["a"]),
              ("SELECT $1, $1", ["x"]), ("SELECT $2::text", ["x", "y"]), ("SELECT pg_notify('ch', $1)", ["m"])]


def one_extended(rng, text, values, sent, told):
    """Parse, Bind, perhaps Describe, Execute of one statement; now and then something wrong."""
    name, portal = rng.choice(["", "", "", "s1", "s2"]), rng.choice(["", "", "", "q1"])
    results = rng.choice([(), (), (), (1,)])
    if rng.random() < 0.1 and name:
        sent.append(m.CS(name)), told.append(f"CS({name})")
    if rng.random() < (0.7 if name else 0.9):
        sent.append(m.P(name, text)), told.append(f"P({name}: {text})")
    if rng.random() < 0.3:
        sent.append(m.DS(name)), told.append(f"DS({name})")
    if rng.random() < 0.95:
        if rng.random() < 0.03:
            values = [*values, "extra"]
        sent.append(m.B(portal, name, values, results)), told.append(f"B({portal},{name},{values},{results})")
    if rng.random() < 0.5:
        sent.append(m.DP(portal)), told.append(f"DP({portal})")
    if rng.random() < 0.95:
        rows = rng.choice([0, 0, 0, 1, 2])
        for _ in range(rng.choice([1, 1, 1, 2])):
            sent.append(m.E(portal, rows)), told.append(f"E({portal},{rows})")
    if rng.random() < 0.1:
        sent.append(m.CP(portal)), told.append(f"CP({portal})")
    if rng.random() < 0.05:
        sent.append(m.H), told.append("H")


def as_extended(rng, texts):
    sent, told, answers = [], [], 1
    for text in texts:
        values = []
        if rng.random() < 0.15:
            text, values = rng.choice(PARAMETERS)
        one_extended(rng, text, values, sent, told)
        if rng.random() < 0.2:
            sent.append(m.S), told.append("S")
            answers += 1
        if rng.random() < 0.04:
            sent.append(m.Q(looks(rng) or "SELECT 1")), told.append("Q(...)")
            answers = -1
    sent.append(m.S), told.append("S")
    return b"".join(sent), answers, " ".join(told)


LINES = ["1\tx\n", "2\t\\N\n", "3\n", "x\ty\n", "4\ty\tz\n", "\\.\n", "5\tx\\ty\n"]


def copy_in(rng):
    t = rng.choice(TABLES)
    data = [m.d(rng.choice(LINES)) for _ in range(rng.randint(0, 3))]
    end = rng.choice([m.c, m.c, m.c, m.f("no more")])
    if rng.random() < 0.5:
        return m.Q(f"COPY {t} FROM STDIN") + b"".join(data) + end, 1, f"Q(COPY {t} FROM STDIN) {data} {end}"
    return (m.P("", f"COPY {t} FROM STDIN") + m.B() + m.E() + b"".join(data) + end + m.S, 1,
            f"P B E(COPY {t} FROM STDIN) {data} {end} S")


STARTUP = [("application_name", "me"), ("options", "-c work_mem=9MB -c geqo=off"), ("DateStyle", "SQL, DMY"), ("app.tenant", "mine"),
           ("search_path", "one"), ("TimeZone", "UTC"), ("statement_timeout", "50s"), ("role", "team"), ("nosuch", "1"),
           ("client_min_messages", "warning"), ("default_transaction_read_only", "on"), ("work_mem", "a lot")]


def shared(rng):
    """Clients with the same tables, sequences and channels, none with a transaction that lasts."""
    clients = {number: Login("app") for number in range(rng.choice([2, 3]))}
    chosen = [(subject, weight) for subject, weight in SUBJECTS
              if subject in (looks, settings, tables, prepared, channels, sequences, discards)]
    steps = []
    for _ in range(rng.randint(8, 20)):
        texts = [draw(rng, chosen) for _ in range(rng.choice([1, 1, 1, 2]))]
        steps.append((rng.choice(sorted(clients)), *rng.choice([as_query, as_query, as_extended])(rng, texts)))
    return clients, [step for step in steps if step[2] >= 0]


def says(number, sql, answers=1):
    """No answers: it is sent, and must be given time to begin to wait."""
    return number, m.Q(sql), answers, f"Q {sql}" + ("" if answers else " (waits)")


def hears(number):
    return number, b"", 1, "(hears)"


def waiting(rng):
    """One client has what the other one waits for, until it lets go, or the wait ends in another way."""
    steps = [says(0, "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (2, 'y'); CREATE SEQUENCE s"),
             says(1, "PREPARE p AS SELECT * FROM t; PREPARE r AS SELECT a FROM t")]
    holds, waits = rng.choice([
        (["SELECT pg_advisory_lock(1)"],
         ["SELECT pg_advisory_lock(1)", "SELECT nextval('s'), pg_advisory_xact_lock(1), 'got'",
          "SELECT pg_advisory_lock_shared(1), 'shared'", "SELECT 1; SELECT pg_advisory_lock(1); SELECT 2",
          "COPY (SELECT g, pg_advisory_lock(1) FROM generate_series(1,2) g) TO STDOUT"]),
        (["BEGIN", "ALTER TABLE t ADD COLUMN c int"],
         ["EXECUTE p", "EXECUTE r", "SELECT * FROM t", "INSERT INTO t VALUES (3)", "DROP TABLE t"]),
        (["BEGIN", "DROP TABLE t"],
         ["EXECUTE p", "SELECT count(*) FROM t", "DELETE FROM t", "ALTER TABLE t ADD COLUMN d int"]),
        (["BEGIN", "DELETE FROM t WHERE a = 1"], ["DELETE FROM t", "DELETE FROM t WHERE a = 1", "DROP TABLE t"]),
        (["BEGIN", "SELECT * FROM t"], ["DROP TABLE t", "ALTER TABLE t ADD COLUMN d int"]),
        (["BEGIN", "SAVEPOINT a", "SELECT pg_advisory_xact_lock(1)"], ["SELECT pg_advisory_lock(1)"]),
    ])
    lets_go = {"SELECT pg_advisory_lock(1)": ["SELECT pg_advisory_unlock(1)", "SELECT pg_advisory_unlock_all()", "DISCARD ALL"],
               "BEGIN": ["COMMIT", "ROLLBACK", "COMMIT"]}[holds[0]]
    steps += [says(0, sql) for sql in holds]
    limit = rng.choice([None, None, None, "statement_timeout", "lock_timeout"])
    if limit:
        steps.append(says(1, f"SET {limit} = 60"))
    if rng.random() < 0.3:
        steps.append(says(1, "BEGIN"))
    waiter = rng.choice(waits)
    steps.append(says(1, waiter, 0))
    if rng.random() < 0.25:
        steps.append((1, "cancel", 1, "(is cancelled)"))
    else:
        steps += ([] if limit else [says(0, rng.choice(lets_go))]) + [hears(1)]
    steps += [says(1, rng.choice(["COMMIT", "SELECT 'on'", "SELECT pg_advisory_unlock(1)", "SELECT lastval()"])),
              says(0, "ROLLBACK"), says(1, "ROLLBACK"), says(1, "SELECT pg_advisory_unlock_all()"),
              says(0, "SELECT pg_advisory_unlock_all()"), says(0, "SELECT * FROM t"), says(1, "EXECUTE p")]
    return {0: Login("app"), 1: Login("app")}, steps


def sleeping(rng):
    steps = [says(0, f"SET statement_timeout = {rng.choice(['100', '0'])}")]
    for _ in range(rng.randint(1, 3)):
        sql = rng.choice(["SELECT pg_sleep(0.02)", "SELECT 'x'; SELECT pg_sleep(0.3)", "BEGIN; SELECT pg_sleep(0.3)",
                          "SELECT g, pg_sleep(0.04) FROM generate_series(1,4) g",
                          "SELECT pg_sleep(0.06); SELECT pg_sleep(0.07); SELECT pg_sleep(0.001)"])
        if rng.random() < 0.3:
            steps += [says(0, sql.replace("0.0", "0.3"), 0), (0, "cancel", 1, "(is cancelled)")]
        else:
            steps.append(says(0, sql))
        steps.append(says(0, rng.choice(["COMMIT", "ROLLBACK", "SELECT 1"])))
    return {0: Login("app")}, steps


def defaults(rng):
    """Defaults of roles and databases, and what logs in afterwards: client 1 does so at its first step."""
    may_have = [s for s in SETTINGS
                if s[0] not in ("nosuch", "server_version", "max_connections", "is_superuser", "client_min_messages")]
    steps = []
    for _ in range(rng.randint(1, 4)):
        name, values = rng.choice(may_have)
        steps.append(says(0, rng.choice([
            f"ALTER ROLE app SET {name} = {values[0]}", f"ALTER DATABASE model SET {name} TO {values[0]}",
            f"ALTER ROLE app IN DATABASE model SET {name} TO {values[0]}", f"ALTER ROLE app RESET {name}",
            "ALTER ROLE app RESET ALL", f"ALTER ROLE nosuch SET {name} = {values[0]}"])))
    for _ in range(rng.randint(3, 6)):
        steps.append(says(1, rng.choice([settings, looks, settings, discards])(rng)))
    steps += [says(1, f"SHOW {name}") for name, _ in rng.sample(may_have, 4)]
    return {0: Login("app"), 1: Login("app")}, steps


def single(rng):
    users = ["app", "app", "app", "plain", "nobody"] if rng.random() < 0.1 else ["app"]
    clients = {}
    for number in range(rng.choice([1, 1, 1, 2])):
        params = rng.sample(STARTUP, rng.randint(1, 2)) if rng.random() < 0.25 else []
        clients[number] = Login(rng.choice(users), tuple(params))
    chosen = rng.sample(SUBJECTS, rng.randint(2, 6))
    # Rights on tables are not modelled.
    if users != ["app"] or any(subject is roles for subject, _ in chosen):
        chosen = [(s, w) for s, w in chosen if s not in (tables, sequences, prepared, cursors)] or [(looks, 1)]
    steps = []
    for _ in range(rng.randint(4, 14)):
        number = rng.choice(sorted(clients))
        if any(subject is tables for subject, _ in chosen) and rng.random() < 0.06 and len(clients) == 1:
            steps.append((number, *copy_in(rng)))
            continue
        texts = [draw(rng, chosen, len(clients) > 1) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        steps.append((number, *rng.choice([as_query, as_query, as_extended])(rng, texts)))
    # A pipeline with a Query in it has an uncertain number of answers.
    return clients, [step for step in steps if step[2] >= 0]


def draw(rng, chosen, alone=False):
    subject = rng.choices([s for s, _ in chosen], [w for _, w in chosen])[0]
    text = subject(rng)
    # Nobody may wait for another client.
    return "SELECT 'alone'" if alone and subject in (locks, tables, sequences) else text
