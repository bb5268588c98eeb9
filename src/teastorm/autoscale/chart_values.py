"""`inference.autoscaling` in values of charts/teashop, read as the HPA that the chart makes of it."""

from collections.abc import Mapping

from teastorm.autoscale import quantity
from teastorm.autoscale.controller import HpaSpec
from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.functions import Function
from teastorm.autoscale.gomath import INT32_MAX
from teastorm.autoscale.manifest import Controller, Manifest, behaviour_of, manifest_of
from teastorm.autoscale.manifest_metrics import MetricTarget
from teastorm.autoscale.manifest_text import load
from teastorm.autoscale.planned import read_planned

SERVICE = "inference"
DEFAULTS: Mapping[str, object] = {
    "enabled": False,
    "annotations": {},
    "minReplicas": 2,
    "maxReplicas": 6,
    "metric": "cpu",
    "targetCPUUtilization": 60,
    "inFlightMetric": "teashop_in_flight",
    "targetInFlight": 12,
    "offeredMetric": "teashop_offered_rps",
    "targetOfferedRps": 25,
    "behavior": {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": 100, "periodSeconds": 15},
                {"type": "Pods", "value": 4, "periodSeconds": 15},
            ],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": 300,
            "selectPolicy": "Max",
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
        },
    },
}
"""The chart's own values, which a test holds to its values.yaml."""


def read_hpa(text: str) -> Manifest:
    """A manifest of an HPA, or values of charts/teashop; FieldError in one sentence for neither."""
    content = load(text)
    if SERVICE in content and "kind" not in content:
        return _of_values(Fields.of(content, ""))
    return manifest_of(content)


def _of_values(values: Fields) -> Manifest:
    """Other settings in the values are not the autoscaler's and are passed over."""
    service = values.child(SERVICE)
    given = service.child("autoscaling")
    given.only(*DEFAULTS)
    scaling = Fields(_laid_over(DEFAULTS, given.content), "autoscaling", service)
    if not scaling.flag("enabled"):
        raise FieldError(f"{scaling.path('enabled')} is not true: these values have no HPA")
    fewest = scaling.integer("minReplicas", low=1, high=INT32_MAX)
    most = scaling.integer("maxReplicas", low=1, high=INT32_MAX)
    if fewest > most:
        raise FieldError(f"{scaling.path('maxReplicas')} must be at least {fewest}, got {most}")
    return Manifest(
        name=SERVICE,
        target_kind="Deployment",
        target_name=SERVICE,
        spec=HpaSpec(
            min_replicas=fewest,
            max_replicas=most,
            behaviour=behaviour_of(scaling.child("behavior"), Controller()),
        ),
        metrics=(_metric(scaling),),
        planned=read_planned(scaling.child("annotations"), most),
    )


def _laid_over(base: Mapping[str, object], given: Mapping[str, object]) -> dict[str, object]:
    """As Helm merges values: mappings field by field, a null takes the default away."""
    merged: dict[str, object] = {**base, **given}
    for key, value in given.items():
        below = base.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _laid_over(below, value)
        elif value is None:
            del merged[key]
    return merged


def _metric(scaling: Fields) -> MetricTarget:
    metric = scaling.text("metric")
    if metric == "cpu":
        return MetricTarget(
            function=Function.RESOURCE_UTILIZATION,
            target=scaling.integer("targetCPUUtilization", low=1, high=INT32_MAX),
            name="cpu",
            container=SERVICE,
        )
    if metric == "inFlight":
        return MetricTarget(
            function=Function.PODS_AVERAGE_VALUE,
            target=_milli(scaling, "targetInFlight"),
            name=scaling.text("inFlightMetric"),
        )
    if metric == "offered":
        return MetricTarget(
            function=Function.EXTERNAL_AVERAGE_VALUE,
            target=_milli(scaling, "targetOfferedRps"),
            name=scaling.text("offeredMetric"),
        )
    raise FieldError(
        f"{scaling.path('metric')} must be one of cpu, inFlight, offered, got {metric}"
    )


def _milli(scaling: Fields, key: str) -> int:
    try:
        value = quantity.milli(str(scaling.content.get(key)))
    except ValueError as error:
        raise FieldError(f"{scaling.path(key)}: {error}") from error
    if value <= 0:
        raise FieldError(f"{scaling.path(key)} must be above 0")
    return value
