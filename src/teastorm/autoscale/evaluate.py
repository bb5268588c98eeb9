"""What an HPA's metrics say together, from readings instead of a metrics API.

Source: computeReplicasForMetrics in Kubernetes 1.34's horizontal.go. Nothing here reads a clock.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from teastorm.autoscale import calculator, whole_values
from teastorm.autoscale.calculator import Proposal, Scene
from teastorm.autoscale.controller import combine
from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.functions import Function
from teastorm.autoscale.manifest_metrics import MetricTarget
from teastorm.autoscale.metrics import PodValue, no_metrics

CPU = "cpu"


class Readings(NamedTuple):
    """What the metrics APIs would answer: values by metric and pod, and values of the whole shop.

    All in thousandths. A metric that is not there at all is an API that failed.
    """

    pods: Mapping[str, Mapping[str, PodValue]]
    shop: Mapping[str, int]


class Opinion(NamedTuple):
    """One metric's proposal, or why it has none."""

    metric: str
    replicas: int | None
    usage_milli: int | None = None
    utilisation_percent: int | None = None
    error: str = ""


class Advice(NamedTuple):
    """What all metrics make together; None: nothing to go by, replicas stay."""

    replicas: int | None
    opinions: tuple[Opinion, ...]


def advise(
    metrics: Sequence[MetricTarget],
    scene: Scene,
    readings: Readings,
    *,
    spec_replicas: int,
    status_replicas: int,
) -> Advice:
    """The highest proposal; a metric that failed forbids scaling down."""
    opinions = tuple(
        _opinion(
            metric,
            scene,
            readings,
            status_replicas if metric.function.counts_status else spec_replicas,
        )
        for metric in metrics
    )
    combined = combine([each.replicas for each in opinions], spec_replicas)
    return Advice(combined.recommendation, opinions)


def _opinion(metric: MetricTarget, scene: Scene, readings: Readings, current: int) -> Opinion:
    try:
        proposal = evaluate(metric, scene, readings, current)
    except MetricError as error:
        return Opinion(metric.name, None, error=error.text)
    return Opinion(
        metric.name, proposal.replicas, proposal.usage_milli, proposal.utilisation_percent
    )


def evaluate(metric: MetricTarget, scene: Scene, readings: Readings, current: int) -> Proposal:
    """One metric; MetricError if it cannot be evaluated. `current` as the function counts it."""
    if metric.counts_from_zero:
        value = readings.shop.get(metric.name)
        if value is None:
            raise _unavailable(metric)
        return _of_the_shop(metric.function, scene, current, metric.target, value)
    values = readings.pods.get(metric.name)
    if values is None:
        raise _unavailable(metric)
    if not values:
        raise no_metrics()
    if metric.function is Function.RESOURCE_UTILIZATION:
        return calculator.resource_utilisation(
            scene,
            current,
            metric.target,
            values,
            cpu=metric.name == CPU,
            container=metric.container,
        )
    of_cpu = metric.function is Function.RESOURCE_AVERAGE_VALUE and metric.name == CPU
    return calculator.average_value(scene, current, metric.target, values, cpu=of_cpu)


def _of_the_shop(
    function: Function, scene: Scene, current: int, target_milli: int, value_milli: int
) -> Proposal:
    if function is Function.OBJECT_VALUE:
        return whole_values.object_value(scene, current, target_milli, value_milli)
    if function is Function.OBJECT_AVERAGE_VALUE:
        return whole_values.object_average_value(scene, current, target_milli, value_milli)
    if function is Function.EXTERNAL_VALUE:
        return whole_values.external_value(scene, current, target_milli, [value_milli])
    return whole_values.external_average_value(scene, current, target_milli, [value_milli])


def _unavailable(metric: MetricTarget) -> MetricError:
    text = f"the metrics API failed: no metric is called {metric.name}"
    return MetricError(ErrorClass.METRICS_API_ERROR, text)
