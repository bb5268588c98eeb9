"""The figures of a report, from a run's columns."""

from __future__ import annotations

from teastorm.report.crowd import by_criticality, demand, latencies, refusals
from teastorm.report.figure import Figure
from teastorm.report.inside import replicas, the_ai, the_door
from teastorm.verdict.run import Run


def figures(run: Run) -> tuple[Figure, ...]:
    """All figures that this run has data for, in reading order."""
    drawn = (
        demand(run),
        by_criticality(run),
        latencies(run),
        the_ai(run),
        the_door(run),
        replicas(run),
        refusals(run),
    )
    return tuple(figure for figure in drawn if figure.drawing)
