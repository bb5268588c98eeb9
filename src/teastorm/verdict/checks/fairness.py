"""Within one level, is it always the same users who are turned away?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.requests import CHAT, CRITICALITIES
from teastorm.verdict.run import Run
from teastorm.verdict.words import jain, user_shares

ID = "fairness"
ROLE = Role.OBJECTIVE
FIX = "turn the user hash over more often (rotation_s), and look at quotas of heavy users"


def evaluate(run: Run) -> Check:
    """Jain's index over chat users with 5 requests or more of (good + degraded) / offered.

    Only users of one level are compared, that of most of them: which level goes before which is
    `priority-order`'s, and a level that is shed as a whole treats its users alike.
    """
    bound = at_least(run, ID, unit="index", fix=FIX)
    chats = run.requests.within(run.fault_window) & run.requests.of(CHAT)
    by_level = {
        name: user_shares(run.requests, chats & run.requests.at(name)) for name in CRITICALITIES
    }
    level = max(by_level, key=lambda name: len(by_level[name]))
    shares = by_level[level]
    if len(shares) == 0:
        return bound.unknown("no user made 5 chat requests of one level in the fault window")
    who = f"{len(shares)} users of {level}"
    index = jain(shares)
    if index is None:
        return bound.judge(0.0, n=len(shares), why=f"none of {who} got anything")
    why = f"{who}, served between {shares.min():.0%} and {shares.max():.0%}"
    return bound.judge(index, n=len(shares), why=why)
