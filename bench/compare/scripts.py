"""What pgbench runs where its own scripts will not do."""

SELECT = "\\set aid random(1, 100000 * :scale)\n{}SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n"

# So many kinds of clients that a server connection has mostly served another kind before, and yet few enough that
# pgbench, which prepares each statement of its script for each client, is ready soon.
KINDS = 8
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC", "Australia/Sydney", "Asia/Kolkata",
         "America/Sao_Paulo", "Africa/Nairobi")


def statements(kind):
    """What a client of a kind sets as soon as it is connected; two that PostgreSQL reports and two that it does not."""
    return (f"SET application_name = 'function-{kind}'", f"SET statement_timeout = '{30 + kind}s'",
            f"SET search_path = tenant_{kind}, public", f"SET TimeZone = '{ZONES[kind % len(ZONES)]}'")


def settings(kinds):
    """pgbench -S whose clients set their session up in their first transaction; 0 kinds: the same without SET.

    pgbench keeps a client's variables from one transaction to the next, so that `done` (-D done=0) is its memory.
    """
    lines = ["\\if :done = 0", "\\set done 1"]
    for kind in range(kinds):
        lines.append(f"\\{'if' if kind == 0 else 'elif'} :client_id % {kinds} = {kind}")
        lines += [statement + ";" for statement in statements(kind)]
    lines += ["\\endif"] * (2 if kinds else 1)
    return SELECT.format("\n".join(lines) + "\n")


# Functions that the cluster gets. That the second one sets something can only be seen in its source.
DEFINITIONS = """
CREATE FUNCTION balance_of(integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT abalance FROM pgbench_accounts WHERE aid = $1);
END $$;
CREATE FUNCTION become_tenant(integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN set_config('app.tenant', 't' || $1, false);
END $$;
"""
FUNCTIONS = {
    "reads": "\\set aid random(1, 100000 * :scale)\nSELECT balance_of(:aid);\n",
    "sets": "\\set aid random(1, 100000 * :scale)\nSELECT become_tenant(:aid);\n",
}
