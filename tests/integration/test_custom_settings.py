"""The server does not list custom settings (names with a dot), so they are followed by name. A client may have as many of
them, and as long ones, as on a direct connection."""

import pytest

from harness import messages as m

# 256 names were followed once, and 32 of a function; a SELECT has 1,664 results.
COUNTS = [257, 1_700]


def extended(sql, values=()):
    return m.P("", sql) + m.B("", "", values) + m.E() + m.S


def call(number):
    return f"select set_config('many.x{number}', 'of A {number}', false)"


def body(numbers):
    return " ".join(f"perform set_config('many.x{n}', 'of A {n}', false);" for n in numbers)


# How each of some numbers is set: messages in order.
WAYS = {
    "simple": lambda numbers: [m.Q(f"set many.x{n} = 'of A {n}'") for n in numbers],
    "extended": lambda numbers: [extended(f"set many.x{n} = 'of A {n}'") for n in numbers],
    "set_config": lambda numbers: [m.Q(call(n)) for n in numbers],
    "bound": lambda numbers: [extended("select set_config($1, $2, false)", (f"many.x{n}", f"of A {n}")) for n in numbers],
    "a transaction": lambda numbers: [m.Q("begin"), *(m.Q(f"set many.x{n} = 'of A {n}'") for n in numbers), m.Q("commit")],
    "a string": lambda numbers: [m.Q("; ".join(f"set many.x{n} = 'of A {n}'" for n in numbers))],
    "a DO block": lambda numbers: [m.Q(f"do $$ begin {body(numbers)} end $$")],
    "a function": lambda numbers: [m.Q("select set_many()")],
    "a function that is told": lambda numbers: [m.Q("begin"), *(extended("select set_told(1, $1, $2)", (f"many.x{n}", f"of A {n}"))
                                                                for n in numbers), m.Q("commit")],
}


def seen(wire, numbers):
    values = wire.value("select string_agg(coalesce(current_setting('many.x' || n, true), ''), ',' order by n) from "
                        f"unnest(array{list(numbers)}) n")
    return values.split(",")


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("way", WAYS)
def test_custom_settings_beyond_256_are_kept(cluster, shared, way, count):
    numbers = range(count)
    cluster.execute(f"create or replace function set_many() returns void language plpgsql as $$ begin {body(numbers)} end $$",
                    "app")
    cluster.execute("create or replace function set_told(n int, k text, v text) returns void language plpgsql as $$ begin "
                    "if n > 0 then perform set_config(k, v, false); end if; end $$", "app")
    # A client whose code sets more than that keeps its connection.
    keeps = count > 1_024 and way in ("a DO block", "a function")
    endpoint = shared("keeps" if keeps else "many", max_size=3 if keeps else 2, audit_every=0)
    with endpoint.wire() as mine, endpoint.wire() as second, endpoint.wire() as third:
        for message in WAYS[way](numbers):
            assert "E(" not in mine.ask(message)
        # Every connection but one is another client's now.
        second.query("begin; select 1")
        for other in (third, mine):
            other.query("select 1")
        assert seen(mine, numbers) == [f"of A {n}" for n in numbers]
        second.query("commit")
        assert not any(seen(second, numbers)) and not any(seen(third, numbers))
        assert seen(mine, numbers) == [f"of A {n}" for n in numbers]


@pytest.mark.parametrize("size", [1_000, 65_000, 66_000, 300_000])
@pytest.mark.parametrize("way", ["simple", "set_config", "bound", "a DO block", "a function"])
def test_a_long_text_sets_what_it_says(cluster, shared, way, size):
    endpoint = shared("many", max_size=2, audit_every=0)
    padding, value = "/*" + "p" * size + "*/", "v" * size
    messages = {
        "simple": m.Q(f"{padding} set long.name = '{value}'"),
        "set_config": m.Q(f"{padding} select set_config('long.name', '{value}', false)"),
        "bound": extended(f"select set_config($1, $2, false) {padding}", ("long.name", value)),
        "a DO block": m.Q(f"do $$ begin {padding} perform set_config('long.name', '{value}', false); end $$"),
        "a function": m.Q("select set_long()"),
    }
    cluster.execute(f"create or replace function set_long() returns void language plpgsql as $$ begin {padding} "
                    f"perform set_config('long.name', repeat('v', {size}), false); end $$", "app")
    with endpoint.wire() as mine, endpoint.wire() as other:
        assert "E(" not in mine.ask(messages[way])
        for _ in range(3):
            other.query("begin; select 1")
            assert mine.value("select current_setting('long.name', true)") == value
            other.query("commit")
            assert not other.value("select current_setting('long.name', true)")


def test_values_without_end_that_may_be_names_keep_their_client(shared, cluster):
    """What code does with them cannot be known, and so many cannot be asked for."""
    cluster.execute("create or replace function set_text(k text) returns void language plpgsql as $$ begin "
                    "execute format('select set_config(%L, %L, false)', k, 'of A'); end $$", "app")
    endpoint = shared("many", max_size=2, audit_every=0)
    with endpoint.wire() as mine, endpoint.wire() as other:
        mine.query("begin")
        for start in range(0, 5_000, 500):
            mine.query("; ".join(f"select set_text('told.y{n}')" for n in range(start, start + 500)))
        mine.query("commit")
        other.query("set work_mem = '3MB'")
        assert mine.value("select count(*) from generate_series(0, 4999) n where current_setting('told.y' || n, true) = 'of A'"
                          ) == "5000"
        assert not other.value("select current_setting('told.y4999', true)")


NAMES = ["app.t\u00f1", "\u00e9.tenant"]
BODIES = {
    "SQL": "sql as $$ select set_config('{name}', 'A', false) $$",
    "PL/pgSQL": "plpgsql as $$ begin return set_config('{name}', 'A', false); end $$",
    "PL/pgSQL that only sets": "plpgsql as $$ begin perform set_config('{name}', 'A', false); return ''; end $$",
    "SET": "plpgsql as $$ begin set {name} = 'A'; return ''; end $$",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", BODIES)
def test_a_function_that_names_a_setting_beyond_ascii(cluster, shared, language, name):
    """The source comes without such characters, so that the name is not known: its client keeps the connection."""
    cluster.execute("create or replace function beyond_ascii() returns text language " + BODIES[language].format(name=name), "app")
    endpoint = shared("beyond", max_size=2)
    shown = f"select coalesce(current_setting('{name}', true), '')"
    with endpoint.wire() as mine, endpoint.wire() as other:
        for _ in range(2):
            mine.query("select beyond_ascii()")
            assert mine.value(shown) == "A"
            assert not other.value(shown)
    with endpoint.wire() as next_one:
        assert not next_one.value(shown)


def test_a_function_that_sets_a_value_beyond_ascii(cluster, shared):
    cluster.execute("create or replace function value_beyond_ascii() returns void language plpgsql as $$ begin "
                    "perform set_config('beyond.value', 'se\u00f1or', false); end $$", "app")
    endpoint = shared("beyond", max_size=2)
    with endpoint.wire() as mine, endpoint.wire() as second, endpoint.wire() as third:
        for _ in range(2):
            mine.query("select value_beyond_ascii()")
            for other in (second, third):
                other.query("begin; select 1")
                assert mine.value("select current_setting('beyond.value', true)") == "se\u00f1or"
                other.query("commit")
                assert not other.value("select coalesce(current_setting('beyond.value', true), '')")
