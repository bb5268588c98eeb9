"""Did every planned fault happen, as seen by something other than the call that caused it?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run

ID = "fault-proved"
ROLE = Role.VOID
FIX = "read the fault's evidence and the runner's log; a run without its fault judges nothing"


def evaluate(run: Run) -> Check:
    """The share of faults that are proved; a loss also needs other processes after than before."""
    bound = at_least(run, ID, unit="share", fix=FIX)
    if not run.faults:
        return bound.unknown("faults.json lists no fault")
    unproved: list[str] = []
    for fault in run.faults:
        if not fault.proved or fault.began_s is None or fault.ended_s is None:
            unproved.append(f"{fault.id}: {fault.evidence or 'no evidence'}")
        elif fault.is_loss and (not fault.before or set(fault.before) <= set(fault.after)):
            unproved.append(f"{fault.id}: the same processes before and after")
    total = len(run.faults)
    why = "; ".join(unproved) or "; ".join(f"{f.id}: {f.evidence}" for f in run.faults)
    ids = [f.id for f in run.faults]
    return bound.judge(1 - len(unproved) / total, n=total, why=why, evidence=ids)
