"""Are there enough requests of each class to say anything?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run

ID = "sample-size"
ROLE = Role.VOID
FIX = "lengthen the fault window or raise the base rate (K of 60/s or more)"


def evaluate(run: Run) -> Check:
    """Arrivals in the fault window; every class that the plan names has to be among them."""
    bound = at_least(run, ID, unit="requests", fix=FIX)
    inside = run.requests.within(run.fault_window)
    total = int(inside.sum())
    if total == 0:
        return bound.unknown("no request was drawn in the fault window")
    planned = [name for name, count in run.plan.classes.items() if count > 0]
    absent = [name for name in planned if not (inside & run.requests.of(name)).any()]
    broken = f"none of {', '.join(absent)}" if absent else ""
    why = f"{total} requests in {run.fault_window.seconds:.1f} s of fault window"
    return bound.judge(float(total), n=total, why=why, broken=broken)
