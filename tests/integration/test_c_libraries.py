"""What functions in C leave in their session: known by their library, and suspected where that is not known."""

import os
import shutil
import subprocess

import pytest

from harness import messages as m
from harness.cluster import BIN
from harness.waiting import until

# Two functions that share a variable, and the magic blocks of PostgreSQL 15 to 17 and of 18 without its headers.
SOURCE = r"""
#include <stdint.h>
#if VERSION >= 1800
struct magic { int len; int version, args, keys, name, byval; char extra[32]; const char *module, *number; };
static const struct magic data = { sizeof(struct magic), VERSION, 100, 32, 64, 1, "PostgreSQL", 0, 0 };
#else
struct magic { int len, version, args, keys, name, byval; char extra[32]; };
static const struct magic data = { sizeof(struct magic), VERSION, 100, 32, 64, 1, "PostgreSQL" };
#endif
const struct magic *Pg_magic_func(void) { return &data; }
static const struct { int api; } one = { 1 };
static int64_t kept;
const void *pg_finfo_keep_one_more(void) { return &one; }
const void *pg_finfo_how_many_kept(void) { return &one; }
int64_t keep_one_more(void *call) { return ++kept; }
int64_t how_many_kept(void *call) { return kept; }
"""


@pytest.fixture(scope="module")
def libraries(cluster):
    """Where the server finds copies of its own libraries under other names, and may read them."""
    directory = cluster.directory / "libraries"
    directory.mkdir()
    directory.chmod(0o755)
    return directory


def copy(libraries, name, to):
    if not (BIN / "pg_config").is_file():
        pytest.skip("a server without pg_config, which tells where its libraries are")
    own = subprocess.run([str(BIN / "pg_config"), "--pkglibdir"], capture_output=True, text=True, check=True)
    shutil.copy(os.path.join(own.stdout.strip(), f"{name}.so"), libraries / f"{to}.so")
    return libraries / to


@pytest.fixture(scope="module")
def homemade(cluster, libraries):
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    version = int(cluster.execute("show server_version_num")[0][0]) // 100
    (libraries / "homemade.c").write_text(SOURCE)
    subprocess.run(["gcc", "-shared", "-fPIC", f"-DVERSION={version}", "-o", str(libraries / "homemade.so"),
                    str(libraries / "homemade.c")], check=True)
    for name in ("keep_one_more", "how_many_kept"):
        cluster.execute(f"create function {name}() returns bigint language c as '{libraries}/homemade', '{name}'", "app")
    cluster.execute("create function keeps() returns bigint language plpgsql as $$ begin return keep_one_more(); end $$",
                    "app")


def pins(endpoint, reason):
    return endpoint.metric("pgweir_pins_total", database="app", reason=reason)


def pinned(endpoint, reason):
    return endpoint.metric("pgweir_pinned_sessions", database="app", reason=reason)


@pytest.mark.own
@pytest.mark.parametrize("call", ["keep_one_more()", "keeps()"])
def test_what_an_unknown_library_keeps_stays_with_its_client(homemade, start, call):
    """And the connection that has it is closed when the client leaves."""
    endpoint = start(max_size=2, audit_every=0, pin_notice=True)
    with endpoint.wire() as mine:
        assert mine.value(f"select {call}") == "1"
        until(lambda: pinned(endpoint, "unknown_code") == 1, "the client is pinned")
        backend = mine.value("select pg_backend_pid()")
        for _ in range(3):
            with endpoint.wire() as other:
                assert other.value("select pg_backend_pid()") != backend
        assert mine.value(f"select {call}") == "2"
    until(lambda: pinned(endpoint, "unknown_code") == 0, "the client has left")
    for _ in range(3):
        with endpoint.wire() as other:
            assert other.value("select how_many_kept()") == "0"
    assert any("unknown_code" in line and "SELECT" in line for line in endpoint.log_text().splitlines()
               if "session_pinned" in line)


@pytest.mark.own
def test_an_unknown_library_that_is_trusted_costs_nothing(homemade, start):
    endpoint = start(max_size=1, audit_every=0, unknown_code="trust")
    with endpoint.wire() as first, endpoint.wire() as second:
        assert [first.value("select keep_one_more()"), second.value("select keep_one_more()")] == ["1", "2"]
        asked = endpoint.metric("pgweir_state_checks_total", database="app")
        assert first.value("select keep_one_more()") == "3"
        assert endpoint.metric("pgweir_state_checks_total", database="app") == asked
    assert pins(endpoint, "unknown_code") == 0


@pytest.mark.own
def test_a_known_library_under_another_name_is_not_known(cluster, libraries, start):
    """What it has that leaves something is known all the same."""
    trgm, isn = copy(libraries, "pg_trgm", "mine"), copy(libraries, "isn", "mine_too")
    cluster.execute(f"create function likeness(text, text) returns real strict language c as '{trgm}', 'similarity';"
                    f"create function be_lax(boolean) returns boolean language c as '{isn}', 'accept_weak_input';"
                    f"create function is_lax() returns boolean language c as '{isn}', 'weak_input_status'", "app")
    endpoint = start(max_size=2, audit_every=0)
    with endpoint.wire() as mine:
        assert mine.value("select likeness('a', 'a')") == "1"
        until(lambda: pinned(endpoint, "unknown_code") == 1, "the client is pinned")
    trusting = start(max_size=2, audit_every=0, unknown_code="trust")
    with trusting.wire() as mine:
        assert mine.value("select likeness('a', 'a')") == "1"
        assert mine.value("select be_lax(true)") == "t"
        until(lambda: pinned(trusting, "session_function") == 1, "the client is pinned")
        with trusting.wire() as other:
            assert other.value("select is_lax()") == "f"
    assert pins(trusting, "unknown_code") == 0


@pytest.mark.own
def test_a_known_library_is_known_under_any_name_of_its_functions(cluster, start):
    cluster.execute("create extension if not exists isn", "app")
    cluster.execute("create function be_weak(boolean) returns boolean language c as '$libdir/isn', 'accept_weak_input'", "app")
    endpoint = start(max_size=2, audit_every=0)
    with endpoint.wire() as mine:
        assert mine.value("select be_weak(true)") == "t"
        until(lambda: pinned(endpoint, "session_function") == 1, "the client is pinned")
        with endpoint.wire() as other:
            assert other.value("select isn_weak()") == "f"


# Functions, an operator's and a trigger's, of libraries that leave nothing behind.
KNOWN = {"pg_trgm": "select similarity('a', 'b'), 'a' % 'b'", "hstore": "select hstore('a', 'b') -> 'a'",
         "pgcrypto": "select crypt('a', gen_salt('des'))", "uuid-ossp": "select uuid_generate_v4()",
         "btree_gist": "select int4_dist(1, 2)", "citext": "select citext_eq('a'::citext, 'b'::citext)",
         "dblink": "select dblink_get_connections()", "fuzzystrmatch": "select levenshtein('a', 'b')",
         "intarray": "select sort('{2,1}'::int[])", "unaccent": "select unaccent('a')",
         "moddatetime": "insert into touched values (1)"}


@pytest.mark.own
def test_known_libraries_cost_nothing(cluster, start):
    cluster.execute("create table touched (a int, at timestamp); grant all on touched to app", "app")
    for extension in KNOWN:
        cluster.execute(f'create extension if not exists "{extension}"', "app")
    cluster.execute("create trigger touch before update on touched for each row execute function moddatetime(at)", "app")
    endpoint = start(max_size=1, audit_every=0)
    try:
        with endpoint.wire() as wire:
            for sql in KNOWN.values():
                assert not wire.ask(m.Q(sql)).startswith("E")
            asked = endpoint.metric("pgweir_state_checks_total", database="app")
            for sql in KNOWN.values():
                wire.ask(m.Q(sql))
            assert endpoint.metric("pgweir_state_checks_total", database="app") == asked
        assert endpoint.metric("pgweir_pins_total", database="app") == 0
    finally:
        cluster.execute("drop table touched", "app")


@pytest.mark.own
def test_a_trigger_of_an_unknown_library_pins_who_writes(cluster, libraries, start):
    cluster.execute("create table touched (a int, at timestamp); grant all on touched to app;"
                    "create function touch() returns trigger language c as "
                    f"'{copy(libraries, 'moddatetime', 'touching')}', 'moddatetime';"
                    "create trigger touch before update on touched for each row execute function touch(at)", "app")
    endpoint = start(max_size=2, audit_every=0)
    try:
        with endpoint.wire() as wire:
            wire.query("update touched set a = 1")
            until(lambda: pinned(endpoint, "unknown_code") == 1, "the client is pinned")
    finally:
        cluster.execute("drop table touched; drop function touch()", "app")


@pytest.mark.own
def test_the_setting_counts_from_the_next_login_on(homemade, start):
    endpoint = start(max_size=2, audit_every=0, unknown_code="trust")
    with endpoint.wire() as trusted:
        trusted.value("select keep_one_more()")
        endpoint.reload({"pool": {"unknown_code": "close"}})
        until(lambda: "unknown_code: trust -> close" in endpoint.log_text(), "the reload")
        with endpoint.wire() as mine:
            mine.value("select keep_one_more()")
            until(lambda: pinned(endpoint, "unknown_code") == 1, "the new client is pinned")
            trusted.value("select keep_one_more()")
        assert pins(endpoint, "unknown_code") == 1
