"""Scripts of the family "shared": clients that use the same tables, while one of them changes those.

What a client is answered depends on what others have done before, so the steps keep their order in both runs
(Script.ordered), and nothing in them may wait. A client's steps come in turns, each of which begins and ends outside
of a transaction. No more than `together` clients are in the middle of a turn at a time, as many as there are server
connections; and a turn that locks tenants begins only when no other turn uses them.
"""

import random
import re

from . import kinds, tenancy
from .delivery import deliver
from .draft import Draft
from .script import Q, Script

SUBJECTS = {"tenants": 6, "changes": 5, "wrappers": 1, "forgetting": 1.5, "dynamic": 1, "looks": 0.5}
# What may keep a server connection beyond its turn, or belongs to the other family.
LEFT_OUT = {"looks.channels", "dynamic.made_unseen", "dynamic.within", "dynamic.run_unseen"}
LOCKING = re.compile(r"\b(create|alter|drop|comment|update|insert|delete)\b")


def turns(seed, number, together, without=()):
    """A script for clients from `number` on."""
    rng = random.Random(f"shared {seed} {together}")
    names = [f"t{number}{letter}" for letter in tenancy.LETTERS]
    drafts = [Draft(rng, number + each, False) for each in range(3)]
    for draft in drafts:
        draft.tenants, draft.may_change = names, draft is drafts[0]
    enabled = chosen(rng, without)
    clients = {draft.number: startup(draft) for draft in drafts}
    for draft in drafts:
        draft.startup = clients[draft.number]
        draft.paths = {name for name in names if name in str(draft.startup)}
    steps = [(number, Q("; ".join(tenancy.draw(rng, schema)))) for schema in [*names, *tenancy.ROLES]]
    steps += Turns(rng, drafts, together, enabled).steps(rng.randint(8, 30))
    return Script(seed, False, clients, steps, ordered=True)


def chosen(rng, without):
    """Kinds and their weights."""
    kept = {subject for subject in SUBJECTS if rng.random() < 0.7} | {"tenants", "changes"}
    return [(kind, kind.weight * SUBJECTS[kind.subject]) for kind in kinds.chosen(without)
            if kind.subject in kept and str(kind) not in LEFT_OUT] or [
                (kind, kind.weight) for kind in kinds.every() if kind.subject == "looks"]


def startup(draft):
    if draft.chance(0.7):
        return []
    return [draft.pick([("search_path", draft.pick(draft.tenants)), ("options", f"-c search_path={draft.pick(draft.tenants)}"),
                        ("application_name", draft.schema), ("DateStyle", "SQL, DMY")])]


class Turn:
    def __init__(self, draft, steps):
        self.draft, self.steps = draft, steps
        texts = "\n".join(say[1] if say.kind == "Q" else say[2] for step in steps for say in step
                          if say.kind in ("Q", "P"))
        bound = " ".join(str(value) for step in steps for say in step if say.kind == "B" for value in say[3:4])
        draft.paths |= {name for name in draft.tenants if name in texts + bound}
        self.uses = {*draft.paths, *tenancy.ROLES}
        self.locks = self.uses if LOCKING.search(texts) or any(writes(draft, say) for step in steps for say in step) else set()

    def collides(self, other):
        return bool(self.locks & other.uses or other.locks & self.uses)


def writes(draft, say):
    text = draft.tenant_statements.get(say[2], ("",))[0] if say.kind == "B" else ""
    return bool(LOCKING.search(text))


class Turns:
    def __init__(self, rng, drafts, together, enabled):
        self.rng, self.together, self.enabled, self.drafts = rng, together, enabled, drafts
        self.begun, self.refused = {}, {}

    def steps(self, count):
        """So many turns, or a few less."""
        steps = []
        while count or self.begun:
            draft = self.rng.choice(self.drafts)
            turn = self.begun.get(draft.number)
            if turn is None:
                turn = self.begin(draft) if count and len(self.begun) < self.together else None
                count -= turn is not None
            if turn is None:
                continue
            for _ in range(self.rng.choice([1, 2, len(turn.steps)])):
                if turn.steps:
                    steps.append((draft.number, *turn.steps.pop(0)))
            if not turn.steps:
                del self.begun[draft.number]
        return steps

    def begin(self, draft):
        turn = self.refused.pop(draft.number, None) or Turn(draft, self.write(draft))
        if any(turn.collides(other) for other in self.begun.values()):
            self.refused[draft.number] = turn
            return None
        self.begun[draft.number] = turn
        return turn

    def write(self, draft):
        possible = [(kind, weight) for kind, weight in self.enabled if kind.when(draft)]
        kind = draft.rng.choices([kind for kind, _ in possible], [weight for _, weight in possible])[0]
        return list(deliver(draft, kind.write(draft)) if kind.is_sql else kind.write(draft))
