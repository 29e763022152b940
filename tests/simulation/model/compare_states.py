"""Scripts for compare.py about what a server takes: a standby's, one's that is promoted, and those of a server that begins and
ceases to be read-only under its sessions.
"""

from compare_logins import Login
from compare_scripts import (STARTUP, SUBJECTS, as_extended, as_query, channels, draw, looks, roles, says, sequences,
                             settings, tables, transactions)

# What a standby has. It was written before it became one.
PREPARATION = ("create schema if not exists one; create schema if not exists two; create table t (a int, b text); "
               "insert into t values (1, 'x'), (2, null); create table u (a int); create table one.t (a int, b text); "
               "insert into one.t values (7, 'y'); create sequence s; select nextval('s')")

READ_ONLY = ["SHOW transaction_read_only", "SHOW in_hot_standby", "SHOW default_transaction_read_only",
             "SELECT pg_is_in_recovery()", "BEGIN READ WRITE", "SET TRANSACTION READ WRITE", "SET transaction_read_only = off",
             "START TRANSACTION READ ONLY", "SET default_transaction_read_only = off", "SET default_transaction_read_only = on",
             "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "BEGIN ISOLATION LEVEL SERIALIZABLE",
             "BEGIN ISOLATION LEVEL REPEATABLE READ", "SET LOCAL transaction_read_only = on",
             "SELECT set_config('transaction_read_only', 'off', true)", "INSERT INTO t VALUES (3)", "DELETE FROM t",
             "CREATE TEMP TABLE w (a int)", "SELECT nextval('s')", "LISTEN ch", "UNLISTEN *", "NOTIFY ch",
             "ALTER ROLE app SET work_mem = '7MB'", "COPY t FROM STDIN", "COPY t TO STDOUT", "COMMIT", "ROLLBACK"]


def read_only(rng):
    return rng.choice(READ_ONLY)


def any_steps(rng, numbers, subjects, count):
    steps = []
    for _ in range(count):
        texts = [draw(rng, subjects, len(numbers) > 1) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        step = rng.choice([as_query, as_query, as_extended])(rng, texts)
        # The server waits for data only where it takes them. A pipeline with a Query has an uncertain number of answers.
        if step[1] >= 0 and "FROM STDIN" not in step[2]:
            steps.append((rng.choice(numbers), *step))
    return steps


def of_standby(rng):
    # Rights on tables are not modelled.
    chosen = [(read_only, 8), *rng.sample([each for each in SUBJECTS if each[0] is not roles], rng.randint(2, 6))]
    clients = {number: Login("app", tuple(rng.sample(STARTUP, 1)) if rng.random() < 0.25 else ())
               for number in range(rng.choice([1, 1, 2]))}
    steps = any_steps(rng, sorted(clients), chosen, rng.randint(4, 14))
    if rng.random() < 0.2:
        steps.insert(rng.randrange(len(steps) + 1), says(0, "COPY t FROM STDIN"))
    return clients, steps


def of_promotion(rng):
    """Sessions, and a transaction, that were there before the standby was promoted; and one that comes behind it."""
    clients = {number: Login("app") for number in range(4)}
    before, behind = [(read_only, 4), (looks, 1)], [(read_only, 3), (tables, 2), (sequences, 1), (channels, 1)]
    steps = any_steps(rng, [0, 1], before, 3)
    steps += [says(0, "ROLLBACK"), says(1, "ROLLBACK"), says(0, rng.choice(["BEGIN", "SELECT 1", "BEGIN; SELECT * FROM t"])),
              says(2, rng.choice(["SELECT pg_promote()", "BEGIN; SELECT pg_promote(); COMMIT"])),
              says(2, "SELECT pg_promote()"), says(0, "INSERT INTO t VALUES (4)"), says(0, "SHOW transaction_read_only"),
              says(0, "ROLLBACK")]
    for number in (0, 1, 3):
        steps += any_steps(rng, [number], behind, 4) + [says(number, "ROLLBACK")]
    return clients, steps


def out_of_service(rng):
    """ALTER SYSTEM SET default_transaction_read_only and a reload, under sessions of which some are in a transaction."""
    chosen = [(read_only, 5), (transactions, 2), (settings, 1), (tables, 2), (looks, 1)]
    clients = {0: Login("app"), 1: Login("app", (("default_transaction_read_only", "off"),)), 2: Login("app")}
    steps = [says(0, "CREATE TABLE t (a int, b text); CREATE SEQUENCE s")]
    steps += any_steps(rng, [0], chosen, 3) + [says(1, "SELECT 1")]
    steps += [(0, "read-only on", 0, "(the server takes no writes)")]
    steps += any_steps(rng, [0], chosen, 5) + [says(0, "ROLLBACK")]
    steps += any_steps(rng, [1], [(read_only, 1)], 2) + [says(1, "ROLLBACK")]
    steps += any_steps(rng, [2], [(looks, 1), (read_only, 2)], 3) + [says(2, "ROLLBACK")]
    steps += [(0, "read-only off", 0, "(the server takes writes)")]
    steps += any_steps(rng, [0], chosen, 4) + [says(0, "ROLLBACK")] + any_steps(rng, [2], chosen, 3)
    return clients, steps
