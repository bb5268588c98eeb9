"""Once recovered, does it stay so?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.recovery import recovery
from teastorm.verdict.run import Run

ID = "recovery-held"
ROLE = Role.OBJECTIVE
FIX = "look for what comes back in waves: retries without jitter, tickets redeemed at once"


def evaluate(run: Run) -> Check:
    """The longest stretch of sound windows after the fault, in seconds."""
    bound = at_least(run, ID, unit="s", fix=FIX)
    end = run.fault_end_s
    if end is None:
        return bound.unknown("the fault's end is not proved")
    found = recovery(run, end)
    if found is None:
        return bound.unknown("no baseline or no metrics to compare with")
    if found.judged_to_s < 0:
        return bound.unknown("the load ended before recovery could be held", n=found.windows)
    why = f"sound for {found.held_s:.0f} s on end"
    if found.worst:
        why = f"{why}; last complaint: {found.worst}"
    return bound.judge(found.held_s, n=found.windows, why=why)
