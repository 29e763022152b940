"""Rails, PHP with PDO and Laravel, node-postgres, Prisma."""

from harness import messages as m

from .batch import Batch, prepared, query, quiet, sent

RAILS_7 = [query("set client_encoding to 'unicode'"),  # PQsetClientEncoding() of libpq
           query("SET client_min_messages TO 'warning'"), query("SET search_path TO public"),
           quiet("SET standard_conforming_strings = on"), quiet("SET SESSION timezone TO 'UTC'"),
           query("SET intervalstyle = iso_8601")]
RAILS_7_AGAIN = [quiet("SET client_min_messages TO 'warning'"), quiet("SET search_path TO public"),
                 quiet("SET standard_conforming_strings = on"), quiet("SET SESSION timezone TO 'UTC'"),
                 quiet("SET intervalstyle = iso_8601")]

RAILS = [
    Batch("Rails", "connect", "7.0.0, postgresql_adapter.rb, configure_connection()",
          RAILS_7 + [query("SELECT t.oid, t.typname FROM pg_type as t WHERE t.typname IN ('int4', 'text')"),
                     query("SHOW max_identifier_length")] + RAILS_7_AGAIN),
    Batch("Rails", "connect, 8.1", "8.1.3, configure_connection() and reconfigure_connection_timezone()",
          [query("SET client_min_messages TO 'warning'"), quiet("SET standard_conforming_strings = on"),
           query("SET intervalstyle = iso_8601"), quiet("SET SESSION timezone TO 'UTC'")]),
    Batch("Rails", "connect, 8.2", "8.2.0.alpha, internal_set_config(), which leaves out what is reported already",
          [query("SET SESSION intervalstyle TO 'iso_8601'"), query("SET SESSION client_min_messages TO 'warning'"),
           query("SHOW search_path")]),
    Batch("Rails", "active?", "7.0.0 to 8.2.0.alpha, active?()", [query(";")]),
    Batch("Rails", "reset! of a fresh connection", "7.0.0 to 8.1.3, reset!()", [quiet("DISCARD ALL")] + RAILS_7),
    Batch("Rails", "reset! in a transaction", "7.0.0 to 8.1.3, reset!()",
          RAILS_7 + [query("BEGIN"), *prepared("a1", "select $1::int4", ["1"]), query("ROLLBACK"),
                     query("DISCARD ALL")] + RAILS_7),
    Batch("Rails", "a statement that the pool drops", "7.0.0 to 8.1.3, StatementPool#dealloc",
          [*prepared("a1", "select $1::int4", ["1"]), query("DEALLOCATE a1")]),
]


def pdo(number, sql):
    """PQprepare, PQexecPrepared and, when the statement object goes, DEALLOCATE."""
    name = f"pdo_stmt_{number:08x}"
    return [sent(m.P(name, sql), m.S), sent(m.B("", name, (), (0,)), m.DP(), m.E(), m.S), query(f"DEALLOCATE {name}")]


PHP = [
    Batch("PHP PDO", "statements", "PHP 5.1 to 8.3, ext/pdo_pgsql, pgsql_stmt_execute() and pgsql_stmt_dtor()",
          pdo(1, "select 1") + pdo(2, "select 2")),
    Batch("PHP PDO", "a transaction left open", "PHP 7 and 8, pgsql_handle_rollback(); PDO rolls back at the end",
          [query("BEGIN"), query("select 1"), query("ROLLBACK")]),
    Batch("PHP", "pg_pconnect() of an open connection", "PHP 5 to 8, ext/pgsql, php_pgsql_do_connect()",
          [quiet("RESET ALL;"), query("select 1"), quiet("RESET ALL;")]),
    Batch("Laravel", "connect", "PostgresConnector.php, connect()",
          pdo(1, "set names 'utf8'") + pdo(2, "set time zone 'Europe/Rome'") + pdo(3, 'set search_path to "public"')
          + pdo(4, "set application_name to 'shop'") + [query("show timezone")]),
]

NODE = [
    Batch("node-postgres", "connect, pool.query, release", "pg 8.23, client.js, getStartupConf(), and pg-protocol, "
          "startup(); a released client is not reset",
          [query("SELECT NOW() is not null"), query("BEGIN"), query("select 1"), query("ROLLBACK")],
          params=[("application_name", "worker"), ("client_encoding", "UTF8")]),
    Batch("node-postgres", "timeouts in the startup packet", "pg 8.23, getStartupConf()",
          [query("show statement_timeout"), query("show lock_timeout")],
          params=[("statement_timeout", "5000"), ("lock_timeout", "1000"), ("client_encoding", "UTF8")]),
    Batch("node-postgres", "a parameterised query", "pg 8.23, query.js, prepare()",
          [sent(m.P("", "select $1::int4"), m.B("", "", ["1"]), m.DP(), m.E(), m.S)],
          params=[("client_encoding", "UTF8")]),
]

PRISMA = [
    Batch("Prisma", "connect", "prisma-engines, quaint, native/mod.rs, set_search_path(): in the startup packet",
          [query("SELECT 1"), *prepared("s0", "SELECT $1::int4", ["1"])],
          params=[("client_encoding", "UTF8"), ("search_path", '"public"')]),
    Batch("Prisma", "connect with pgbouncer=true", "quaint, PostgreSql::new() and SetSearchPath",
          [query('SET search_path = "public";\n'), quiet('SET search_path = "public";\n')],
          params=[("client_encoding", "UTF8")]),
    Batch("Prisma", "a transaction with pgbouncer=true", "quaint, server_reset_query(): at the start of each",
          [query("BEGIN"), query("DEALLOCATE ALL"), *prepared("s0", "SELECT $1::int4", ["1"]),
           sent(m.CS("s0"), m.S), query("COMMIT")], params=[("client_encoding", "UTF8")]),
    Batch("Prisma", "a transaction's isolation level", "quaint, set_tx_isolation_level()",
          [query("BEGIN"), query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"), query("COMMIT")],
          params=[("client_encoding", "UTF8")]),
]

BATCHES = RAILS + PHP + NODE + PRISMA
