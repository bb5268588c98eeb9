"""Is every answer on a rung that the degradation contract allows while a dependency is down?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.contract import allowed_rungs, visits
from teastorm.verdict.run import Run

ID = "degradation-contract"
ROLE = Role.OBJECTIVE
FIX = "compare the row of teashop.resilience.ladder.CONTRACT with what the gateway answers"


def evaluate(run: Run) -> Check:
    """The share of answers in the fault's span on an allowed rung; every row has to be visited.

    A row is a dependency, its state and a class. What got no answer at all counts as not allowed.
    """
    bound = at_least(run, ID, unit="share", fix=FIX)
    rows = [row for fault in run.faults for row in visits(run, fault)]
    if not rows:
        return bound.unknown("no proved fault of this run brings about a state of the contract")
    unvisited = [f"{v.dependency} {v.state}: {v.class_}" for v in rows if v.answers == 0]
    total = sum(visit.answers for visit in rows)
    wrong = [name for visit in rows for name in visit.wrong]
    if unvisited and not wrong:
        return bound.unknown(f"not visited: {', '.join(unvisited)}", n=total)
    seen = "; ".join(
        f"{v.class_}: {v.answers - len(v.wrong)}/{v.answers} on "
        f"{'/'.join(sorted(allowed_rungs(v.dependency, v.state, v.class_)))}"
        for v in rows
    )
    return bound.judge(1 - len(wrong) / total, n=total, why=seen, evidence=wrong)
