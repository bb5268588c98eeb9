"""Were the times that customers were promised kept, or revised before they ran out?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run

ID = "promises-kept"
ROLE = Role.OBJECTIVE
FIX = "switch on backpressure and pause; accept no more than the street can deliver"


def evaluate(run: Run) -> Check:
    """Promises kept (a revision in time counts) / those that came due before the run's end."""
    bound = at_least(run, ID, unit="share", fix=FIX)
    due = [row for row in run.ledger.assignments if row.kept is not None]
    if not due:
        return bound.unknown("no promise came due")
    broken = [row.order_id for row in due if not row.kept]
    revised = sum(1 for row in due if row.revisions)
    why = f"{len(broken)} of {len(due)} promises broken, {revised} revised"
    return bound.judge(1 - len(broken) / len(due), n=len(due), why=why, evidence=broken)
