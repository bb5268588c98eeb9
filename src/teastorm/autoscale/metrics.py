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


class Usage(NamedTuple):
    """One container's usage; None: the sample holds no such resource."""

    container: str
    usage_milli: int | None


class ResourceSample(NamedTuple):
    """What the resource metrics API says about one pod."""

    pod: str
    timestamp_s: float
    window_s: float
    usages: tuple[Usage, ...]


def resource_values(samples: Sequence[ResourceSample], container: str) -> dict[str, PodValue]:
    """A value for every pod whose sample is whole: of `container`, or of all ("") added up.

    MetricError if the API answered with nothing at all, or if a sample does not know `container`
    (a null usage is known: that pod has no sample).
    """
    if not samples:
        raise no_metrics()
    values: dict[str, PodValue] = {}
    for sample in samples:
        milli = _one(sample, container) if container else _sum(sample.usages)
        if milli is not None:
            values[sample.pod] = PodValue(milli, sample.timestamp_s, sample.window_s)
    return values


def no_metrics() -> MetricError:
    """The metrics API answered with an empty list."""
    return MetricError(ErrorClass.NO_METRICS, "no metrics returned from the metrics API")


def _one(sample: ResourceSample, container: str) -> int | None:
    for name, milli in sample.usages:
        if name == container:
            return milli
    text = f"container {container} not present in metrics for pod {sample.pod}"
    raise MetricError(ErrorClass.OTHER, text)


def _sum(usages: tuple[Usage, ...]) -> int | None:
    if not usages:
        return None
    total = 0
    for _, milli in usages:
        if milli is None:
            return None
        total += milli
    return wrap64(total)


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
