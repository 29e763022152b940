"""psql, pgbench, pg_dump and pg_restore through the pool."""

import os
import shutil
import subprocess

import pytest

from harness.cluster import DATABASES
from harness.waiting import repetitions, seconds

CLIENT_BIN = "/usr/lib/postgresql/15/bin"


@pytest.fixture(params=[1, 10])
def endpoint(request, shared):
    return shared(f"size{request.param}", max_size=request.param)


def run(endpoint, program, *arguments, database="app", stdin=None, good=True, timeout=90):
    path = shutil.which(program, path=CLIENT_BIN + os.pathsep + os.environ["PATH"])
    done = subprocess.run([path, *arguments], env=endpoint.environment(database=database), capture_output=True,
                          text=True, input=stdin or "", timeout=seconds(timeout))
    assert (done.returncode == 0) == good, f"{program}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def psql(endpoint, sql, *options, **more):
    return run(endpoint, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *options, stdin=sql, **more)


@pytest.fixture
def bench(cluster, direct):
    """A pgbench database, made directly."""
    run(direct, "pgbench", "-i", "-q", "-s", "1")
    yield
    cluster.execute("drop table if exists pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers",
                    "app")


PSQL = """create table tool (id int, v text);
begin; insert into tool values (1, 'a'); commit;
\\copy tool from pstdin
2\tb
\\.
select id, v from tool order by id;
\\copy tool to pstdout
\\d tool
select 7 as seven \\gset
\\echo :seven
drop table tool;
"""


def needs_matching_tools(cluster):
    if cluster.version() > 15:
        pytest.skip("Debian's psql and pg_dump are of version 15 and do not know later servers")


def test_psql(endpoint):
    out = psql(endpoint, PSQL)
    assert out.startswith("1|a\n2|b\n1\ta\n2\tb\n") and out.endswith("\n7\n")


def test_psql_errors_and_recovery(endpoint):
    out = run(endpoint, "psql", "-X", "-q", "-A", "-t", stdin="selekt 1;\nselect 'after';\nbegin;\nselect 1/0;\n"
              "select 'never';\nrollback;\nselect 'again';\n\\set ON_ERROR_ROLLBACK on\nbegin;\nselect 1/0;\n"
              "select 'saved';\ncommit;\n")
    assert "after" in out and "never\n" not in out and "again" in out and "saved" in out
    assert "current transaction is aborted" in out


def test_psql_settings_and_catalog_commands(endpoint, cluster):
    needs_matching_tools(cluster)
    out = psql(endpoint, "set timezone to 'Asia/Tokyo';\nshow timezone;\n\\encoding LATIN1\n\\encoding\n\\dt\n\\l\n"
               "\\conninfo\nselect current_setting('work_mem');\n")
    assert "Asia/Tokyo" in out and "LATIN1" in out and "4MB" in out
    assert psql(endpoint, "show timezone;\nshow client_encoding;\n") == "UTC\nUTF8\n"


def test_psql_reads_a_large_result(endpoint):
    out = psql(endpoint, "select repeat('x', 100) from generate_series(1, 50000);\n")
    assert out.count("\n") == 50000


def test_pgbench_initialises(endpoint, cluster):
    run(endpoint, "pgbench", "-i", "-q", "-s", "1")
    assert cluster.execute("select count(*) from pgbench_accounts", "app") == [(100000,)]
    cluster.execute("drop table pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers", "app")


# pgbench blocks a whole thread while it prepares a statement of one client, and the other clients of that thread may
# hold the backends in their transactions: with more clients than backends, prepared mode needs single statements.
@pytest.mark.parametrize("mode, options", [
    ("simple", []), ("extended", []), ("prepared", ["-S"]),
    ("simple", ["-C"]), ("extended", ["-C"]), ("prepared", ["-S", "-C"]), ("simple", ["-S"]), ("extended", ["-S"])])
def test_pgbench(endpoint, bench, cluster, mode, options):
    clients, transactions = 20, repetitions(5 if "-C" in options else 50, least=2)
    out = run(endpoint, "pgbench", "-n", "-M", mode, "-c", str(clients), "-j", "2", "-t", str(transactions), *options)
    assert f"transactions actually processed: {clients * transactions}/{clients * transactions}" in out, out
    assert "number of failed transactions: 0 " in out, out
    if "-S" not in options:
        (total, history), = cluster.execute(
            "select (select sum(abalance) from pgbench_accounts) - (select coalesce(sum(delta), 0) from pgbench_history),"
            " (select count(*) from pgbench_history)", "app")
        assert (total, history) == (0, clients * transactions)


def test_pgbench_prepared_with_as_many_clients_as_backends(endpoint, bench):
    out = run(endpoint, "pgbench", "-n", "-M", "prepared", "-c", "1", "-t", str(repetitions(100, least=20)))
    assert "number of failed transactions: 0 " in out


def content(cluster, database):
    return cluster.execute("""
        select (select md5(string_agg(t::text, E'\\n' order by aid)) from pgbench_accounts t),
               (select md5(string_agg(t::text, E'\\n' order by bid)) from pgbench_branches t),
               (select md5(string_agg(t::text, E'\\n' order by tid)) from pgbench_tellers t),
               (select count(*) from pgbench_history),
               (select string_agg(indexdef, E'\\n' order by indexname) from pg_indexes where schemaname = 'public')""",
                           database)


@pytest.mark.parametrize("form", ["plain", "custom", "inserts"])
def test_dump_and_restore(endpoint, bench, cluster, tmp_path, form):
    needs_matching_tools(cluster)
    assert DATABASES == ("app", "other")
    run(endpoint, "pgbench", "-n", "-c", "1", "-t", "20")
    dump = tmp_path / "dump"
    try:
        if form == "custom":
            run(endpoint, "pg_dump", "-Fc", "-t", "pgbench_*", "-f", str(dump))
            run(endpoint, "pg_restore", "--no-owner", "-d", "other", str(dump), database="other")
        else:
            options = ["--inserts", "--rows-per-insert=500"] if form == "inserts" else []
            run(endpoint, "pg_dump", "-t", "pgbench_*", "-f", str(dump), *options)
            run(endpoint, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(dump), database="other")
        assert content(cluster, "app") == content(cluster, "other")
    finally:
        cluster.execute("drop table if exists pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers",
                        "other")


@pytest.mark.pooled
def test_a_dump_leaves_no_trace_for_the_next_client(endpoint, bench, cluster, tmp_path):
    """pg_dump sets search_path to nothing, and much else."""
    needs_matching_tools(cluster)
    with endpoint.wire() as wire:
        before = wire.query("select name, setting from pg_settings order by name")
        run(endpoint, "pg_dump", "-f", str(tmp_path / "dump"), "-t", "pgbench_branches")
        assert wire.query("select name, setting from pg_settings order by name") == before
