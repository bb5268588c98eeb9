"""Samples of the metrics APIs, made into one value a pod, and the two ratios computed from them.

Source: metrics/client.go and metrics/utilization.go of Kubernetes 1.34.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.gomath import INT64_MAX, INT64_MIN, quotient, ratio, wrap32, wrap64

type Int64 = Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)]

_tuple = tuple.__new__  # a named tuple without its keyword handling: a third of the time


class PodValue(NamedTuple):
    """One pod's value in thousandths; the sample ends at `timestamp_s` and spans `window_s`."""

    value_milli: int
    timestamp_s: float = 0
    window_s: float = 0


class ContainerUsage(Struct, gc=False):
    """What a sample says of a container; None: nothing of the resource in question."""

    name: str
    usage_milli: Int64 | None = None


class Sample(Struct, gc=False):
    """What a metrics API says of a pod: of a resource (`containers`), or a value of its own.

    A structure, like a pod: msgspec decodes files of them straight into it.
    """

    pod: str
    timestamp_s: float
    window_s: float
    containers: list[ContainerUsage] | None = None
    value_milli: Int64 | None = None


def resource_values(samples: Iterable[Sample], container: str | None) -> dict[str, PodValue]:
    """Usage of `container`, or of all containers (None or "") added up, by pod.

    A pod whose sample is not whole has none: it knows no container, or one without the resource,
    or not the one asked for (releases before 1.34 failed the whole metric over that). Of two whole
    samples of one pod the last counts.
    """
    usage_of = _container_usage if container else _usage
    values: dict[str, PodValue] = {}
    for sample in samples:
        listed = sample.containers
        milli = usage_of(listed, container) if listed else None
        if milli is not None:
            values[sample.pod] = _tuple(PodValue, (milli, sample.timestamp_s, sample.window_s))
    return values


def _usage(listed: Sequence[ContainerUsage], _container: str | None) -> int | None:
    if len(listed) == 1:
        return listed[0].usage_milli
    total = 0
    for each in listed:
        milli = each.usage_milli
        if milli is None:
            return None
        total += milli
    return wrap64(total)


def _container_usage(listed: Sequence[ContainerUsage], container: str | None) -> int | None:
    for each in listed:  # the first of that name, as there
        if each.name == container:
            return each.usage_milli
    return None


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
