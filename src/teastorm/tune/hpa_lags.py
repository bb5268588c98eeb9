"""Where the time of each scale-up went, from a record of an HPA."""

from __future__ import annotations

import statistics
from itertools import pairwise

from teastorm.autoscale.pods import Status
from teastorm.tune.hpa_record import HpaRecord, Look


def lag_parts(record: HpaRecord) -> dict[str, float | None]:
    """Means over the scale-ups, in seconds; None where none was seen.

    metric: from the middle of the samples' windows until the metrics API had them. sync: from then
    until the target was told to grow. start: from then until the new pods were ready.
    """
    first_seen: dict[tuple[str, float], float] = {}
    metric: list[float] = []
    sync: list[float] = []
    for before, after in pairwise(record.looks):
        _note(before, first_seen)
        if after.wanted <= before.wanted or not before.samples:
            continue
        ages = []
        for name, value in before.samples.items():
            seen_s = first_seen[name, value.timestamp_s]
            metric.append(seen_s - (value.timestamp_s - value.window_s / 2))
            ages.append(after.at_s - seen_s)
        sync.append(statistics.fmean(ages))
    starts = start_ups(record)
    return {
        "metric": statistics.fmean(metric) if metric else None,
        "sync": statistics.fmean(sync) if sync else None,
        "start": statistics.fmean(starts) if starts else None,
    }


def start_ups(record: HpaRecord) -> list[float]:
    """From the look that first saw the larger wish to the look that first saw each pod ready."""
    asked: list[float] = []
    starts: list[float] = []
    known = {pod.name for pod in record.looks[0].pods}
    for before, after in pairwise(record.looks):
        asked += [after.at_s] * max(0, after.wanted - before.wanted)
        for pod in after.pods:
            is_ready = pod.ready is not None and pod.ready.status is Status.TRUE
            if pod.name not in known and is_ready and asked:
                known.add(pod.name)
                starts.append(after.at_s - asked.pop(0))
    return starts


def _note(look: Look, first_seen: dict[tuple[str, float], float]) -> None:
    for name, value in look.samples.items():
        first_seen.setdefault((name, value.timestamp_s), look.at_s)
