"""Does every refusal say when to come back?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least, refusals_in
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run

ID = "retry-after-present"
ROLE = Role.OBJECTIVE
FIX = "every 429 and 503 carries Retry-After in whole seconds, 1 or more"


def evaluate(run: Run) -> Check:
    """The share of 429 and 503 answers with a valid Retry-After, in the whole run."""
    bound = at_least(run, ID, unit="share", fix=FIX)
    refused = refusals_in(run, run.load_window)
    total = int(refused.sum())
    if total == 0:
        return bound.unknown("nothing was refused")
    without = refused & ~(run.attempts.retry_after_s >= 1.0)
    return bound.judge(
        1 - float(without.sum()) / total,
        n=total,
        why=f"{int(without.sum())} of {total} refusals without a valid Retry-After",
        evidence=[str(name) for name in run.attempts.request_id[without]],
    )
