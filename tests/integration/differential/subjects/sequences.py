"""Sequences: nextval works anywhere, currval and lastval belong to the session."""

from ..kinds import sql


def sequence(draft):
    return f"'{draft.schema}.{draft.pick('sr')}'"


@sql(4)
def following(draft):
    """nextval, alone or as a column's value"""
    return [draft.pick(["select nextval({})", "insert into {schema}.u values (nextval({}), 'by sequence')"])
            .replace("{schema}", draft.schema).format(sequence(draft))]


@sql(4)
def current(draft):
    """currval, lastval: a value of this session, or an error"""
    own = f"select currval({sequence(draft)})"
    return [draft.pick([own, own, "select lastval()"])]


@sql(1)
def moved(draft):
    """setval"""
    return [f"select setval({sequence(draft)}, {draft.number_between(700, 800)})"]


@sql(1)
def forgotten(draft):
    """DISCARD SEQUENCES"""
    return ["discard sequences"]
