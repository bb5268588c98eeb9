"""Samples of the metrics APIs, made into one value a pod, and the two ratios computed from them.

Source: metrics/client.go and metrics/utilization.go of Kubernetes 1.34.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.gomath import quotient, ratio, wrap32, wrap64


class PodValue(NamedTuple):
    """One pod's value in thousandths; the sample ends at `timestamp_s` and spans `window_s`."""

    value_milli: int
    timestamp_s: float = 0
    window_s: float = 0


type Usage = tuple[str, int | None]
"""A container and its usage in thousandths; None: the sample holds no such resource."""


def sample_value(usages: Sequence[Usage], container: str) -> int | None:
    """A pod's usage of `container`, or of all containers ("") added up; None: no whole sample.

    A sample that does not know the container leaves its pod without one; releases before 1.34
    failed the whole metric.
    """
    if container:
        return next((milli for name, milli in usages if name == container), None)
    if not usages:
        return None
    total = 0
    for _, milli in usages:
        if milli is None:
            return None
        total += milli
    return wrap64(total)


def no_metrics() -> MetricError:
    """The metrics API answered with an empty list."""
    return MetricError(ErrorClass.NO_METRICS, "no metrics returned from the metrics API")


class Utilisation(NamedTuple):
    """Ratio to the target, utilisation in percent, average usage a pod in thousandths."""

    ratio: float
    percent: int
    raw_average_milli: int


def utilisation(
    values: Mapping[str, int], requests: Mapping[str, int], target_percent: int
) -> Utilisation:
    """Usage over request of the pods that are known; MetricError if their requests are 0."""
    used = asked = count = 0
    for name, milli in values.items():
        request = requests.get(name)
        if request is None:
            continue
        used += milli
        asked += request
        count += 1
    used, asked = wrap64(used), wrap64(asked)
    if not asked:
        raise MetricError(ErrorClass.ZERO_TOTAL_REQUEST, "no metrics returned matched known pods")
    percent = wrap32(quotient(wrap64(used * 100), asked))
    return Utilisation(ratio(percent, target_percent), percent, quotient(used, count))


def usage(values: Mapping[str, int], target_milli: int) -> tuple[float, int]:
    """The ratio to the target, and the average usage; `values` is not empty."""
    average = quotient(wrap64(sum(values.values())), len(values))
    return ratio(average, target_milli), average
