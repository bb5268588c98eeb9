"""Is the less important refused first?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from teastorm.verdict import names
from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.order import inversions
from teastorm.verdict.requests import CRITICALITIES
from teastorm.verdict.run import Run

ID = "priority-order"
ROLE = Role.OBJECTIVE
FIX = "switch on priorities, and check that criticality comes from the route"
# Menu (sheddable) needs no AI, so its share of refusals says nothing beside that of chat.
COMPARED = CRITICALITIES[:3]
TOLERANCE = 0.01


def evaluate(run: Run) -> Check:
    """Inversions / refusals for load in the fault window, and refused shares in order of level."""
    bound = at_most(run, ID, unit="share", fix=FIX)
    found = inversions(run.attempts, run.fault_window)
    if found.refused == 0:
        return bound.unknown("nothing was refused for load in the fault window")
    if strangers := _strangers(run):
        said = f"metrics.parquet does not know the replicas {', '.join(strangers[:3])}"
        return bound.unknown(f"{said}, who answered", n=found.refused)
    shares = found.share_by_level
    present = [name for name in COMPARED if name in shares]
    if len(present) < 2:
        return bound.unknown("fewer than two criticalities were offered", n=found.refused)
    broken = [
        f"{higher} was refused more ({shares[higher]:.1%}) than {lower} ({shares[lower]:.1%})"
        for higher, lower in pairwise(present)
        if shares[higher] > shares[lower] + TOLERANCE
    ]
    said = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    return bound.judge(
        len(found.inverted) / found.refused,
        n=found.refused,
        why=f"{len(found.inverted)} inversions; refused: {said}",
        broken="; ".join(broken),
        evidence=found.inverted,
    )


def _strangers(run: Run) -> list[str]:
    """Replicas that answered and never exported anything: inversions are looked for by replica."""
    known = {s.replica for s in run.metrics.select(names.OFFERED)}
    return sorted({str(name) for name in np.unique(run.attempts.replica)} - known - {""})
