"""Reads a HorizontalPodAutoscaler (autoscaling/v2 or v1); unknown fields are refused in one sentence.

Fields and bounds: Kubernetes 1.34's apis/autoscaling/v2 types, defaults and validation.
"""

from dataclasses import dataclass

from teastorm.autoscale.behaviour import Behaviour
from teastorm.autoscale.cases import read_behaviour
from teastorm.autoscale.controller import HpaSpec
from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.gomath import INT32_MAX
from teastorm.autoscale.manifest_metrics import DEFAULT_METRICS, MetricTarget, read_metric
from teastorm.autoscale.manifest_text import as_v2, load
from teastorm.autoscale.planned import Planned, read_planned

_METADATA = (
    "name", "namespace", "labels", "annotations", "generateName", "uid", "resourceVersion",
    "generation", "creationTimestamp", "managedFields", "ownerReferences", "finalizers", "selfLink",
    "deletionTimestamp", "deletionGracePeriodSeconds",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """Flags of kube-controller-manager that bear on a decision, with their defaults."""

    downscale_stabilization_s: float = 300
    tolerance: float = 0.1
    configurable_tolerance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a manifest says, with the API server's defaults filled in.

    `planned` is what an annotation of it plans, which Kubernetes passes over.
    """

    name: str
    target_kind: str
    target_name: str
    spec: HpaSpec
    metrics: tuple[MetricTarget, ...]
    planned: tuple[Planned, ...] = ()


def read_manifest(text: str, controller: Controller | None = None) -> Manifest:
    """The one HPA in a text of YAML or JSON; FieldError in one sentence if it is not a valid one."""
    return manifest_of(load(text), controller)


def manifest_of(content: dict[str, object], controller: Controller | None = None) -> Manifest:
    """The same of a manifest that was loaded already."""
    Fields(content).only("apiVersion", "kind", "metadata", "spec", "status")
    top = Fields(as_v2(content))
    metadata = top.child("metadata")
    metadata.only(*_METADATA)
    spec = top.child("spec")
    spec.only("scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "behavior")
    target = spec.child("scaleTargetRef")
    target.only("apiVersion", "kind", "name")
    metrics = tuple(read_metric(each) for each in spec.objects("metrics")) or DEFAULT_METRICS
    read = _spec(spec, metrics, controller or Controller())
    annotations = metadata.child("annotations") if "annotations" in metadata else Fields({})
    return Manifest(
        name=metadata.text("name"),
        target_kind=target.text("kind"),
        target_name=target.text("name"),
        spec=read,
        metrics=metrics,
        planned=read_planned(annotations, read.max_replicas),
    )


def _spec(spec: Fields, metrics: tuple[MetricTarget, ...], controller: Controller) -> HpaSpec:
    minimum = spec.integer("minReplicas", low=0, high=INT32_MAX) if "minReplicas" in spec else 1
    maximum = spec.integer("maxReplicas", low=1, high=INT32_MAX)
    if minimum > maximum:
        raise FieldError(f"spec.maxReplicas must be at least minReplicas {minimum}, got {maximum}")
    if minimum == 0 and not any(metric.counts_from_zero for metric in metrics):
        raise FieldError("spec.minReplicas of 0 needs an Object or External metric")
    return HpaSpec(
        min_replicas=minimum,
        max_replicas=maximum,
        behaviour=behaviour_of(spec.child("behavior"), controller) if "behavior" in spec else None,
        downscale_stabilization_s=controller.downscale_stabilization_s,
        tolerance=controller.tolerance,
        configurable_tolerance=controller.configurable_tolerance,
    )


def behaviour_of(behaviour: Fields, controller: Controller) -> Behaviour:
    """Behaviours with the API server's validation, which case files are free of; FieldError."""
    behaviour.only("scaleUp", "scaleDown")
    for key in ("scaleUp", "scaleDown"):
        if key not in behaviour:
            continue
        rules = behaviour.child(key)
        rules.only("stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance")
        if "stabilizationWindowSeconds" in rules:
            rules.integer("stabilizationWindowSeconds", low=0, high=3600)
        if "policies" in rules and not rules.items("policies"):
            raise FieldError(f"{rules.path('policies')} must not be empty")
        for policy in rules.objects("policies"):
            policy.only("type", "value", "periodSeconds")
            policy.integer("value", low=1, high=INT32_MAX)
            policy.integer("periodSeconds", low=1, high=1800)
    return read_behaviour(behaviour, controller.downscale_stabilization_s)
