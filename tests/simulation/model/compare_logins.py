"""Logins for compare.py: those that are refused, those with a password, and those to a server that lets nobody in.

A script is as compare_scripts.py describes it. A client logs in at its first step.
"""

from dataclasses import dataclass

from harness import messages as m

# What pg_hba.conf of the server has to say.
ACCESS = """
host all hashed,unset,ghost,locked 127.0.0.1/32 md5
host all clear 127.0.0.1/32 password
host all barred 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
"""

# There is no role `ghost` and no role `nobody`.
ROLES = {"app": "superuser login", "team": "superuser login", "plain": "nosuperuser login",
         "crew": "nosuperuser nologin", "hashed": "nosuperuser login password 'secret'",
         "clear": "nosuperuser login password 'secret'", "unset": "nosuperuser login",
         "locked": "nosuperuser nologin password 'secret'", "barred": "nosuperuser login",
         "limited": "nosuperuser login connection limit 1"}
DATABASES = {"model": "", "small": "connection limit 1", "closed": "allow_connections false"}


@dataclass(frozen=True)
class Login:
    user: str
    params: tuple = ()
    database: str = "model"
    password: str = ""


# Whoever is refused leaves a moment later than its client hears of it, and counts until then. So `limited` and `small` are
# for logins that nothing but their limits refuses.
LOGINS = [Login("hashed", password="secret"), Login("hashed", password="secret"), Login("hashed", password="Secret"),
          Login("hashed"), Login("unset", password="secret"), Login("ghost", password="secret"), Login("ghost"),
          Login("locked", password="secret"), Login("locked", password="wrong"), Login("clear", password="secret"),
          Login("clear", password="wrong"), Login("clear"), Login("barred"), Login("nobody"), Login("crew"),
          Login("limited"), Login("limited"), Login("app", database="nosuch"), Login("plain", database="nosuch"),
          Login("nobody", database="nosuch"), Login("hashed", database="nosuch", password="secret"),
          Login("hashed", database="nosuch", password="wrong"), Login("crew", database="closed"),
          Login("plain", database="closed"), Login("app", database="closed"), Login("plain", database="small"),
          Login("plain", database="small"), Login("app", database="small"),
          Login("hashed", (("work_mem", "a lot"),), password="secret"),
          Login("hashed", (("work_mem", "a lot"),), database="nosuch", password="secret"),
          Login("hashed", (("work_mem", "a lot"),), password="wrong"),
          Login("clear", (("application_name", "me"), ("DateStyle", "SQL, DMY")), password="secret"),
          Login("app"), Login("plain")]

# How many of those are there.
LIMITED = "select count(*) from pg_stat_activity where usename = 'limited' or datname = 'small'"
LOOK = "SELECT current_user, session_user, current_database()"


def logins(rng):
    clients = dict(enumerate(rng.sample(LOGINS, rng.randint(4, 9))))
    steps = [(number, m.Q(LOOK), 1, f"{clients[number]}: {LOOK}") for number in clients]
    again = [(rng.choice(list(clients)), m.Q(LOOK), 1, LOOK) for _ in range(3)]
    return clients, steps + again
