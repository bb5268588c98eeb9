"""The autoscaler drawn: what it saw of its target, what it wanted, and what was ready when.

From the events of the local platform's live autoscaler, or from a cluster's own (autoscaling.json).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import orjson

from teastorm.report.autoscaler import samples_of
from teastorm.report.chart import Chart, Layer, Mark
from teastorm.report.figure import Figure
from teastorm.verdict.columns import Floats
from teastorm.verdict.events import Event
from teastorm.verdict.run import Run
from teastorm.verdict.timeline import grid

SERVICE = "inference"
_UTILISATION = "resource_utilization"


class Sight(NamedTuple):
    """One look of the autoscaler; None: it did not say.

    `asked` is what the metrics alone would have; `load` is the metric over its target, 1 where
    nothing needs to change.
    """

    at_s: float
    wanted: int
    asked: int | None
    load: float | None


def scaling(run: Run) -> tuple[Figure, ...]:
    """Two figures where an autoscaler ruled inference, else none."""
    seen = looks_of(run)
    if not seen:
        return ()
    return tuple(figure for figure in (_replicas(run, seen), _metric(run, seen)) if figure.drawing)


def looks_of(run: Run) -> list[Sight]:
    """What it saw and wanted, look by look in order; empty where no autoscaler ruled inference."""
    return sorted(_local(run) or _cluster(run), key=lambda sight: sight.at_s)


def _replicas(run: Run, seen: Sequence[Sight]) -> Figure:
    at = grid(run)
    lines = [
        Layer(name="wanted", values=_held(seen, [s.wanted for s in seen], at), colour="orange",
              style="step"),
        Layer(name="ready", values=run.inference_replicas(at + 0.5), colour="blue", style="step"),
    ]  # fmt: skip
    if any(s.asked is not None for s in seen):
        asked = Layer(
            name="by the metrics",
            values=_held(seen, [s.asked for s in seen], at),
            colour="grey",
            style="step dashed",
        )
        lines.insert(0, asked)
    chart = Chart(
        title="Replicas of the AI that the autoscaler wanted",
        unit="replicas",
        t_s=at,
        window=run.fault_window,
        lines=tuple(lines),
        height=210.0,
    )
    return Figure(
        title="The autoscaler",
        note="Wanted, and ready: between the two lie the starts. What the metrics alone ask for "
        "is above what is wanted while a limit or the most replicas holds, below it while a "
        "stabilisation window or the fewest do.",
        drawing=chart.draw(),
    )


def _metric(run: Run, seen: Sequence[Sight]) -> Figure:
    at = grid(run)
    values = _held(seen, [s.load for s in seen], at)
    lines = (Layer(name="metric", values=values, colour="orange", style="step"),)
    chart = Chart(
        title="The autoscaler's metric over its target",
        unit="metric / target, as it was seen",
        t_s=at,
        window=run.fault_window,
        lines=lines if np.isfinite(values).any() else (),
        marks=(Mark(name="target", value=1.0),),
        height=170.0,
    )
    return Figure(
        title="What the autoscaler saw",
        note="The metric when it was looked at, as late as it is: it rises after the crowd came.",
        drawing=chart.draw(),
    )


def _held(seen: Sequence[Sight], values: Sequence[float | None], at: Floats) -> Floats:
    """Each look's value until the next look; NaN before the first."""
    times = np.array([s.at_s for s in seen])
    numbers = np.array([np.nan if v is None else float(v) for v in values])
    place = np.searchsorted(times, at + 0.5, side="right") - 1
    return np.where(place >= 0, numbers[np.maximum(place, 0)], np.nan)


def _local(run: Run) -> list[Sight]:
    rows = [e for e in run.events if e.kind == "autoscale" and e.service == SERVICE]
    targets = _targets(run)
    return [_sight(event, targets) for event in rows]


def _sight(event: Event, targets: Sequence[tuple[str, float]]) -> Sight:
    said = event.details
    desired, asked = said.get("desired"), said.get("recommendation")
    metrics = said.get("metrics")
    loads = [
        load
        for row, (how, target) in zip(
            metrics if isinstance(metrics, list) else [], targets, strict=False
        )
        if isinstance(row, dict) and (load := _load(row, how, target)) is not None
    ]
    return Sight(
        at_s=event.t_s,
        wanted=desired if isinstance(desired, int) else 0,
        asked=asked if isinstance(asked, int) else None,
        load=max(loads) if loads else None,
    )


def _load(row: Mapping[str, object], how: str, target: float) -> float | None:
    value = row.get("utilization_percent" if how == _UTILISATION else "usage_milli")
    return value / target if isinstance(value, int | float) and target > 0 else None


def _targets(run: Run) -> list[tuple[str, float]]:
    """Function and target of each metric, in the manifest's order, from run.json."""
    try:
        listed = orjson.loads((run.path / "run.json").read_bytes())["autoscaler"]["metrics"]
        return [(str(row["function"]), float(row["target"])) for row in listed]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _cluster(run: Run) -> list[Sight]:
    return [
        Sight(
            at_s=sample.at_s,
            wanted=sample.desired,
            asked=None,
            load=sample.value / sample.target
            if sample.value is not None and sample.target
            else None,
        )
        for sample in samples_of(run.path, run.meta.started)
        if sample.service == SERVICE
    ]
