"""Do retries multiply the load that made them necessary?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run
from teastorm.verdict.words import amplification

ID = "retry-amplification"
ROLE = Role.OBJECTIVE
FIX = "refuse fast with Retry-After instead of letting clients time out; use the retry budget"


def evaluate(run: Run) -> Check:
    """Attempts / requests in the fault window, without retries that waited their Retry-After.

    Those were invited by the shop, at a time of its choosing. All attempts are named beside it.
    """
    bound = at_most(run, ID, unit="attempts/request", fix=FIX)
    chosen = run.requests.within(run.fault_window)
    found = amplification(run.requests, chosen)
    if found is None:
        return bound.unknown("no request was drawn in the fault window")
    every, uninvited = found
    many = chosen & (run.requests.attempts - run.requests.invited > 1)
    return bound.judge(
        uninvited,
        n=int(chosen.sum()),
        why=f"{every:.2f} attempts a request in all, {every - uninvited:.2f} invited by Retry-After",
        evidence=[str(name) for name in run.requests.request_id[many]],
    )
