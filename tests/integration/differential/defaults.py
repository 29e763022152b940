"""The last part of some scripts: defaults of the role or the database move, and clients that log in see them.

Whoever was there before has left by then: pgweir gives a moved default to all clients in their next transaction, which
is a limit of its own (compare.py). At the end everything is as it was.
"""

from .objects import SUPERUSER, USER
from .script import BARRIER, Q, X

FIRST_MOVER, NEWCOMERS = 600, 2

# A setting, what it becomes, and what ROLES (objects.py) made it for this role.
MOVES = [("lock_timeout", "'36s'"), ("timezone", "'Asia/Tokyo'"), ("datestyle", "'SQL, DMY'"), ("work_mem", "'6MB'"),
         ("search_path", "pg_catalog, public"), ("app.tenant", "'by default'"), ("intervalstyle", "'sql_standard'"),
         ("application_name", "'by default'"), ("default_transaction_isolation", "'serializable'")]
KEPT = {(USER, "work_mem"): "'5MB'", (SUPERUSER, "intervalstyle"): "'iso_8601'"}


def move(draft, rng):
    """Statements that move some defaults, and the ones that undo them."""
    role = SUPERUSER if draft.superuser else USER
    owners = [f"role {role}", f"role {role} in database app"] + ["database app"] * draft.superuser
    there, back = [], []
    for name, value in rng.sample(MOVES, rng.randint(1, 2)):
        owner = rng.choice(owners)
        there.append(f"alter {owner} set {name} to {value}")
        kept = KEPT.get((role, name)) if owner == owners[0] else None
        back.append(f"alter {owner} set {name} to {kept}" if kept else f"alter {owner} reset {name}")
    return there, back


def ways(rng, statements):
    """In one of the ways in which they count, or not at all."""
    together = "; ".join(statements)
    return rng.choice([[Q(sql) for sql in statements], [Q(together)], [Q("begin"), *map(Q, statements), Q("commit")],
                       [Q("begin"), *map(Q, statements), Q("rollback")]])


def part(rng, mover, streams):
    """Steps: the mover's, those of the newcomers as {number: steps}, and another mover's."""
    there, back = move(mover, rng)
    steps = [BARRIER, (mover.number, *ways(rng, there)), (mover.number, X), BARRIER]
    steps += streams
    return [*steps, BARRIER, (mover.number + 1, *map(Q, back)), (mover.number + 1, X), BARRIER]
