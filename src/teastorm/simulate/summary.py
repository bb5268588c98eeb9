"""Several seeds in one line each: the mean and its 95 % interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from teastorm.simulate.many import Run
from teastorm.simulate.student import t_quantile


def summary(runs: Sequence[Run]) -> dict[str, object]:
    """Mean and half-width of the interval (None for one seed) of the chief figures."""
    chats = [_part(_part(run["classes"])["chat"]) for run in runs]
    return {
        "seeds": [run["seed"] for run in runs],
        "goodput_rps": mean_of([_number(c["goodput_rps"]) for c in chats]),
        "p50_s": mean_of([_number(c["p50_s"]) for c in chats if c["p50_s"] is not None]),
        "p99_s": mean_of([_number(c["p99_s"]) for c in chats if c["p99_s"] is not None]),
        "refused_share": mean_of(
            [_number(c["refused"]) / max(1.0, _number(c["offered"])) for c in chats]
        ),
        "slo_misses": mean_of([_number(run["slo_misses"]) for run in runs]),
        "pod_seconds": mean_of([_number(run["pod_seconds"]) for run in runs]),
        "changes": mean_of([_number(run["changes"]) for run in runs]),
        "amplification": mean_of([_number(run["amplification"]) for run in runs]),
    }


def mean_of(values: Sequence[float]) -> dict[str, float | None]:
    """`{"mean": …, "half_width": …}`, a 95 % interval of the mean by Student's t."""
    if not values:
        return {"mean": None, "half_width": None}
    mean = statistics.fmean(values)
    if len(values) < 2:
        return {"mean": mean, "half_width": None}
    t = t_quantile(len(values) - 1, 0.975)
    return {"mean": mean, "half_width": t * statistics.stdev(values) / math.sqrt(len(values))}


def _part(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("a result holds objects")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError("a result holds numbers")
    return float(value)
