"""How many replicas a value of the whole shop asks for: Object and External metrics.

The operations and their order are those of Kubernetes 1.34's replica_calculator.go, as in
`calculator`. All values are in thousandths.
"""

from collections.abc import Sequence

from teastorm.autoscale.calculator import Proposal, Scene
from teastorm.autoscale.gomath import (
    INT32_MAX,
    INT64_MAX,
    ceil32,
    ceil64,
    ratio,
    wrap64,
)
from teastorm.autoscale.metrics import no_metrics
from teastorm.autoscale.pods import ready_and_running


def object_value(scene: Scene, current: int, target_milli: int, value_milli: int) -> Proposal:
    """Object metrics with a value; MetricError if there are no pods to multiply."""
    replicas = _by_ratio(scene, current, ratio(value_milli, target_milli))
    return Proposal(replicas=replicas, usage_milli=value_milli)


def external_value(
    scene: Scene, current: int, target_milli: int, series_milli: Sequence[int]
) -> Proposal:
    """External metrics with a value: the sum of the series, which wraps as in Go; MetricError."""
    if not series_milli:
        raise no_metrics()
    return object_value(scene, current, target_milli, wrap64(sum(series_milli)))


def _by_ratio(scene: Scene, current: int, wanted: float) -> int:
    if current == 0:
        return ceil32(wanted)  # from zero: no tolerance, no pods to look at
    if scene.tolerance.holds(wanted):
        return current
    return ceil32(wanted * ready_and_running(scene.pods))


def object_average_value(
    scene: Scene, current: int, target_milli: int, value_milli: int
) -> Proposal:
    """Object metrics with averageValue; `current` is status.replicas."""
    replicas = current
    if not scene.tolerance.holds(_per_pod_ratio(value_milli, target_milli, current)):
        replicas = ceil32(ratio(value_milli, target_milli))
    return Proposal(replicas=replicas, usage_milli=_share(value_milli, current))


def external_average_value(
    scene: Scene, current: int, target_milli: int, series_milli: Sequence[int]
) -> Proposal:
    """External metrics with averageValue; `current` is status.replicas.

    A running sum below 0 is taken for an overflow, as in the original, also if it is none.
    """
    if not series_milli:
        raise no_metrics()
    total = 0
    for milli in series_milli:
        total = wrap64(total + milli)
        if total < 0:
            total = INT64_MAX
            break
    replicas = current
    if not scene.tolerance.holds(_per_pod_ratio(total, target_milli, current)):
        wanted = ratio(total, target_milli)
        replicas = INT32_MAX if wanted > INT32_MAX else ceil32(wanted)
    if float(total) >= float(INT64_MAX):
        return Proposal(replicas=replicas, usage_milli=INT64_MAX)
    return Proposal(replicas=replicas, usage_milli=_share(total, current))


def _per_pod_ratio(value_milli: int, target_milli: int, current: int) -> float:
    return ratio(value_milli, float(target_milli) * float(current))


def _share(value_milli: int, current: int) -> int | None:
    return ceil64(ratio(value_milli, current)) if current else None
