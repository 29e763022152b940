"""Every kind of state, every way to leave, one backend: the next client sees what a fresh connection would see."""

import select

import pytest

from harness import messages as m
from harness.cluster import SUPERUSER, SUPERUSER_PASSWORD
from harness.crowd import in_background
from harness.proxy import DIRECT
from harness.waiting import seconds, until
from proof import view
from proof.leaving import NEED_WAITING, WAYS, applies, make
from proof.states import KINDS

# Each kind has a pool of its own in each mode: what a pooler learns of a statement in one cell must not help another.
#   tracked   the default
#   strict    for what neither text nor tags show
#   seasoned  somebody in this pool has asked for the last value of a sequence
KINDS_OF = {"tracked": KINDS, "strict": [kind for kind in KINDS if kind.hidden], "seasoned": KINDS}


def pool_name(mode, kind):
    return f"{mode}_{KINDS.index(kind)}"


def changes(cluster, mode):
    databases = {pool_name(mode, kind): {"host": cluster.host, "port": cluster.port, "dbname": "app",
                                         "users": ["app", SUPERUSER]} for kind in KINDS_OF[mode]}
    return {"users": {SUPERUSER: {"password": SUPERUSER_PASSWORD}}, "timeouts": {"drain": "1s"},
            "databases": databases}


def cell(mode, kind, way):
    name = [kind.name, way.replace("_", " ")] + [mode] * (mode != "tracked")
    marks = [pytest.mark.own] if way in NEED_WAITING else []
    if kind.limit and not DIRECT:
        marks.append(pytest.mark.xfail(reason=kind.limit))
    return pytest.param(mode, kind, way, id="-".join(name), marks=marks)


def cells(modes, ways):
    return [cell(mode, kind, way) for mode in modes for kind in KINDS_OF[mode] for way in ways if applies(kind, way)]


class Reference:
    """What fresh connections see, by user, and how random() begins after the setseed of the tables."""

    def __init__(self, direct):
        self.views = {user: self.seen_by(direct, user, password)
                      for user, password in (("app", None), (SUPERUSER, SUPERUSER_PASSWORD))}
        with direct.wire() as wire:
            wire.query("select setseed(0.25)")
            self.randoms = [wire.value("select random()") for _ in range(100)]

    @staticmethod
    def seen_by(direct, user, password):
        with direct.wire(user=user, password=password) as wire:
            return view.see(wire)


@pytest.fixture(scope="module")
def reference(cluster, direct):
    cluster.execute(view.CLEANUP + view.SETUP, "app")
    yield Reference(direct)
    cluster.execute(view.CLEANUP, "app")


class Context:
    """What a cell works with: the proxy, the clients that it logged in, a connection around the proxy."""

    def __init__(self, proxy, connection, reference, kind, database):
        self.proxy, self.connection, self.reference, self.database = proxy, connection, reference, database
        self.first_random, self.wires, self.learns = reference.randoms[0], [], False
        self.user, self.password = (SUPERUSER, SUPERUSER_PASSWORD) if kind.superuser else ("app", None)

    def login(self, kind=None):
        wire = self.proxy.wire(self.user, self.database, self.password, params=kind.params if kind else ())
        self.wires.append(wire)
        return wire

    def admin(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None

    def waiters(self):
        """Who waits for a backend of this kind's pool; the other pools' metrics are many, and not looked at."""
        if DIRECT:
            return 0
        series = f'pgweir_pool_clients{{database="{self.database}",user="{self.user}",state="waiting"}} '
        return int(self.proxy.http("/metrics")[1].partition(series)[2].partition("\n")[0])

    def answered_or_waiting(self, wire):
        """True when an answer has come, False when the client is known to wait for a backend."""
        def settled():
            if wire.buffer or select.select([wire.sock], [], [], 0)[0]:
                return "answered"
            return "waiting" if self.waiters() == 1 else None
        return until(settled, "answered, or waiting for a backend") == "answered"

    def check(self, seen):
        found = view.differences(self.reference.views[self.user], seen)
        assert not found, "\n".join(f"{key}: fresh {a!r}, here {b!r}" for key, (a, b) in sorted(found.items()))
        assert str(seen["random"]) not in self.reference.randoms, "random() goes on where another client seeded it"


@pytest.fixture(scope="module")
def proxies(shared, cluster):
    """The proxy of a mode. One in which a cell failed is not used for the next cell."""
    failures = {}

    def get(mode):
        state = "strict" if mode == "strict" else "tracked"
        return shared(f"{mode}-{failures.get(mode, 0)}", min_size=0, max_size=1, idle_timeout="1s", state=state,
                      changes=changes(cluster, mode))

    def spoiled(mode):
        get(mode).stop()
        failures[mode] = failures.get(mode, 0) + 1

    get.spoiled = spoiled
    return get


@pytest.fixture
def context(request, proxies, admin, reference):
    mode, kind = request.getfixturevalue("mode"), request.getfixturevalue("kind")
    made = Context(proxies(mode), admin, reference, kind, "app" if DIRECT else pool_name(mode, kind))
    made.learns = mode != "seasoned" and not DIRECT
    if mode == "seasoned":
        with made.login() as other:
            other.query("select nextval('leak_sequence'), lastval()")
    yield made
    for wire in made.wires:
        wire.close()
    report = getattr(request.node, "report_call", None)
    if report is None or report.failed:
        proxies.spoiled(mode)
        made.admin("truncate leak_rows")


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_view_shows_it(kind, direct, admin, reference):
    """On a direct connection the owner's own view differs: the matrix is not blind to this kind."""
    own = Context(direct, admin, reference, kind, "app")
    with own.login(kind) as wire:
        make(wire, kind)
        with pytest.raises(AssertionError):
            own.check(view.see(wire))


@pytest.mark.parametrize("mode, kind, way", cells(["tracked", "strict"], WAYS))
def test_after_it_left(mode, kind, way, context):
    WAYS[way](kind, context)
    with context.login() as viewer:
        context.check(view.see(viewer, timeout=seconds(5)))


@pytest.mark.parametrize("mode, kind, way", cells(KINDS_OF, ["idle, still connected"]))
def test_while_it_is_idle(mode, kind, way, context):
    """The other one sees nothing now, or waits and sees nothing later; the owner has lost nothing by it. What can
    follow its client keeps nobody waiting."""
    owner, viewer = context.login(kind), context.login()
    make(owner, kind)
    viewer.send(view.QUESTIONS)
    seen = in_background(look_and_leave, viewer)  # what it called may pin it as long as it stays
    if kind.follows:
        context.check(seen.result(seconds(5)))
    else:
        until(lambda: seen.done() or context.waiters() == 1, "the other one is served, or waits")
    if callable(kind.still):
        kind.still(owner, context)
    else:
        assert owner.value(kind.still[0]) == kind.still[1]
    owner.terminate()
    context.check(seen.result(seconds(10)))


def look_and_leave(viewer):
    seen = view.read_view(viewer, timeout=seconds(10))
    viewer.terminate()
    return seen
