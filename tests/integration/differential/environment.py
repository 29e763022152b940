"""PostgreSQL and pgweir for the scripts: a private pair, or addresses that somebody gives."""

import pathlib
import shutil
import tempfile

import psycopg2

from harness import messages as m
from harness.proxy import Direct, Pgweir
from harness.wire import Wire

from . import objects
from .generate import every_number
from .objects import PASSWORDS, SUPERUSER, USER, Objects
from .trial import Trial

DATABASE = "app"


def account(superuser):
    name = SUPERUSER if superuser else USER
    return name, PASSWORDS[name]


def make_roles(cluster):
    """Once for each cluster, before the first pgweir starts: role defaults count from a backend's login on."""
    if not cluster.execute("select 1 from pg_roles where rolname = %s", args=(USER,)):
        cluster.execute(objects.ROLES)


def teach(login):
    """A pool keeps backends after nextval only when it has seen what asks for the value afterwards."""
    for superuser in (False, True):
        with login(superuser, []) as wire:
            wire.ask(m.Q("select currval('nosuch')"))


def tell(login):
    """DDL that did not come through pgweir it sees late; behind DDL that did, it looks."""
    with login(False, []) as wire:
        wire.ask(m.Q("drop table if exists public.nosuch"))


class Private:
    """pgweir before a harness.cluster.Cluster. renew() starts another one, whose pool nobody has used.
    `definitions`: with views and the like that leave something behind, see objects.DEFINITIONS."""

    def __init__(self, cluster, max_size, definitions=False, **pool):
        self.cluster, self.pool = cluster, {"max_size": max_size, **pool}
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-differential-"))
        self.home.chmod(0o755)
        make_roles(cluster)
        self.admin = cluster.connect(DATABASE)
        self.direct = Direct(cluster)
        self.made = Objects(self.admin, definitions)
        if definitions:
            self.made.reset(every_number())  # pgweir would notice them late: they are not made through it
        self.pooled, self.started = None, 0
        self.renew()
        self.trial = Trial(self.made, self.login_direct, self.login_pooled, max_size)
        self.trial.renew = self.renew
        self.trial.tell = lambda: tell(self.login_pooled)

    def renew(self):
        self.stop()
        self.made.restore_defaults()
        directory = self.home / str(self.started)
        directory.mkdir(mode=0o755)
        self.started += 1
        changes = {"users": {name: {"password": secret} for name, secret in PASSWORDS.items()},
                   "databases": {DATABASE: {"users": list(PASSWORDS)}}}
        self.pooled = Pgweir(self.cluster, directory, changes=changes, **self.pool).start()
        teach(self.login_pooled)

    def login_direct(self, superuser, params):
        return self.direct.socket().login(account(superuser)[0], DATABASE, account(superuser)[1], params=params)

    def login_pooled(self, superuser, params):
        return self.pooled.socket().login(account(superuser)[0], DATABASE, account(superuser)[1], params=params)

    def stop(self):
        if self.pooled:
            self.pooled.stop()
            self.pooled = None

    def close(self):
        try:
            self.stop()
        finally:
            self.admin.close()
            shutil.rmtree(self.home, ignore_errors=True)


class Given:
    """Servers that run already; renew() can only hope that nothing was left behind, and scripts that move defaults
    have to be left out."""

    def __init__(self, direct, pooled, max_size, administrator):
        self.addresses = {"direct": direct, "pooled": pooled}
        (host, port), (name, secret) = direct, administrator
        self.admin = psycopg2.connect(host=host, port=port, user=name, password=secret, dbname=DATABASE)
        self.admin.autocommit = True
        with self.admin.cursor() as cursor:
            cursor.execute("select 1 from pg_roles where rolname = %s", (USER,))
            if not cursor.fetchall():
                cursor.execute(objects.ROLES)
        self.trial = Trial(Objects(self.admin), self.login("direct"), self.login("pooled"), max_size)
        self.trial.tell = lambda: tell(self.login("pooled"))
        teach(self.login("pooled"))

    def login(self, which):
        host, port = self.addresses[which]
        return lambda superuser, params: Wire(host, port).login(account(superuser)[0], DATABASE,
                                                                account(superuser)[1], params=params)

    def renew(self):
        pass

    def close(self):
        self.admin.close()
