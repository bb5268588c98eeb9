"""How long the protections took to bite: from the step to when critical requests fare well again."""

from __future__ import annotations

import math

from teastorm.verdict.run import Run
from teastorm.verdict.window import Window
from teastorm.verdict.words import success_share

KEPT_BY = {"critical": "critical-success", "critical_plus": "critical-plus-success"}
"""The objective that says what is well enough for each critical level."""


def engage_s(run: Run) -> float | None:
    """Seconds into the fault window from which on the critical levels stay within their objectives.

    They do from a second when, of what was drawn from it to the window's end, each level's good
    share keeps its limit. None when they never do, or when nothing critical was drawn. Pure.
    """
    window = run.fault_window
    for second in range(math.ceil(window.seconds)):
        rest = Window(start_s=window.start_s + second, end_s=window.end_s)
        if _kept(run, rest):
            return float(second)
    return None


def _kept(run: Run, window: Window) -> bool:
    """Whether something critical was drawn, and every such level keeps its limit."""
    inside = run.requests.within(window)
    kept = [
        share >= run.slo.objective(check_id).limit
        for level, check_id in KEPT_BY.items()
        if (share := success_share(run.requests, inside & run.requests.at(level))) is not None
    ]
    return bool(kept) and all(kept)
