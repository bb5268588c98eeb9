"""Is a no said at once, so that it costs neither side anything?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_most, refusals_in
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run
from teastorm.verdict.words import percentile

ID = "refusals-fast"
ROLE = Role.OBJECTIVE
FIX = "refuse at admission, before the body is read; shorten the queue's target"


def evaluate(run: Run) -> Check:
    """p99 in milliseconds from the intended send to the refusal's last byte, in the fault window."""
    bound = at_most(run, ID, unit="ms", fix=FIX)
    refused = refusals_in(run, run.fault_window)
    total = int(refused.sum())
    if total == 0:
        return bound.unknown("nothing was refused in the fault window")
    took = run.attempts.answer_s
    p99 = percentile(took[refused], 0.99)
    slow = refused & (took * 1000 > bound.limit)
    return bound.judge(
        None if p99 is None else p99 * 1000,
        n=total,
        why=f"{total} refusals, {int(slow.sum())} of them slower",
        evidence=[str(name) for name in run.attempts.request_id[slow]],
    )
