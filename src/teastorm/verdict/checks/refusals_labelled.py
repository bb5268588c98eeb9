"""Does every refusal say what it is: rung, reason, and what was scarce?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least, refusals_in
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run

ID = "refusals-labelled"
ROLE = Role.OBJECTIVE
FIX = "every refusal goes through the gateway's problem response, which sets the headers"


def evaluate(run: Run) -> Check:
    """The share of refusals with X-Degradation: refused, X-Refusal and X-Refused-For."""
    bound = at_least(run, ID, unit="share", fix=FIX)
    refused = refusals_in(run, run.load_window)
    total = int(refused.sum())
    if total == 0:
        return bound.unknown("nothing was refused")
    rows = run.attempts
    labelled = (rows.rung == "refused") & (rows.reason != "") & (rows.refused_for != "")
    bare = refused & ~labelled
    return bound.judge(
        1 - float(bare.sum()) / total,
        n=total,
        why=f"{int(bare.sum())} of {total} refusals lack a label",
        evidence=[str(name) for name in rows.request_id[bare]],
    )
