"""psycopg2, psycopg 3 and asyncpg at their usual work, over one backend and over ten."""

import asyncio
import io
import threading

import asyncpg
import psycopg
import psycopg2
import psycopg2.errors
import psycopg2.extras
import pytest

from harness.waiting import repetitions, seconds, until


@pytest.fixture(params=[1, 10])
def endpoint(request, shared):
    return shared(f"size{request.param}", max_size=request.param)


@pytest.fixture
def table(admin):
    with admin.cursor() as cursor:
        cursor.execute("drop table if exists items; create table items (id serial primary key, v text unique);"
                       "grant all on items to public; grant all on sequence items_id_seq to public")
        yield
        cursor.execute("drop table items")


def running(admin, text):
    with admin.cursor() as cursor:
        cursor.execute("select 1 from pg_stat_activity where state = 'active' and usename = 'app' and query like %s",
                       (f"%{text}%",))
        return cursor.fetchone()


# --- psycopg2 -------------------------------------------------------------------------------------------------


def test_psycopg2_transactions_and_errors(endpoint, table):
    connection = endpoint.psycopg2()
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into items (v) values (%s), (%s) returning id", ("a", "b"))
        assert len(cursor.fetchall()) == 2
    with pytest.raises(psycopg2.errors.UniqueViolation):
        with connection, connection.cursor() as cursor:
            cursor.execute("insert into items (v) values ('a')")
    with pytest.raises(psycopg2.errors.SyntaxError):
        connection.cursor().execute("selekt 1")
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        connection.cursor().execute("select 1")
    connection.rollback()
    with connection, connection.cursor() as cursor:
        cursor.execute("savepoint s; insert into items (v) values ('c'); rollback to s")
        cursor.execute("select count(*) from items")
        assert cursor.fetchone() == (2,)
    connection.autocommit = True
    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute("select id, v from items order by v")
        assert [row["v"] for row in cursor] == ["a", "b"]
        psycopg2.extras.execute_values(cursor, "insert into items (v) values %s", [(f"x{n}",) for n in range(500)])
        cursor.execute("select count(*) from items")
        assert cursor.fetchone()["count"] == 502
    connection.close()


def test_psycopg2_copy_and_cursors(endpoint, table):
    connection = endpoint.psycopg2()
    with connection, connection.cursor() as cursor:
        lines = "".join(f"{n}\tv{n}\n" for n in range(1, 5001))
        cursor.copy_expert("copy items (id, v) from stdin", io.StringIO(lines))
        out = io.StringIO()
        cursor.copy_expert("copy (select id, v from items order by id) to stdout", out)
        assert out.getvalue() == lines
    with pytest.raises(psycopg2.errors.InvalidTextRepresentation):
        with connection, connection.cursor() as cursor:
            cursor.copy_expert("copy items (id, v) from stdin", io.StringIO("not a number\tx\n" * 1000))
    with connection, connection.cursor("server_side") as cursor:
        cursor.itersize = 100
        cursor.execute("select id from items order by id")
        assert sum(row[0] for row in cursor) == 5000 * 5001 // 2
    connection.close()


def test_psycopg2_settings_notices_and_isolation(endpoint):
    connection = endpoint.psycopg2(options="-c statement_timeout=7s", application_name="drivers")
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    with connection, connection.cursor() as cursor:
        cursor.execute("show transaction_isolation")
        assert cursor.fetchone() == ("repeatable read",)
        cursor.execute("show statement_timeout")
        assert cursor.fetchone() == ("7s",)
        cursor.execute("do $$ begin raise notice 'noted'; end $$")
        assert "noted" in connection.notices[-1]
    connection.set_client_encoding("LATIN1")
    assert connection.encoding in ("LATIN1", "ISO88591", "ISO_8859_1")
    with connection, connection.cursor() as cursor:
        cursor.execute("select %s", ("\u00e9",))
        assert cursor.fetchone() == ("\u00e9",)
    connection.close()


def test_psycopg2_cancel(endpoint, admin):
    connection = endpoint.psycopg2()
    failed = []

    def sleep():
        try:
            connection.cursor().execute("select pg_sleep(30) /* psycopg2 */")
        except psycopg2.errors.QueryCanceled as error:
            failed.append(error)

    thread = threading.Thread(target=sleep)
    thread.start()
    until(lambda: running(admin, "/* psycopg2 */"), "the query runs")
    connection.cancel()
    thread.join(seconds(10))
    assert failed
    connection.rollback()
    with connection, connection.cursor() as cursor:
        cursor.execute("select 1")
    connection.close()


# --- psycopg 3 ------------------------------------------------------------------------------------------------


def conninfo(endpoint):
    return psycopg.conninfo.make_conninfo(sslmode="disable", **endpoint.address())


def test_psycopg3_transactions_errors_and_prepared_statements(endpoint, table):
    clients = [psycopg.connect(conninfo(endpoint), prepare_threshold=1, autocommit=True) for _ in range(4)]
    for turn in range(repetitions(15, least=6)):
        for number, connection in enumerate(clients):
            assert connection.execute("select %s::int + %s::int", (number, turn)).fetchone() == (number + turn,)
    for number, connection in enumerate(clients):
        with connection.transaction():
            connection.execute("insert into items (v) values (%s)", (f"v{number}",))
            with pytest.raises(psycopg.errors.UniqueViolation):
                with connection.transaction():
                    connection.execute("insert into items (v) values (%s)", (f"v{number}",))
            connection.execute("insert into items (v) values (%s)", (f"w{number}",))
        assert connection.execute("select count(*) from items").fetchone() == (2 * number + 2,)
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("select * from missing where id = %s", (1,))
        assert connection.execute("select %s::text", ("after",)).fetchone() == ("after",)
        connection.close()


def test_psycopg3_more_prepared_statements_than_it_keeps(endpoint):
    with psycopg.connect(conninfo(endpoint), prepare_threshold=0, autocommit=True) as connection:
        connection.prepared_max = 5
        for turn in range(3):
            for number in range(15):
                assert connection.execute(f"select {number} + %s::int", (turn,)).fetchone() == (number + turn,)


def test_psycopg3_copy_and_cursors(endpoint, table):
    with psycopg.connect(conninfo(endpoint)) as connection:
        with connection.cursor() as cursor:
            with cursor.copy("copy items (id, v) from stdin") as copy:
                for number in range(1, 2001):
                    copy.write_row((number, f"v{number}"))
            with cursor.copy("copy (select id from items order by id) to stdout") as copy:
                assert [int(row[0]) for row in copy.rows()] == list(range(1, 2001))
            with pytest.raises(psycopg.errors.QueryCanceled):
                with cursor.copy("copy items (id, v) from stdin") as copy:
                    copy.write_row((9999, "never"))
                    raise RuntimeError("the program changed its mind")
        connection.rollback()
        with connection.cursor(binary=True) as cursor:
            assert cursor.execute("select %b::int8, %t::text", (7, "x")).fetchone() == (7, "x")
        with connection.cursor("named") as cursor:
            assert len(cursor.execute("select generate_series(1, 500)").fetchall()) == 500


def test_psycopg3_pipeline(endpoint, table):
    with psycopg.connect(conninfo(endpoint), autocommit=True) as connection:
        with connection.pipeline(), connection.cursor() as cursor:
            for number in range(200):
                cursor.execute("insert into items (v) values (%s)", (f"p{number}",))
        assert connection.execute("select count(*) from items").fetchone() == (200,)
        with pytest.raises(psycopg.errors.DivisionByZero):
            with connection.pipeline():
                connection.execute("insert into items (v) values ('lost')")
                connection.execute("select 1/0")
                connection.execute("insert into items (v) values ('skipped')")
        assert connection.execute("select count(*) from items").fetchone() == (200,)
        with connection.pipeline() as pipeline:
            first = connection.execute("select 1")
            pipeline.sync()
            second = connection.execute("select 2")
            assert (first.fetchone(), second.fetchone()) == ((1,), (2,))
        with connection.transaction(), connection.pipeline():
            cursors = [connection.execute("select %s::int", (n,)) for n in range(50)]
            assert [c.fetchone()[0] for c in cursors] == list(range(50))


def test_psycopg3_cancel(endpoint, admin):
    with psycopg.connect(conninfo(endpoint), autocommit=True) as connection:
        failed = []

        def sleep():
            try:
                connection.execute("select pg_sleep(30) /* psycopg3 */")
            except psycopg.errors.QueryCanceled as error:
                failed.append(error)

        thread = threading.Thread(target=sleep)
        thread.start()
        until(lambda: running(admin, "/* psycopg3 */"), "the query runs")
        connection.cancel()
        thread.join(seconds(10))
        assert failed
        assert connection.execute("select 1").fetchone() == (1,)


# --- asyncpg --------------------------------------------------------------------------------------------------


def asyncpg_address(endpoint):
    address = endpoint.address()
    address["database"] = address.pop("dbname")
    return {**address, "ssl": False, "timeout": 20}


async def asyncpg_work(endpoint, admin):
    connection = await asyncpg.connect(**asyncpg_address(endpoint))
    try:
        assert await connection.fetchval("select $1::int + 1", 41) == 42
        async with connection.transaction():
            await connection.execute("insert into items (v) values ($1)", "a")
            with pytest.raises(asyncpg.UniqueViolationError):
                async with connection.transaction():
                    await connection.execute("insert into items (v) values ($1)", "a")
            assert await connection.fetchval("select count(*) from items") == 1
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await connection.fetch("selekt 1")
        await connection.executemany("insert into items (v) values ($1)", [(f"m{n}",) for n in range(300)])
        statement = await connection.prepare("select v from items where id = $1")
        assert await statement.fetchval(1) == "a"
        async with connection.transaction():
            rows = [row["v"] async for row in connection.cursor("select v from items order by id", prefetch=50)]
        assert len(rows) == 301
        await connection.copy_records_to_table("items", records=[(n, f"c{n}") for n in range(1000, 2000)],
                                               columns=["id", "v"])
        out = io.BytesIO()
        await connection.copy_from_query("select id from items where id >= 1000 order by id", output=out)
        assert out.getvalue().split() == [str(n).encode() for n in range(1000, 2000)]
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("set statement_timeout to '50ms'; select pg_sleep(5)")
        await connection.reset()
        with pytest.raises(asyncio.TimeoutError):
            await connection.fetchval("select pg_sleep(20) /* asyncpg */", timeout=0.3)
        assert await connection.fetchval("select 'after'") == "after"
    finally:
        await connection.close()


def test_asyncpg(endpoint, table, admin):
    asyncio.run(asyncpg_work(endpoint, admin))


async def asyncpg_pool(endpoint):
    async with asyncpg.create_pool(min_size=5, max_size=20, **asyncpg_address(endpoint)) as pool:
        async def one(number):
            async with pool.acquire() as connection:
                async with connection.transaction():
                    return await connection.fetchval("select $1::int * 2", number)

        assert await asyncio.gather(*(one(n) for n in range(200))) == [2 * n for n in range(200)]


def test_asyncpg_pool(endpoint):
    """asyncpg resets each connection on release with a batch of statements of its own."""
    asyncio.run(asyncpg_pool(endpoint))
