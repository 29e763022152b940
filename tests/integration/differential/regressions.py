"""Scripts that once differed, shrunk. The test runs them first, for every size of the pool.

A new one is pasted as the test prints it, with a sentence on what went wrong.
"""

from .script import BARRIER, B, CP, CS, DP, DS, E, F, H, P, Q, S, Script, X, abort, c, d, f  # noqa: F401

REGRESSIONS = {}
