"""Scripts that once differed, shrunk. The test runs them first, for every size of the pool.

A new one is pasted as the test prints it, under a sentence that says what must hold.
"""

from .script import ALL_HEARD, BARRIER, LET_GO, B, CP, CS, DP, DS, E, F, H, P, Q, S, Script, X  # noqa: F401
from .script import abort, c, d, f, notify  # noqa: F401
from .subjects.looks import SETTINGS

SETTINGS_FOLLOW = {
    "reset_returns_to_startup_parameters_and_says_so_once": Script(
        clients={0: [("TimeZone", "America/New_York"), ("DateStyle", "SQL, DMY"), ("application_name", "mine")]},
        steps=[(0, Q("set timezone to 'Asia/Tokyo'")), (0, P("", "reset all"), B(), E(), S), (0, Q("discard all")),
               (0, Q("begin"), Q("reset timezone"), Q("show timezone"), Q("set local timezone to default")),
               (0, Q("commit"))]),
    "a_reported_startup_parameter_comes_back_before_ready_for_query": Script(
        clients={0: [("client_encoding", "LATIN1"), ("application_name", "of d0")]},
        steps=[(0, P("n2", "set session client_encoding = 'UTF8'"), S), (0, B("", "n2"), E(), S),
               (0, P("", "reset all"), B(), E(), S), (0, Q("select set_config('application_name', '', false)")),
               (0, Q("reset all"))]),
    "set_to_default_tells_of_the_startup_parameter": Script(
        clients={0: [("TimeZone", "America/New_York"), ("client_encoding", "LATIN1")]},
        steps=[(0, Q("begin")), (0, Q("set local timezone to 'UTC'")), (0, P("n3", "set time zone default"), S),
               (0, B("", "n3"), E(), S), (0, Q("commit")), (0, Q("set names default"))]),
    "a_custom_startup_parameter_comes_back": Script(
        clients={0: [("options", "-c app.tenant=d0"), ("application_name", "of d0")]},
        steps=[(0, P("", "reset all"), B(), E(), P("", "create temp table t (id int primary key, v text)"), B(), S),
               (0, Q(SETTINGS))]),
    "a_computed_custom_name_reaches_nobody_else": Script(
        clients={0: []},
        steps=[(0, Q("select id, set_config('app.' || 'tenant', v, false) from d0.t where id < 3 order by id"))]),
    "a_custom_name_out_of_bind_follows_its_client": Script(
        clients={0: [], 1: []},
        steps=[(0, P("", "select set_config($1, $2, $3::bool)"), B("", "", ("my_ext.flag", "on", "f")), E(), S),
               (1, Q(SETTINGS)), (0, Q(SETTINGS)), (1, Q(SETTINGS))]),
    "a_custom_name_in_dynamic_sql_follows_its_client": Script(
        clients={0: [], 1: []},
        steps=[(0, Q("do $$ begin execute 'set app.user_id to ''d1'''; end $$")), (0, Q(SETTINGS)), (1, Q(SETTINGS))]),
    "what_a_function_sets_reaches_nobody_else": Script(
        clients={0: []}, steps=[(0, Q("select d0.hide('search_path', 'pg_catalog, d0')"))]),
    "settings_of_a_transaction_are_not_the_sessions": Script(
        clients={0: [], 1: []},
        steps=[(0, Q("set transaction isolation level serializable")),
               (0, Q("select d0.hide('default_transaction_isolation', 'serializable')")),
               (1, Q("select 'between'")), (0, Q("select 1")), (1, Q("select 2")), (0, P(), B(), E(), S)]),
    "a_role_is_not_told_to_the_next_client": Script(
        superuser=True, clients={0: [], 1: []},
        steps=[(0, P("", "set transaction isolation level serializable"), B(), S,
                P("", "set role diffteam"), B(), E(), S),
               (1, P("", "insert into d1.t values (816, 'piped')"), S)]),
}

UNSEEN = {
    "an_update_of_pg_settings_is_a_set": Script(
        clients={0: [], 1: []},
        steps=[(0, P("", "update pg_settings set setting = 'iso_8601' where name = 'IntervalStyle'"), B(), E(), S),
               (1, Q(SETTINGS)), (0, Q("do $$ begin update pg_settings set setting = 'off' where name = 'geqo'; end $$")),
               (1, Q(SETTINGS)), (0, Q(SETTINGS))]),
    "a_table_created_behind_a_set_of_the_search_path_may_be_temporary": Script(
        clients={0: []},
        steps=[(0, P("", "set search_path to pg_temp"), B(), E(), P("", "create table temp_b (id int, v text)"), B(),
                E(), S)]),
    "a_select_into_a_search_path_may_be_temporary": Script(
        clients={0: [], 1: []},
        steps=[(0, Q("set search_path to pg_temp, d0")), (0, Q("select 1 as id into temp_b")), (1, Q("select 1")),
               (0, Q("select id from temp_b"))]),
}

PREPARED_STATEMENTS = {
    "a_name_that_is_cut_is_told": Script(
        clients={0: []},
        steps=[(0, P("long" * 17, "select 1"), S), (0, Q("execute " + "long" * 17)),
               (0, Q("deallocate " + "long" * 17)), (0, Q("prepare " + "long" * 17 + " as select 2"))]),
    "parse_of_a_name_that_was_prepared": Script(
        clients={0: []},
        steps=[(0, Q("prepare s2 as select current_user")),
               (0, P("s2", "select count(*) from d0.t where v like $1"), S)]),
    "prepare_of_a_name_that_was_parsed": Script(
        clients={0: []},
        steps=[(0, P("s1", "begin"), S),
               (0, P("", "prepare s1 as insert into d0.t values ($1::int, 'by execute')"), B(), E(), S),
               (0, Q("prepare s1 as select 1"))]),
    "deallocate_among_other_statements": Script(
        clients={0: []},
        steps=[(0, P("s2", "select 2"), S), (0, Q("select 1; deallocate s2")), (0, B("", "s2"), E(), S)]),
    "execute_among_other_statements": Script(
        clients={0: []},
        steps=[(0, P("s3", "select $1::text || ' of d0'"), S), (0, Q("listen shared_a; execute s3(5)"))]),
    "the_place_of_an_error_in_a_prepare": Script(
        clients={0: []}, steps=[(0, Q("prepare s1 as select v from t where id = 2")),
                             (0, P("", "prepare s1 as select v from t where id = 2"), B(), E(), H), (0, S)]),
    "a_taken_name_is_not_the_first_error": Script(
        clients={0: []},
        steps=[(0, P("s3", "select 3"), S), (0, P("s3", "select v from t where id = 1"), S), (0, P("s3", "selekt"), S),
               (0, Q("begin")), (0, Q("select 1/0")), (0, P("s3", "select 4"), S), (0, Q("rollback"))]),
}

PINS = {
    "lastval_is_the_sessions_own": Script(
        clients={0: [], 1: []},
        steps=[(1, P("", "select nextval('d1.r')"), B(), E(), S), (0, P("", "select lastval()"), B(), E(), S),
               (1, Q("select lastval(), currval('d1.r')"))]),
    "an_error_does_not_end_a_pin": Script(
        clients={0: []},
        steps=[(0, P("", "insert into d0.u values (nextval('d0.r'), 'by sequence')"), B(), E(), S),
               (0, B(), B("", "nobody"), S), (0, Q("select lastval()"))]),
}

LISTENING = {
    "listening_begun_while_pinned_for_another_reason": Script(
        clients={0: [], 1: []},
        steps=[(1, Q("select pg_try_advisory_lock(1401)"), Q("listen shared_a")), (0, *LET_GO), (1, *LET_GO), BARRIER,
               (0, notify("shared_a", "last 1 from d0")), BARRIER, (1, ALL_HEARD)]),
}

# What is not the same yet, and why; also in the README.
LIMITS = {
    # The server does not list custom settings, and nobody knows the name: it is taken back at the transaction's end.
    "a_computed_custom_name_follows_its_client": Script(
        clients={0: [], 1: []},
        steps=[(0, Q("select id, set_config('app.' || 'tenant', v, false) from d0.t where id < 3 order by id")),
               (1, Q(SETTINGS)), (0, Q("call d0.commits(1410)")), (0, Q(SETTINGS)), (1, Q(SETTINGS)),
               (0, Q(SETTINGS))]),
    # PREPARE by a Parse is known when it has been executed; a Parse of its name in the same batch is not refused.
    "prepare_and_parse_of_one_name_in_one_pipeline": Script(
        clients={0: []},
        steps=[(0, P("", "prepare s3 as select $1::int + 1"), B(), E(),
                P("s3", "select set_config('app.tenant', $1, false)"), S)]),
    # pgweir restores a startup parameter behind a RESET, but cannot do so in the middle of a string.
    "a_string_that_resets_and_looks_finds_the_startup_parameter": Script(
        clients={0: [("application_name", "of d0"), ("DateStyle", "SQL, DMY")]},
        steps=[(0, Q("reset all; select current_setting('application_name'), current_setting('datestyle')"))]),
}

REGRESSIONS = {**SETTINGS_FOLLOW, **UNSEEN, **PREPARED_STATEMENTS, **PINS, **LISTENING}
