"""Settings, in every way in which a client may change one."""

from ..kinds import sql

# Values as SQL writes them. None makes a statement slow, or fail by chance.
VALUES = {
    "work_mem": ["'1MB'", "'3MB'", "2048"],
    "search_path": ["{schema}", "{schema}, public", "pg_catalog, {schema}", "'{schema}', 'odd \"name'", "''"],
    "timezone": ["'Asia/Tokyo'", "'Europe/Berlin'", "'UTC'", "-3", "'America/New_York'"],
    "datestyle": ["'German'", "'SQL, DMY'", "iso, mdy", "'DMY'"],
    "intervalstyle": ["'iso_8601'", "sql_standard", "postgres_verbose"],
    "bytea_output": ["escape", "hex"],
    "extra_float_digits": ["0", "-3", "3"],
    "statement_timeout": ["'40s'", "0", "123456"],
    "lock_timeout": ["'30s'", "0"],
    "client_min_messages": ["warning", "notice", "error"],
    "application_name": ["'it''s {schema}'", "'\"{schema}\"'", "''", "'naïve {schema}'"],
    "default_transaction_isolation": ["serializable", "'repeatable read'", "'read committed'"],
    "default_transaction_read_only": ["off", "off", "on"],
    "geqo": ["off", "on"],
    "enable_seqscan": ["off", "true"],
    "plan_cache_mode": ["force_generic_plan", "auto"],
    "client_encoding": ["'LATIN1'", "'UTF8'", "'WIN1252'", "'SJIS'"],
    "array_nulls": ["off", "on"],
    "default_statistics_target": ["77", "100"],
    "default_tablespace": ["''", "pg_default"],
    "default_text_search_config": ["'pg_catalog.simple'", "english"],
    "default_transaction_deferrable": ["on", "off"],
    "hash_mem_multiplier": ["1.5", "2"],
    "idle_in_transaction_session_timeout": ["'99s'", "0"],
    "jit": ["off", "on"],
    "lc_monetary": ["'C'", "'POSIX'"],
    "maintenance_work_mem": ["'20MB'"],
    "quote_all_identifiers": ["on", "off"],
    "row_security": ["off", "on"],
    "standard_conforming_strings": ["on", "on", "off"],
    "synchronous_commit": ["off", "local", "on"],
    "transform_null_equals": ["on", "off"],
    "xmlbinary": ["hex", "base64"],
    "app.tenant": ["'tenant of {schema}'", "''", "'it''s'", "17", "'Müller'", "E'back\\\\slash'"],
    "app.user_id": ["'{schema}'", "42", "'{{\"a\": 1}}'"],
    "my_ext.flag": ["on", "'{schema}'"],
    "my_ext.a.b": ["'three parts'", "off"],
}


def name(draft):
    return draft.pick(VALUES)


def value(draft, of):
    return draft.pick(VALUES[of]).format(schema=draft.schema)


def text(draft, of):
    """The value as set_config takes it, without the outer quotes."""
    found = value(draft, of).replace("E'back\\\\", "'back\\")
    return found[1:-1].replace("''", "'") if found.startswith("'") and "', '" not in found else found


def quoted(plain):
    return "'" + plain.replace("'", "''") + "'"


@sql(8)
def set_it(draft):
    """SET, SET SESSION, with = or TO"""
    of = name(draft)
    return [f"set {draft.pick(['', '', 'session '])}{of} {draft.pick(['to', '='])} {value(draft, of)}"]


@sql(5)
def set_local(draft):
    """SET LOCAL; outside a transaction it only warns"""
    of = name(draft)
    return [f"set local {of} to {value(draft, of)}"]


@sql(5)
def reset(draft):
    """RESET, SET ... TO DEFAULT"""
    return [draft.pick(["reset {}", "set {} to default", "set local {} to default"]).format(name(draft))]


@sql(2)
def reset_all(draft):
    """RESET ALL"""
    return ["reset all"]


@sql(2)
def time_zone(draft):
    """SET TIME ZONE"""
    return [draft.pick(["set time zone 'Asia/Tokyo'", "set time zone interval '+05:30' hour to minute",
                        "set time zone local", "set local time zone 'Europe/Berlin'", "set time zone default"])]


@sql(1)
def names(draft):
    """SET NAMES"""
    return [draft.pick(["set names 'LATIN1'", "set names 'UTF8'", "set names default"])]


@sql(2)
def characteristics(draft):
    """SET SESSION CHARACTERISTICS, SET TRANSACTION"""
    what = draft.pick(["isolation level serializable", "isolation level read committed", "read write", "read only",
                       "deferrable", "not deferrable, isolation level repeatable read"])
    return [f"set {draft.pick(['session characteristics as transaction', 'transaction'])} {what}"]


@sql(2)
def other_forms(draft):
    """SET SCHEMA, SET XML OPTION, quoted names, and what looks like a setting but is none"""
    return [draft.pick([f"set schema '{draft.schema}'", "set xml option document", "set xml option content",
                        'set "TimeZone" to \'Asia/Tokyo\'', 'set local "work_mem" = \'2MB\'', 'reset "TimeZone"',
                        "set catalog 'x'", 'set "app.tenant" to quoted', "set app.\"Tenant\" to 'mixed'",
                        "set local schema 'pg_catalog'"])]


@sql(1)
def of_the_transaction(draft):
    """the settings that belong to a transaction, set as if they were others"""
    return [draft.pick(["set transaction_isolation to 'serializable'", "set transaction_read_only to on",
                        "set local transaction_read_only to off", "reset transaction_isolation",
                        "select set_config('transaction_isolation', 'repeatable read', false)"])]


@sql(6)
def config(draft):
    """set_config with constants"""
    of = name(draft)
    return [f"select set_config('{of}', {quoted(text(draft, of))}, {draft.pick(['false', 'false', 'true'])})"]


@sql(4)
def config_by_parameter(draft):
    """set_config with values out of Bind"""
    of = name(draft)
    if draft.chance(0.5):
        return [("select set_config($1, $2, $3::bool)", (of, text(draft, of), draft.pick(["f", "f", "t"])))]
    return [(f"select set_config('{of}', $1, false)", (text(draft, of),))]


@sql(3)
def configs_at_once(draft):
    """several set_config, inside a larger SELECT"""
    of, other = name(draft), name(draft)
    first, second = quoted(text(draft, of)), quoted(text(draft, other))
    return [draft.pick([
        f"select set_config('{of}', {first}, false), set_config('{other}', {second}, false)",
        f"select id, set_config('{of}', {first}, false) from {draft.schema}.t where id < 3 order by id",
        f"select x.v from {draft.schema}.t x, set_config('{of}', {first}, false) y where x.id = 1",
        f"with w as (select set_config('{of}', {first}, true) as c) select count(*) from w where c is not null",
    ])]


@sql(2)
def computed_name(draft):
    """set_config of a name that the text does not show"""
    return [draft.pick([
        f"select id, set_config('app.' || 'tenant', v, true) from {draft.schema}.t where id < 3 order by id",
        "select set_config(lower('WORK_MEM'), '6MB', false)",
        "select set_config(name, '30s', false) from pg_settings where name = 'lock_timeout'",
    ])]


@sql(4)
def in_do(draft):
    """DO blocks that set, also with an error inside that undoes it"""
    of = name(draft)
    setting = f"set {of} to {value(draft, of)}"
    return [draft.pick([
        f"do $$ begin {setting}; end $$",
        f"do $$ begin perform set_config('{of}', {quoted(text(draft, of))}, false); end $$",
        f"do $$ begin begin {setting}; perform 1/0; exception when others then null; end; end $$",
        f"do $$ begin execute {quoted(setting)}; end $$",
    ])]


@sql(2)
def in_a_function(draft):
    """a function of the user's that sets, of which the text says nothing"""
    of = name(draft)
    return [f"select {draft.schema}.hide('{of}', {quoted(text(draft, of))})"]


@sql(2)
def wrong(draft):
    """values and names that are refused"""
    return [draft.pick(["set work_mem to 'a lot'", "set nosuch_setting to 1", "set datestyle to 'nonsense'",
                        "set server_version to '1'", "select set_config('geqo', 'perhaps', false)",
                        "reset nosuch_setting", "set time zone 'Mars/Phobos'", "set shared_buffers to 1"])]


@sql(2)
def with_comments(draft):
    """odd spelling"""
    of = name(draft)
    return [f"/* a; b */ sEt  SESSION\n{of.upper()} = {value(draft, of)} -- to x"]
