"""Did every replica live, but for those that the run itself ended?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.endings import replicas_seen, undeclared
from teastorm.verdict.run import Run

ID = "replicas-lived"
ROLE = Role.OBJECTIVE
FIX = "read the log of the replica that ended: it crashed, ran out of memory, or stopped answering"


def evaluate(run: Run) -> Check:
    """How many replicas ended by themselves during the load: crashed, killed for memory or liveness.

    A failure and no doubt about the run: who falls over under load did not degrade gracefully. What
    others ended is `fault-proved`'s.
    """
    bound = at_most(run, ID, unit="replicas", fix=FIX)
    seen = replicas_seen(run)
    if seen == 0:
        return bound.unknown("neither events.json nor metrics.parquet tells of any replica")
    ended = [ending for ending in undeclared(run) if ending.by_itself]
    return bound.judge(
        float(len(ended)),
        n=seen,
        why="ended by itself: " + "; ".join(map(str, ended))
        if ended
        else f"none of {seen} replicas ended by itself",
        evidence=[ending.replica for ending in ended],
    )
