"""A manifest's metric sources, as the calculator's function and target each stands for."""

from dataclasses import dataclass

from teastorm.autoscale import quantity
from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.functions import Function
from teastorm.autoscale.gomath import INT32_MAX

_TARGETS = {"Utilization": "averageUtilization", "Value": "value", "AverageValue": "averageValue"}
_KINDS = {
    "Resource": ("resource", ("Utilization", "AverageValue")),
    "ContainerResource": ("containerResource", ("Utilization", "AverageValue")),
    "Pods": ("pods", ("AverageValue",)),
    "Object": ("object", ("Value", "AverageValue")),
    "External": ("external", ("Value", "AverageValue")),
}
_FUNCTIONS = {
    ("Resource", "Utilization"): Function.RESOURCE_UTILIZATION,
    ("Resource", "AverageValue"): Function.RESOURCE_AVERAGE_VALUE,
    ("ContainerResource", "Utilization"): Function.RESOURCE_UTILIZATION,
    ("ContainerResource", "AverageValue"): Function.RESOURCE_AVERAGE_VALUE,
    ("Pods", "AverageValue"): Function.PODS_AVERAGE_VALUE,
    ("Object", "Value"): Function.OBJECT_VALUE,
    ("Object", "AverageValue"): Function.OBJECT_AVERAGE_VALUE,
    ("External", "Value"): Function.EXTERNAL_VALUE,
    ("External", "AverageValue"): Function.EXTERNAL_AVERAGE_VALUE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricTarget:
    """`target` is in percent for resource_utilization, else in thousandths.

    `name` is the resource's or the metric's; `container` is "" for whole pods.
    """

    function: Function
    target: int
    name: str
    container: str = ""

    @property
    def counts_from_zero(self) -> bool:
        """Whether there is a value while nothing runs."""
        return self.function.value.startswith(("object", "external"))


DEFAULT_METRICS = (MetricTarget(function=Function.RESOURCE_UTILIZATION, target=80, name="cpu"),)


def read_metric(metric: Fields) -> MetricTarget:
    """One of spec.metrics; FieldError."""
    kind = metric.text("type")
    if kind not in _KINDS:
        raise FieldError(f"{metric.path('type')} must be one of {', '.join(_KINDS)}")
    key, allowed = _KINDS[kind]
    metric.only("type", key)
    source = metric.child(key)
    name, container = _identity(source, kind)
    target = source.child("target")
    target.only("type", *_TARGETS.values())
    how = target.text("type")
    if how not in allowed:
        raise FieldError(f"{target.path('type')} must be one of {', '.join(allowed)}")
    other = next((field for way, field in _TARGETS.items() if way != how and field in target), None)
    if other is not None:
        raise FieldError(f"{target.path(other)} does not belong to the type {how}")
    value = _value(target, _TARGETS[how])
    return MetricTarget(
        function=_FUNCTIONS[kind, how], target=value, name=name, container=container
    )


def _identity(source: Fields, kind: str) -> tuple[str, str]:
    """The metric's name and container."""
    if kind == "Resource":
        source.only("name", "target")
        return source.text("name"), ""
    if kind == "ContainerResource":
        source.only("name", "container", "target")
        return source.text("name"), source.text("container")
    source.only("metric", "target", *(["describedObject"] if kind == "Object" else []))
    if kind == "Object":
        source.child("describedObject").only("apiVersion", "kind", "name")
    metric = source.child("metric")
    metric.only("name", "selector")
    if "selector" in metric:
        metric.child("selector").only("matchLabels", "matchExpressions")
    return metric.text("name"), ""


def _value(target: Fields, key: str) -> int:
    if key == "averageUtilization":
        return target.integer(key, low=1, high=INT32_MAX)
    if key not in target:
        raise FieldError(f"{target.path(key)} is missing")
    try:
        value = quantity.milli(str(target.content[key]))
    except ValueError as error:
        raise FieldError(f"{target.path(key)}: {error}") from error
    if value <= 0:
        raise FieldError(f"{target.path(key)} must be above 0")
    return value
