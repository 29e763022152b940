"""JDBC with HikariCP, Npgsql, pgx, lib/pq."""

from harness import messages as m

from .batch import Batch, prepared, query, quiet, sent, unnamed

JDBC_PARAMS = [("client_encoding", "UTF8"), ("DateStyle", "ISO"), ("TimeZone", "Europe/Rome"),
               ("extra_float_digits", "2")]


def jdbc(sql):
    """Connection.setReadOnly() and its like: no row is wanted, so Execute asks for one at most."""
    return sent(m.P("", sql), m.B(), m.E("", 1), m.S)


JDBC = [
    Batch("JDBC", "connect, 42.5", "42.5.5, ConnectionFactoryImpl, getParametersForStartup() and runInitialQueries()",
          [query("SET extra_float_digits = 3"), query("SET application_name = 'PostgreSQL JDBC Driver'"),
           quiet("SET extra_float_digits = 3"), quiet("SET application_name = 'PostgreSQL JDBC Driver'")],
          params=JDBC_PARAMS),
    Batch("JDBC", "connect", "42.7.13, the same", [query("SET application_name = 'PostgreSQL JDBC Driver'")],
          params=JDBC_PARAMS[:3]),
    Batch("JDBC", "connect to any primary", "42.7.13, isPrimary()", [query("show transaction_read_only")],
          params=JDBC_PARAMS[:3]),
    Batch("HikariCP", "the first connection", "6.0.0, PoolBase, checkDriverSupport(), with JDBC 42.7.13: isValid() and "
          "getTransactionIsolation()", [query(""), unnamed("SHOW TRANSACTION ISOLATION LEVEL")],
          params=JDBC_PARAMS[:3]),
    Batch("HikariCP", "hands out an idle connection", "6.0.0, isConnectionDead(), with JDBC's isValid()", [query("")],
          params=JDBC_PARAMS[:3]),
    Batch("HikariCP", "a connection comes back changed", "6.0.0, resetConnectionState(), with PgConnection's "
          "setReadOnly(), setTransactionIsolation() and setSchema()",
          [jdbc("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"),
           jdbc("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
           jdbc("SET SESSION search_path TO 'public'"),
           sent(m.P("", "BEGIN"), m.B(), m.E(), m.P("", "select 1"), m.B(), m.DP(), m.E(), m.S),
           sent(m.P("S_1", "ROLLBACK"), m.B("", "S_1"), m.E("", 1), m.S),
           jdbc("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"),
           jdbc("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"),
           jdbc("SET SESSION search_path TO '$user'")], params=JDBC_PARAMS[:3]),
]

NPGSQL_RESET = ("SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();"
                "DISCARD SEQUENCES;DISCARD TEMP")
NPGSQL_PARAMS = [("client_encoding", "UTF8")]

NPGSQL = [
    Batch("Npgsql", "loads the types", "10.0 and 11.0-preview, PostgresDatabaseInfo, LoadBackendTypes(), with shorter "
          "queries",
          [query("SELECT version();\nSELECT typname FROM pg_type WHERE oid = 25;\nSELECT enumlabel FROM pg_enum;")],
          params=NPGSQL_PARAMS),
    Batch("Npgsql", "return to the pool", "10.0 and 11.0-preview, NpgsqlConnector.Reset()",
          [quiet("DISCARD ALL"), quiet("DISCARD ALL")], params=NPGSQL_PARAMS),
    Batch("Npgsql", "return to the pool, sent with the next command", "10.0 and 11.0-preview, "
          "PrependInternalMessage(): the reset waits in the write buffer",
          [sent(m.Q("DISCARD ALL"), m.P("", "select $1::int4"), m.B("", "", ["1"]), m.DP(), m.E(), m.S)] * 2,
          params=NPGSQL_PARAMS),
    Batch("Npgsql", "a transaction after that", "10.0 and 11.0-preview, PregeneratedMessages",
          [sent(m.Q("DISCARD ALL"), m.Q("BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED"), m.P("", "select 1"), m.B(),
                m.DP(), m.E(), m.S), query("COMMIT")], params=NPGSQL_PARAMS),
    Batch("Npgsql", "return to the pool with prepared statements", "10.0 and 11.0-preview, GenerateResetMessage()",
          [*prepared("_p1", "select $1::int4", ["1"]), quiet(NPGSQL_RESET),
           sent(m.Q(NPGSQL_RESET), m.B("", "_p1", ["2"]), m.DP(), m.E(), m.S)], params=NPGSQL_PARAMS),
    Batch("Npgsql", "return to the pool in a transaction", "10.0 and 11.0-preview, Reset() and Rollback()",
          [sent(m.Q("BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED"), m.P("", "select 1"), m.B(), m.DP(), m.E(),
                m.S), query("ROLLBACK"), quiet("DISCARD ALL")], params=NPGSQL_PARAMS),
    Batch("Npgsql", "keepalive", "10.0 and 11.0-preview, PerformKeepAlive()", [sent(m.S)], params=NPGSQL_PARAMS),
    Batch("Npgsql", "host's state", "10.0 and 11.0-preview, QueryDatabaseState(): a batch of two commands",
          [sent(m.P("", "select pg_is_in_recovery()"), m.B(), m.DP(), m.E(),
                m.P("", "SHOW default_transaction_read_only"), m.B(), m.DP(), m.E(), m.S)], params=NPGSQL_PARAMS),
]

PGX = [
    Batch("pgx", "Ping() and the pool's idle check", "5.10, pgconn.go, Ping()", [query("-- ping"), query("-- ping")]),
    Batch("pgx", "DeallocateAll()", "5.10, conn.go",
          [*prepared("stmtcache_1", "select $1::int4", ["1"]), query("deallocate all"), quiet("deallocate all")]),
    Batch("pgx", "a cached statement that became invalid", "5.10, SendDeallocate() is a Close",
          [*prepared("stmtcache_1", "select $1::int4", ["1"]), sent(m.CS("stmtcache_1"), m.S)]),
    Batch("pgx", "target_session_attrs", "5.10, pgconn/config.go",
          [query("show transaction_read_only"), query("select pg_is_in_recovery()")]),
]

PQ_PARAMS = [("client_encoding", "UTF8"), ("datestyle", "ISO, MDY")]

PQ = [
    Batch("lib/pq", "Ping()", "1.12.3, conn.go; the startup packet of the same file", [query(";")], params=PQ_PARAMS),
    Batch("lib/pq", "listener's Ping() and UnlistenAll()", "1.12.3, notify.go",
          [query(""), quiet("UNLISTEN *"), quiet('UNLISTEN "a channel"')], params=PQ_PARAMS),
    Batch("lib/pq", "a transaction", "1.12.3, conn.go; ResetSession() sends nothing",
          [query("BEGIN"), sent(m.P("", "select $1::int4"), m.DS(""), m.S), sent(m.B("", "", ["1"]), m.E(), m.S),
           query("ROLLBACK")], params=PQ_PARAMS),
]

BATCHES = JDBC + NPGSQL + PGX + PQ
