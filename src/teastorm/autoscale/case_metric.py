"""A case's metric answered: by which function of the calculator, and from what."""

from teastorm.autoscale import calculator, whole_values
from teastorm.autoscale.calculator import Proposal, Scene
from teastorm.autoscale.case_lines import Metric
from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.fields import FieldError
from teastorm.autoscale.functions import Function, Resource
from teastorm.autoscale.gomath import INT32_MAX, INT32_MIN
from teastorm.autoscale.metrics import PodValue, Sample, no_metrics, resource_values

_PER_POD = frozenset(
    {
        Function.RESOURCE_UTILIZATION,
        Function.RESOURCE_AVERAGE_VALUE,
        Function.PODS_AVERAGE_VALUE,
    }
)


def check(metric: Metric, where: str = "") -> None:
    """FieldError if a field is not there that the function needs; `where` ends in a dot."""
    function = metric.function
    if function is Function.RESOURCE_UTILIZATION:
        check_percent(metric.target, where)
    if function is Function.PODS_AVERAGE_VALUE:
        for index, sample in enumerate(metric.pod_metrics or ()):
            if sample.value_milli is None:
                raise FieldError(f"{where}pod_metrics[{index}].value_milli is missing")
    elif function in _PER_POD:
        if metric.resource is None:
            raise FieldError(f"{where}resource is missing")
    elif (
        function in _OF_AN_OBJECT
        and metric.metric_value_milli is None
        and metric.metrics_api_error is None
    ):
        raise FieldError(f"{where}metric_value_milli is missing")


def check_percent(target: int, where: str) -> None:
    """FieldError if a utilisation is beyond an int32."""
    if not INT32_MIN <= target <= INT32_MAX:
        raise FieldError(f"{where}target must be from {INT32_MIN} to {INT32_MAX}, got {target}")


_OF_AN_OBJECT = frozenset({Function.OBJECT_VALUE, Function.OBJECT_AVERAGE_VALUE})


def propose(metric: Metric, scene: Scene, current: int) -> Proposal:
    """Answer a metric that `check` let through; MetricError as the original would."""
    if metric.metrics_api_error is not None:
        raise api_failed(metric.metrics_api_error)
    function, target = metric.function, metric.target
    if function in _PER_POD:
        return _per_pod(metric, scene, current)
    if function in _OF_AN_OBJECT:
        value = metric.metric_value_milli or 0
        if function is Function.OBJECT_VALUE:
            return whole_values.object_value(scene, current, target, value)
        return whole_values.object_average_value(scene, current, target, value)
    series = metric.metric_values_milli or ()
    if function is Function.EXTERNAL_VALUE:
        return whole_values.external_value(scene, current, target, series)
    return whole_values.external_average_value(scene, current, target, series)


def _per_pod(metric: Metric, scene: Scene, current: int) -> Proposal:
    samples = metric.pod_metrics
    if not samples:
        raise no_metrics()
    if metric.function is Function.PODS_AVERAGE_VALUE:
        return calculator.average_value(scene, current, metric.target, _values(samples))
    container = metric.container
    values = resource_values(samples, container)
    cpu = metric.resource is Resource.CPU
    if metric.function is Function.RESOURCE_AVERAGE_VALUE:
        return calculator.average_value(scene, current, metric.target, values, cpu=cpu)
    return calculator.resource_utilisation(
        scene, current, metric.target, values, cpu=cpu, container=container or ""
    )


def _values(samples: list[Sample]) -> dict[str, PodValue]:
    """Of two samples of one pod the last counts."""
    return {
        each.pod: PodValue(each.value_milli or 0, each.timestamp_s, each.window_s)
        for each in samples
    }


def api_failed(text: str) -> MetricError:
    """The metrics API did not answer."""
    return MetricError(ErrorClass.METRICS_API_ERROR, f"the metrics API failed: {text}")
