"""A case's metric: which function of the calculator answers it, and with what."""

from collections.abc import Callable
from enum import StrEnum

from teastorm.autoscale import calculator
from teastorm.autoscale.calculator import Proposal, Scene
from teastorm.autoscale.case_pods import read_samples, read_values
from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.fields import Fields
from teastorm.autoscale.metrics import no_metrics


class Function(StrEnum):
    """The functions of the case files."""

    RESOURCE_UTILIZATION = "resource_utilization"
    RESOURCE_AVERAGE_VALUE = "resource_average_value"
    PODS_AVERAGE_VALUE = "pods_average_value"
    OBJECT_VALUE = "object_value"
    OBJECT_AVERAGE_VALUE = "object_average_value"
    EXTERNAL_VALUE = "external_value"
    EXTERNAL_AVERAGE_VALUE = "external_average_value"

    @property
    def counts_status(self) -> bool:
        """Whether it starts from status.replicas, not from spec.replicas."""
        return self in {Function.OBJECT_AVERAGE_VALUE, Function.EXTERNAL_AVERAGE_VALUE}


class Resource(StrEnum):
    """The resources of the case files; only cpu looks at readiness."""

    CPU = "cpu"
    MEMORY = "memory"


def propose(fields: Fields, function: Function, scene: Scene, current: int) -> Proposal:
    """Answer one metric; MetricError as the original would, FieldError for a malformed case."""
    read = _READERS[function](fields, scene, current)
    if "metrics_api_error" in fields:
        text = fields.text("metrics_api_error")
        raise MetricError(ErrorClass.METRICS_API_ERROR, f"the metrics API failed: {text}")
    return read()


type _Answer = Callable[[], Proposal]


def _utilization(fields: Fields, scene: Scene, current: int) -> _Answer:
    cpu, container, target = *_resource(fields), fields.int32("target")
    values = read_samples(fields, container)

    def answer() -> Proposal:
        if values is None:
            raise no_metrics()
        return calculator.resource_utilisation(
            scene, current, target, values, cpu=cpu, container=container
        )

    return answer


def _raw_average(fields: Fields, scene: Scene, current: int) -> _Answer:
    cpu, container, target = *_resource(fields), fields.integer("target")
    values = read_samples(fields, container)

    def answer() -> Proposal:
        if values is None:
            raise no_metrics()
        return calculator.average_value(scene, current, target, values, cpu=cpu)

    return answer


def _resource(fields: Fields) -> tuple[bool, str]:
    return fields.one_of("resource", Resource) is Resource.CPU, fields.text("container", "")


def _pods(fields: Fields, scene: Scene, current: int) -> _Answer:
    target, values = fields.integer("target"), read_values(fields)

    def answer() -> Proposal:
        if not values:
            raise no_metrics()
        return calculator.average_value(scene, current, target, values)

    return answer


def _object(
    calculate: Callable[[Scene, int, int, int], Proposal],
) -> Callable[[Fields, Scene, int], _Answer]:
    def read(fields: Fields, scene: Scene, current: int) -> _Answer:
        target = fields.integer("target")
        if "metrics_api_error" in fields:
            return lambda: calculate(scene, current, target, 0)  # never called
        value = fields.integer("metric_value_milli")
        return lambda: calculate(scene, current, target, value)

    return read


def _external(
    calculate: Callable[[Scene, int, int, list[int]], Proposal],
) -> Callable[[Fields, Scene, int], _Answer]:
    def read(fields: Fields, scene: Scene, current: int) -> _Answer:
        target, series = fields.integer("target"), fields.integers("metric_values_milli")
        return lambda: calculate(scene, current, target, series)

    return read


_READERS: dict[Function, Callable[[Fields, Scene, int], _Answer]] = {
    Function.RESOURCE_UTILIZATION: _utilization,
    Function.RESOURCE_AVERAGE_VALUE: _raw_average,
    Function.PODS_AVERAGE_VALUE: _pods,
    Function.OBJECT_VALUE: _object(calculator.object_value),
    Function.OBJECT_AVERAGE_VALUE: _object(calculator.object_average_value),
    Function.EXTERNAL_VALUE: _external(calculator.external_value),
    Function.EXTERNAL_AVERAGE_VALUE: _external(calculator.external_average_value),
}
