"""Did the extra replicas come only after demand had passed capacity, as on the day?"""

from __future__ import annotations

import numpy as np

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run

ID = "replicas-came-late"
ROLE = Role.OBJECTIVE
FIX = "check the scripted autoscaler's trigger and start-up delay in the experiment"


def evaluate(run: Run) -> Check:
    """Seconds from demand passing K to the first extra AI replica being ready."""
    bound = at_least(run, ID, unit="s", fix=FIX)
    rates = run.chat_rps_grid(run.load_window)
    above = np.flatnonzero(rates > run.meta.capacity.rps)
    if len(above) == 0:
        return bound.unknown("demand never passed capacity")
    passed_s = run.load_window.start_s + float(above[0])
    start = run.load_window.start_s
    before = float(run.inference_replicas(np.array([start]))[0])
    came = [
        e.t_s
        for e in run.events
        if e.kind == "replica_ready"
        and e.service == "inference"
        and e.t_s > start
        and float(run.inference_replicas(np.array([e.t_s]))[0]) > before
    ]
    if not came:
        return bound.unknown("no extra AI replica came")
    late = min(came) - passed_s
    why = f"demand passed K at {passed_s:.0f} s, {len(came)} extra replicas from {min(came):.0f} s"
    return bound.judge(late, n=len(came), why=why)
