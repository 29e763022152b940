"""Pipelines with errors in the middle, and what else may come in one write."""

from ..kinds import messages
from ..script import B, CP, CS, DS, E, F, H, P, Q, S, c, d, f


def one(sql="select 1"):
    return (P("", sql), B(), E())


def insert(draft):
    return one(f"insert into {draft.schema}.t values ({draft.number_between(200, 999)}, 'piped')")


def bad(draft):
    """Fails at Parse, Bind or Execute."""
    return draft.pick([(P("", "selekt"), B(), E()), (P("", "select $1::int"), B("", "", ("x",)), E()),
                       (P("", "select 1/0 from pg_class limit 1"), B(), E()), (B("", "nobody"), E())])


@messages(4)
def error_in_the_middle(draft):
    """what came before is undone, what comes after is skipped"""
    return [(*insert(draft), *bad(draft), *insert(draft), S, *one("select 'after'"), S)]


@messages(2)
def skipped_query(draft):
    """a simple Query after an error is skipped like everything else"""
    return [(*bad(draft), Q("select 'skipped'"), S, Q("select 'answered'"))]


@messages(2)
def late_sync(draft):
    """the Sync comes long after the error"""
    return [(*bad(draft), H), (*insert(draft), H), (S,)]


@messages(3)
def statements_made_and_lost(draft):
    """names parsed before and after the error"""
    first, second = draft.fresh("k"), draft.fresh("k")
    return [(P(first, "select 'first'"), *bad(draft), P(second, "select 'second'"), S),
            (B("", first), E(), S), (B("", second), E(), S)]


@messages(2)
def parts(draft):
    """Flush in the middle"""
    return [(*insert(draft), H), (*one("select 2"), H, *insert(draft), S)]


@messages(1)
def syncs(draft):
    """Syncs and Flushes with nothing to answer"""
    return [draft.pick([(S, S), (H, S), (Q("select 1"), S, S), (*one(), S, S)])]


@messages(1)
def closes(draft):
    """Close of what is not there"""
    return [(CS("nope"), CP("nope"), *one(), CP(""), CS(""), S)]


@messages(1)
def stray_copy(draft):
    """COPY messages outside of COPY are ignored"""
    return [draft.pick([(d("x"), c, f(), Q("select 4")), (d("x"), *one(), c, S)])]


@messages(1)
def function_call(draft):
    """FunctionCall, also one that fails"""
    return [draft.pick([(F(177, (2, 3)),), (F(154, (1, 0)),), (F(177, (2, 3)), Q("select 1"))])]


@messages(2)
def unnamed_of_a_failed_pipeline(draft):
    """what the unnamed statement is after an error"""
    return [(*one("select 'kept'"), *bad(draft), S), (DS(), S), (B(), E(), S)]


@messages(2)
def transaction_in_one_write(draft):
    """BEGIN to COMMIT, with one Sync or many"""
    middle = insert(draft) if draft.chance(0.7) else bad(draft)
    sync = draft.pick([(), (S,)])
    return [(*one("begin"), *sync, *middle, *sync, *one("commit"), S)]


@messages(1)
def long(draft):
    """hundreds of statements"""
    count = draft.number_between(100, 300)
    return [tuple(say for number in range(count) for say in (P("", f"select {number % 7}"), B(), E())) + (S,)]
