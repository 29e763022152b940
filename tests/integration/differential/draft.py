"""What the generator believes of a client whose steps it writes.

It only guesses: an error may have kept a statement from happening. That is welcome, because both runs then answer
the same error; the guesses are there so that most steps do something.
"""

from . import tenancy


class Draft:
    def __init__(self, rng, number, superuser):
        self.rng, self.number, self.superuser = rng, number, superuser
        self.startup = []  # parameters of its startup message
        self.schema = f"d{number}"
        self.in_transaction = False
        self.savepoints = []
        self.statements = {}  # protocol-level: name -> number of parameters
        self.prepared = {}  # by PREPARE: name -> number of parameters
        self.portals = []  # of the open transaction
        self.cursors, self.temporaries, self.locks, self.channels = [], [], [], []
        self.made = 0
        self.tenants = tenancy.own(number)
        self.tenant_statements = {}  # name -> text, and what its parameters are
        self.habit = rng.choice(["keeps", "each", "never"])  # subjects/tenants.py
        self.may_change = True  # the tables of its tenants

    def pick(self, choices):
        return self.rng.choice(list(choices))

    def chance(self, probability):
        return self.rng.random() < probability

    def number_between(self, low, high):
        return self.rng.randint(low, high)

    def fresh(self, prefix):
        """A name that this client has not used."""
        self.made += 1
        return f"{prefix}{self.made}"

    def known_or_not(self, names, unknown):
        """Mostly a name that should exist."""
        return self.pick(names) if names and self.chance(0.85) else unknown

    def begins(self):
        self.in_transaction = True

    def ends(self):
        self.in_transaction = False
        self.savepoints.clear()
        self.portals.clear()
