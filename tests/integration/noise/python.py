"""asyncpg, psycopg2, psycopg 3, SQLAlchemy, Django."""

from harness import messages as m

from .batch import Batch, prepared, query, quiet, sent, unnamed

ASYNCPG_PARAMS = [("client_encoding", "'utf-8'")]  # with the quotes
ASYNCPG_RESET = "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;"
# coreproto.pyx, _prepare_and_describe and _bind_execute.
JIT_OFF = """
                    SELECT
                        current_setting('jit') AS cur,
                        set_config('jit', 'off', false) AS new
                    """
JIT_BACK = """
                SELECT
                    set_config('jit', $1, false)
                """

ASYNCPG = [
    Batch("asyncpg", "return to the pool", "0.27 to 0.31, Connection.get_reset_query(); the startup packet of "
          "coreproto.pyx, _connect", [quiet(ASYNCPG_RESET)] * 3, params=ASYNCPG_PARAMS),
    Batch("asyncpg", "return to the pool in a transaction", "0.27 to 0.31, Connection.reset()",
          [query("BEGIN;"), query("select 1"), query("ROLLBACK;\n" + ASYNCPG_RESET), quiet(ASYNCPG_RESET)],
          params=ASYNCPG_PARAMS),
    Batch("asyncpg", "introspection of a type", "0.29 to 0.31, Connection._introspect_types()",
          [*prepared("__asyncpg_stmt_1__", JIT_OFF), *prepared("__asyncpg_stmt_2__", "select typname from pg_type "
                                                                "where oid = $1", ["25"]),
           *prepared("__asyncpg_stmt_3__", JIT_BACK, ["on"]), query(ASYNCPG_RESET)], params=ASYNCPG_PARAMS),
    Batch("asyncpg", "a setting of the application, then return to the pool", "0.27 to 0.31",
          [query("SET statement_timeout = '5s'"), query("select 1"), quiet(ASYNCPG_RESET),
           query("show statement_timeout")], params=ASYNCPG_PARAMS),
]

PSYCOPG2 = [
    Batch("psycopg2", "connection.reset()", "2.9.5 and 2.9.12, pqpath.c, pq_reset_locked(), and connection_int.c, "
          "conn_setup()", [quiet("DISCARD ALL")]),
    Batch("psycopg2", "connection.reset() in a transaction", "2.9.5 and 2.9.12, pq_reset_locked()",
          [query("BEGIN"), query("select 1"), query("ABORT"), quiet("DISCARD ALL")]),
    Batch("psycopg2", "set_session() in autocommit, twice, and back",
          "2.9.5 and 2.9.12, connection_int.c, conn_set_session(), and pqpath.c, pq_set_guc_locked()",
          [query("SET default_transaction_isolation TO 'SERIALIZABLE'"),
           query("SET default_transaction_read_only TO 'on'"),
           quiet("SET default_transaction_isolation TO 'SERIALIZABLE'"),
           quiet("SET default_transaction_read_only TO 'on'"),
           quiet("SET default_transaction_isolation TO DEFAULT"),
           query("SET default_transaction_read_only TO DEFAULT"),
           query("show default_transaction_isolation"), query("show default_transaction_read_only")]),
    Batch("psycopg2", "set_client_encoding()", "2.9.5 and 2.9.12, conn_set_client_encoding(), which is silent when the "
          "encoding is the same", [query("SET client_encoding TO 'LATIN1'"), quiet("SET client_encoding TO 'LATIN1'"),
                                   query("SET client_encoding TO 'UTF8'"), quiet("SET client_encoding TO 'UTF8'")]),
    Batch("psycopg2", "connect to a database with another DateStyle", "2.9.5 and 2.9.12, conn_setup()",
          [query("SET datestyle TO 'ISO'")], params=[("DateStyle", "German, DMY")]),
    Batch("psycopg2", "return to the pool in a transaction", "2.9.5 and 2.9.12, pool.py, _putconn()",
          [query("BEGIN"), query("select 1"), query("ROLLBACK")]),
]

PSYCOPG3 = [
    Batch("psycopg 3", "the pool checks a connection", "3.3, psycopg_pool, ConnectionPool.check_connection()",
          [query(""), query("")]),
    Batch("psycopg 3", "return to the pool in a transaction", "3.1 to 3.3, _reset_connection() and _rollback_gen()",
          [query("BEGIN"), *prepared("_pg3_0", "select $1::int4", ["1"]), query("ROLLBACK"), query("DEALLOCATE ALL"),
           quiet("DEALLOCATE ALL")]),
    Batch("psycopg 3", "a prepared statement that the cache drops", "3.1 (DEALLOCATE) and 3.2 (Close), _deallocate()",
          [*prepared("_pg3_0", "select $1::int4", ["1"]), query("DEALLOCATE _pg3_0"),
           *prepared("_pg3_1", "select $1::int4", ["1"]), sent(m.CS("_pg3_1"), m.S), quiet("DEALLOCATE ALL")]),
]

SQLALCHEMY = [
    Batch("SQLAlchemy", "first connect", "2.1.0b4, engine/default.py, initialize(), and dialects/postgresql/base.py",
          [query("BEGIN"), query("select pg_catalog.version()"), query("select current_schema()"),
           query("show transaction isolation level"), query("show standard_conforming_strings"), query("ROLLBACK")]),
    Batch("SQLAlchemy", "pool_pre_ping with psycopg", "2.1.0b4, _psycopg_common.py, do_ping()", [query("SELECT 1")]),
    Batch("SQLAlchemy", "pool_pre_ping with asyncpg", "2.1.0b4, dialects/postgresql/asyncpg.py, _async_ping()",
          [query("BEGIN;"), *prepared("__asyncpg_stmt_1__", ";"), query("ROLLBACK;")], params=ASYNCPG_PARAMS),
    Batch("SQLAlchemy", "isolation level of an engine", "2.1.0b4, base.py, set_isolation_level()",
          [query("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ"), query("BEGIN"),
           query("COMMIT"), quiet("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ")]),
    Batch("SQLAlchemy", "the reset that its manual recommends", "2.1.0b4, base.py, 'Temporary Table / Resource Reset "
          "for Connection Pooling'", [quiet("CLOSE ALL"), quiet("RESET ALL"), quiet("DISCARD TEMP")]),
]

DJANGO = [
    Batch("Django", "connect, time zone as the server's", "up to 4.1, base.py, ensure_timezone(): nothing is sent",
          [query("SELECT 1")]),
    Batch("Django", "connect, another time zone", "up to 4.1, operations.py, set_time_zone_sql()",
          [query("SET TIME ZONE 'Europe/Rome'"), quiet("SET TIME ZONE 'Europe/Rome'"), query("show timezone")]),
    Batch("Django", "connect, another time zone, since 4.2", "4.2 and later, operations.py, set_time_zone_sql()",
          [query("SELECT set_config('TimeZone', 'Europe/Rome', false)"), query("show timezone")],
          params=[("client_encoding", "UTF8")]),
    Batch("Django", "assume_role", "4.2 and later, base.py, _configure_role()",
          [query("SET ROLE 'team'"), query("select current_user")]),
    Batch("Django", "is_usable()", "1.11 and later, base.py", [query("SELECT 1")]),
    Batch("Django", "server-side binding", "4.2 and later with psycopg 3: the extended protocol",
          [unnamed("SELECT set_config('TimeZone', $1, false)", ["Europe/Rome"]), query("show timezone")]),
]

BATCHES = ASYNCPG + PSYCOPG2 + PSYCOPG3 + SQLALCHEMY + DJANGO
