"""One script out of one seed.

Clients share no object but the channels of the last part, so each one's answers are its own affair, and the steps
of all clients are shuffled as they come. That decides how a script can run with fewer backends than clients: the
player does not wait for a client that waits for a backend (player.py), and such a client goes on as soon as the one
that holds the backend has let it go or has left. Nobody who holds a backend ever waits for another client.

Some scripts end with defaults that move (defaults.py).

The exception is NOTIFY to another client, whose outcome depends on who listens at that moment. So it comes in a part
of its own, after everyone has let go of what keeps a backend: there the clients take turns.
"""

import random

from . import defaults, kinds, turns
from .delivery import deliver
from .draft import Draft
from .script import ALL_HEARD, BARRIER, LET_GO, Q, Script, X, abort, notify
from .subjects.listening import SHARED
from .subjects.looks import SETTINGS

# Scripts that follow each other use different clients, so that several can be put together (shrink.py).
SCRIPTS_APART, CLIENTS_MAX = 8, 3

STARTUP = [("application_name", "of {schema}"), ("TimeZone", "America/New_York"), ("DateStyle", "SQL, DMY"),
           ("options", "-c work_mem=7MB -c geqo=off"), ("client_encoding", "LATIN1"), ("search_path", "{schema}"),
           ("app.tenant", "tenant of {schema}"), ("extra_float_digits", "3"), ("options", "-c app.tenant={schema}"),
           ("IntervalStyle", "iso_8601"), ("statement_timeout", "50s"), ("default_transaction_isolation", "serializable"),
           ("options", "--lock-timeout=37s -c datestyle=German"), ("options", "-c app.user_id=with\\ blank -cgeqo=off"),
           ("role", "diffteam"), ("bytea_output", "escape"), ("client_min_messages", "warning"), ("my_ext.flag", "it's"), ("geqo", "off")]
REFUSED = [("work_mem", "a lot"), ("options", "-c nosuch=1"), ("TimeZone", "Mars/Phobos"),
           ("client_encoding", "nosuch"), ("server_version", "1"), ("options", "-c shared_buffers=1GB")]


def every_number():
    """Of all clients that scripts can have."""
    return {*range(SCRIPTS_APART * CLIENTS_MAX),
            *range(defaults.FIRST_MOVER, defaults.FIRST_MOVER + SCRIPTS_APART * (2 + defaults.NEWCOMERS))}


def generate(seed, without=(), extra=(), family="own", together=1):
    """Family "own": clients that share nothing; "shared": see turns.py."""
    if family == "shared":
        return turns.turns(seed, seed % SCRIPTS_APART * CLIENTS_MAX, together, without)
    rng = random.Random(seed)
    superuser = rng.random() < 0.2
    first = seed % SCRIPTS_APART * CLIENTS_MAX
    numbers = list(range(first, first + rng.choice([1, 2, 2, 3, 3])))
    drafts = [Draft(rng, number, superuser) for number in numbers]
    clients = {draft.number: startup(draft) for draft in drafts}
    if "script.startup" in without:
        clients = {number: [] for number in clients}
    for draft in drafts:
        draft.startup = clients[draft.number]
    enabled = kinds.chosen(without, extra)
    streams = {draft.number: write(draft, some(rng, enabled), rng.randint(3, 14)) for draft in drafts}
    early = [draft for draft in drafts if draft.chance(0.3) and "script.leaving" not in without]
    for draft in early:
        streams[draft.number] = leave_early(draft, streams[draft.number])
    steps = shuffled(rng, streams)
    listeners = [draft for draft in drafts if draft not in early]
    heard = {channel for draft in drafts for channel in draft.channels} & set(SHARED)
    if listeners and heard and "script.last_part" not in without:
        steps += last_part(rng, listeners)
    if rng.random() < 0.12 and "script.defaults" not in without:
        steps += moved_defaults(rng, seed, superuser, enabled, clients)
    return Script(seed, superuser, clients, steps)


def startup(draft):
    if draft.chance(0.6):
        return []
    if draft.chance(0.05):
        return [draft.pick(REFUSED)]
    chosen = dict(draft.rng.sample(STARTUP, draft.number_between(1, 3)))
    return [(name, value.format(schema=draft.schema)) for name, value in chosen.items()]


def moved_defaults(rng, seed, superuser, enabled, clients):
    first = defaults.FIRST_MOVER + seed % SCRIPTS_APART * (2 + defaults.NEWCOMERS)
    mover = Draft(rng, first, superuser)
    newcomers = [Draft(rng, first + 2 + number, superuser) for number in range(defaults.NEWCOMERS)]
    for draft in newcomers:
        clients[draft.number] = draft.startup = startup(draft) if rng.random() < 0.5 else []
    streams = {draft.number: [(Q(SETTINGS),), *write(draft, enabled, rng.randint(2, 6))] for draft in newcomers}
    clients.update({first: [], first + 1: []})
    return defaults.part(rng, mover, shuffled(rng, streams))


def some(rng, enabled):
    """A part of the subjects: fewer of them at a time meet more often."""
    share = rng.choice([0.3, 0.6, 1.0])
    subjects = sorted({kind.subject for kind in enabled})
    kept = {subject for subject in subjects if rng.random() < share} | {"transactions", "looks"}
    return [kind for kind in enabled if kind.subject in kept] or enabled


def choose(draft, enabled, only_sql=False):
    possible = [kind for kind in enabled if kind.when(draft) and (kind.is_sql or not only_sql)]
    return draft.rng.choices(possible, [kind.weight for kind in possible])[0] if possible else None


def write(draft, enabled, count):
    """One client's steps; statements of several kinds may share a string or a pipeline."""
    steps = []
    while len(steps) < count:
        kind = choose(draft, enabled)
        if not kind.is_sql:
            steps += kind.write(draft)
            continue
        statements = list(kind.write(draft))
        while len(statements) < 6 and draft.chance(0.4):
            another = choose(draft, enabled, only_sql=True)
            statements += another.write(draft)
        steps += deliver(draft, statements)
    return steps


def leave_early(draft, steps):
    """Goes in the middle, perhaps inside a transaction, a pipeline or a COPY, with a word or without."""
    end = draft.number_between(1, len(steps))
    if draft.chance(0.3) and says_goodbye(steps[end - 1]):
        return [*steps[:end - 1], (*steps[end - 1], X)]
    if draft.chance(0.5):
        return [*steps[:end], (draft.pick([X, abort]),)]
    return steps[:end]


def says_goodbye(step):
    """A Terminate may stand right behind it: nothing of it is a COPY, which that would break."""
    return step[-1].kind in ("Q", "S", "F") and not any("copy" in str(say).lower() for say in step)


def shuffled(rng, streams):
    """The steps of all clients in one order; each client's own order stays."""
    left = {number: list(steps) for number, steps in streams.items() if steps}
    steps, number = [], None
    while left:
        if number not in left or rng.random() < 0.7:
            number = rng.choice(sorted(left))
        steps.append((number, *left[number].pop(0)))
        if not left[number]:
            del left[number]
    return steps


def last_part(rng, listeners):
    """Everyone lets go; then notifications for whoever still listens, and a statement that brings the last ones."""
    steps = [(draft.number, *LET_GO) for draft in listeners] + [BARRIER]
    for channel in SHARED:
        for count in range(rng.randint(1, 2)):
            sender = rng.choice(listeners)
            steps.append((sender.number, notify(channel, f"last {count} from {sender.schema}")))
    return steps + [BARRIER] + [(draft.number, ALL_HEARD) for draft in listeners]
