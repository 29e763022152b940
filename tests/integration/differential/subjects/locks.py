"""Advisory locks. The keys are the client's own, so nobody waits for anybody."""

from ..kinds import sql


def key(draft):
    number = draft.number * 100 + draft.number_between(1, 3)
    return draft.pick([str(number), f"{draft.number}, {number}"])


@sql(4)
def session_lock(draft):
    """locks that the session holds until it unlocks them"""
    taken = key(draft)
    draft.locks.append(taken)
    return [f"select pg_{draft.pick(['', 'try_'])}advisory_lock{draft.pick(['', '', '_shared'])}({taken})"]


@sql(2)
def transaction_lock(draft):
    """locks that end with the transaction"""
    return [f"select {draft.pick(['pg_advisory_xact_lock', 'pg_try_advisory_xact_lock'])}({key(draft)})"]


@sql(6, when=lambda draft: draft.locks)
def unlock(draft):
    """unlocks, of one or of all, sometimes of the wrong kind"""
    if draft.chance(0.3):
        draft.locks.clear()
        return ["select pg_advisory_unlock_all()"]
    held = draft.locks.pop()
    return [f"select {draft.pick(['pg_advisory_unlock', 'pg_advisory_unlock', 'pg_advisory_unlock_shared'])}({held})"]


@sql(1)
def unlock_without(draft):
    """an unlock of what is not held: false, and a warning"""
    return [f"select pg_advisory_unlock({key(draft)})"]


@sql(1)
def twice(draft):
    """a lock that has to be given back as often as it was taken"""
    taken = key(draft)
    draft.locks += [taken, taken]
    return [f"select pg_advisory_lock({taken}), pg_try_advisory_lock({taken})"]


@sql(1)
def of_rows(draft):
    """one lock for each row"""
    draft.locks.append(f"{draft.number * 100 + 1}")
    return [f"select pg_advisory_lock({draft.number * 100} + id) from {draft.schema}.t where id < 4 order by id"]
