"""LISTEN, NOTIFY, UNLISTEN.

During the script a client notifies only channels of its own: whether a notification reaches another client would
depend on how far that one is. The channels of SHARED are notified in a last part of the script (generate.py).
"""

from ..kinds import sql

SHARED = ["shared_a", "shared_b"]


def own(draft):
    return [f"{draft.schema}_a", f"{draft.schema}_b"]


def listening(draft):
    return bool(draft.channels)


@sql(5)
def listen(draft):
    """LISTEN, in transactions too"""
    channel = draft.pick(own(draft) + SHARED)
    draft.channels.append(channel)
    return [f"listen {channel}"]


@sql(1)
def odd_channels(draft):
    """names that have to be quoted, and ones that are cut"""
    channel = draft.pick([f'"{draft.schema} odd"', f'{draft.schema.upper()}_A', f'"{draft.schema}_A"',
                          f"{draft.schema}_{'x' * 70}"])
    return [f"{draft.pick(['listen', 'listen', 'unlisten', 'notify'])} {channel}"]


@sql(6, when=listening)
def notify(draft):
    """NOTIFY and pg_notify to one's own channels"""
    channel, payload = draft.pick(own(draft)), draft.fresh("payload")
    return [draft.pick([f"notify {channel}, '{payload}'", f"select pg_notify('{channel}', '{payload}')",
                        f"notify {channel}",
                        f"select pg_notify('{channel}', v) from {draft.schema}.t where id < 4 order by id"])]


@sql(3, when=listening)
def unlisten(draft):
    """UNLISTEN of one channel or of all"""
    if draft.chance(0.3):
        return ["unlisten *"]
    return [f"unlisten {draft.pick(own(draft) + SHARED)}"]
