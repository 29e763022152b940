"""The loads of the tenant cases: what applications of many tenants send, as pgbench scripts.

Each transaction of a script is a request of such an application: it says whose it is, then reads. In the simple
protocol names and values are literals; in the others both are bound, as drivers do it.
"""

TENANTS = 50
QUERY = "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n"
RANDOM_ROW = "\\set aid random(1, 100000 * :scale)\n"
RANDOM_TENANT = f"\\set tenant random(1, {TENANTS})\n"

# Name, value in a literal, and the same of a variable of pgbench. The second is what PostgREST sends of a token.
SETTINGS = (("app.tenant", "t:tenant", ":tenant"),
            ("request.jwt.claims", '{"role": "reader", "tenant": ":tenant"}', ":claims"),
            ("request.path", "/orders", ":path"))


def variables():
    """pgbench's arguments for those that are text; what a script sets itself can only be a number."""
    given = {"claims": '{"role": "reader", "tenant": "7"}', "path": "/orders", "same": "t7",
             **{f"name{number}": name for number, (name, _, _) in enumerate(SETTINGS)}}
    return tuple(part for key, value in given.items() for part in ("-D", f"{key}={value}"))


def set_config(number, bound, local, value=None):
    """`value`: (literal, variable) instead of what SETTINGS has."""
    name, *usual = SETTINGS[number]
    literal, variable = value or usual
    arguments = (f":name{number}", variable) if bound else (f"'{name}'", f"'{literal}'")
    return f"set_config({', '.join(arguments)}, {'true' if local else 'false'})"


def in_transaction(*statements):
    return "BEGIN;\n" + "".join(statements) + "COMMIT;\n"


def local(protocol, names):
    """set_config(..., true) of so many names, in one SELECT."""
    calls = ", ".join(set_config(number, protocol != "simple", local=True) for number in range(names))
    return RANDOM_ROW + RANDOM_TENANT + in_transaction(f"SELECT {calls};\n", QUERY)


# Who says what, again and again: (literal, variable).
VALUES = {"same": ("t7", ":same"), "own": ("t:client_id", ":client_id")}


def session(protocol, whose):
    """set_config(..., false), then a query: two transactions to the server."""
    call = set_config(0, protocol != "simple", local=False, value=VALUES[whose])
    return f"{RANDOM_ROW}SELECT {call};\n{QUERY}"


LANGUAGES = ("sql", "plpgsql")
SCOPES = ("local", "session")


def function_name(language, scope):
    return f"set_tenant_{scope}_{language}"


def function(language, scope):
    """A wrapper around set_config. A tenant for each transaction, or one for each client that lasts."""
    name = function_name(language, scope)
    if scope == "local":
        return RANDOM_ROW + RANDOM_TENANT + in_transaction(f"SELECT {name}(:tenant);\n", QUERY)
    return f"{RANDOM_ROW}SELECT {name}(:client_id);\n{QUERY}"


# Applications that use search_path send the same texts in every shop.
SHOP_ROWS = 1000
SHOP_QUERIES = ("SELECT price FROM items WHERE id = {}", "SELECT item FROM orders WHERE id = {}")
POLICY_ROWS = 1000  # of each tenant


def set_shop(number):
    return f"SET LOCAL search_path = shop_{number}"


def search_path():
    """SET takes no parameters, so that each shop has a statement of its own.

    pgbench has prepared the queries before the first BEGIN; crowd.shopper prepares them after a SET LOCAL.
    """
    ladder = "".join(f"\\{'if' if number == 1 else 'elif'} :tenant = {number}\n{set_shop(number)};\n"
                     for number in range(1, TENANTS + 1)) + "\\endif\n"
    return (f"\\set id random(1, {SHOP_ROWS})\n" + RANDOM_TENANT
            + in_transaction(ladder, *(query.format(":id") + ";\n" for query in SHOP_QUERIES)))


def orm():
    """What frameworks put around a request."""
    more = "".join(f"SELECT {column} FROM pgbench_{table} WHERE {key} = :{key};\n"
                   for column, table, key in (("bbalance", "branches", "bid"), ("tbalance", "tellers", "tid")))
    return (f"{RANDOM_ROW}\\set bid random(1, :scale)\n\\set tid random(1, 10 * :scale)\n"
            + in_transaction("SET LOCAL statement_timeout = '5s';\n", QUERY, more))


def policy():
    """The tables of such applications have policies that read what was set."""
    query = "SELECT value FROM papers WHERE id = :id;\n"
    return (f"\\set id random(1, {POLICY_ROWS})\n" + RANDOM_TENANT
            + in_transaction(f"SELECT {set_config(0, True, local=True)};\n", query))


def unknown():
    return RANDOM_ROW + RANDOM_TENANT + in_transaction("SELECT set_tenant_dynamically(:tenant);\n", QUERY)


def wrapper(language, scope):
    call = f"set_config('app.tenant', tenant, {'true' if scope == 'local' else 'false'});"
    body = f"SELECT {call}" if language == "sql" else f"BEGIN PERFORM {call} END"
    return f"""
CREATE FUNCTION {function_name(language, scope)}(tenant text) RETURNS void LANGUAGE {language} AS $$
{body}
$$;"""


# The tables of a shop are in "public", too: pgbench prepares statements before it has set a search_path.
DEFINITIONS = "".join(wrapper(language, scope) for language in LANGUAGES for scope in SCOPES) + f"""
CREATE FUNCTION set_tenant_dynamically(tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SET LOCAL app.tenant = %L', tenant);
END $$;
DO $$
DECLARE
  place text;
BEGIN
  FOR place IN SELECT 'public' UNION ALL SELECT 'shop_' || n FROM generate_series(1, {TENANTS}) n LOOP
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', place);
    EXECUTE format('CREATE TABLE %I.items (id integer PRIMARY KEY, price integer)', place);
    EXECUTE format('CREATE TABLE %I.orders (id integer PRIMARY KEY, item integer)', place);
    EXECUTE format('INSERT INTO %I.items SELECT id, id %% 97 FROM generate_series(1, {SHOP_ROWS}) id', place);
    EXECUTE format('INSERT INTO %I.orders SELECT id, id %% 89 FROM generate_series(1, {SHOP_ROWS}) id', place);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO app', place);
    EXECUTE format('GRANT SELECT ON %I.items, %I.orders TO app', place, place);
  END LOOP;
END $$;
CREATE TABLE papers (tenant text, id integer, value integer, PRIMARY KEY (tenant, id));
INSERT INTO papers
  SELECT tenant, id, id % 83 FROM generate_series(1, {TENANTS}) tenant, generate_series(1, {POLICY_ROWS}) id;
ALTER TABLE papers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON papers USING (tenant = current_setting('app.tenant'));
GRANT SELECT ON papers TO app;
ANALYZE;
"""
