"""How soon after the fault is the shop as it was, by itself?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.recovery import recovery
from teastorm.verdict.run import Run

ID = "recovery-time"
ROLE = Role.OBJECTIVE
FIX = "bound queues and retries (codel, deadlines, retry_budget): a backlog of dead work stays"


def evaluate(run: Run) -> Check:
    """The smallest tau after the fault from which every window is sound for the time to hold."""
    bound = at_most(run, ID, unit="s", fix=FIX)
    end = run.fault_end_s
    if end is None:
        return bound.unknown("the fault's end is not proved")
    found = recovery(run, end)
    if found is None:
        return bound.unknown("no baseline or no metrics to compare with")
    if found.tau_s is not None:
        why = f"as before {found.tau_s:.0f} s after the fault"
        return bound.judge(found.tau_s, n=found.windows, why=why)
    if found.judged_to_s < bound.limit:
        why = f"the load ended too soon: tau can be judged up to {found.judged_to_s:.0f} s"
        return bound.unknown(why, n=found.windows)
    why = f"did not recover within {found.judged_to_s:.0f} s: {found.worst}"
    metastable = "it does not come back by itself (metastable)"
    return bound.judge(found.judged_to_s, n=found.windows, why=why, broken=metastable)
