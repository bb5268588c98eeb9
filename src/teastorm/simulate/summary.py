"""Several seeds in one line each: the mean and its 95 % interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Final

from teastorm.simulate.many import Run

_T_95: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
                2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                2.060, 2.056, 2.052, 2.048, 2.045, 2.042)  # fmt: skip
"""Student's t, two-sided 95 %, for 1 to 30 degrees of freedom; the normal's 1.96 beyond."""


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
    freedom = len(values) - 1
    t = _T_95[freedom - 1] if freedom <= len(_T_95) else 1.96
    return {"mean": mean, "half_width": t * statistics.stdev(values) / math.sqrt(len(values))}


def _part(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("a result holds objects")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError("a result holds numbers")
    return float(value)
