"""Is every fault over, and seen to be over?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.events import left_behind
from teastorm.verdict.run import Run

ID = "rollback-proved"
ROLE = Role.ROLLBACK
FIX = "run teastorm down: the shop may still be faulty"
# How a run ended of which Chaos Toolkit plays no rollback, by its own default. The runner ends every
# fault then by itself, and the fault's own record says whether that went well.
PLAYS_NONE = frozenset({"failed", "interrupted"})


def evaluate(run: Run) -> Check:
    """The share of faults that were rolled back; the journal's rollbacks have to have succeeded.

    What the tear-down left behind counts like a fault that was not.
    """
    bound = at_least(run, ID, unit="share", fix=FIX)
    behind = left_behind(run.events)
    if not run.faults and not behind:
        return bound.unknown("faults.json lists no fault")
    if run.journal is None:
        return bound.unknown("journal.json is missing", n=len(run.faults))
    left = [*(fault.id for fault in run.faults if not fault.rolled_back), *behind]
    played = run.journal.rollbacks
    failed = [probe.name for probe in played if not probe.succeeded]
    cut_short = run.journal.status in PLAYS_NONE
    missing = 0 if cut_short else run.journal.rollbacks_wanted - len(played)
    broken = [f"rollback failed: {', '.join(failed)}"] if failed else []
    if missing > 0:
        broken.append(f"{missing} of {run.journal.rollbacks_wanted} rollbacks were not played")
    total = len(run.faults) + len(behind)
    return bound.judge(
        1 - len(left) / total,
        n=total,
        why=f"{', '.join(left)} not rolled back" if left else f"{total} of {total} faults over",
        broken="; ".join(broken),
        evidence=left or failed,
    )
