"""Within one level, is it always the same users who are turned away?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.requests import CHAT
from teastorm.verdict.run import Run
from teastorm.verdict.words import jain, user_shares

ID = "fairness"
ROLE = Role.OBJECTIVE
FIX = "turn the user hash over more often (rotation_s), and look at quotas of heavy users"


def evaluate(run: Run) -> Check:
    """Jain's index over chat users with 5 requests or more of (good + degraded) / offered."""
    bound = at_least(run, ID, unit="index", fix=FIX)
    chosen = run.requests.within(run.fault_window) & run.requests.of(CHAT)
    shares = user_shares(run.requests, chosen)
    if len(shares) == 0:
        return bound.unknown("no user made 5 chat requests in the fault window")
    index = jain(shares)
    if index is None:
        return bound.judge(0.0, n=len(shares), why=f"none of {len(shares)} users got anything")
    why = f"{len(shares)} users, served between {shares.min():.0%} and {shares.max():.0%}"
    return bound.judge(index, n=len(shares), why=why)
