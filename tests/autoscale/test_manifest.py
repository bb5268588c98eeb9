import json

import pytest
import yaml

from teastorm.autoscale import quantity
from teastorm.autoscale.behaviour import DEFAULT_UP, PolicyType, Select
from teastorm.autoscale.fields import FieldError
from teastorm.autoscale.functions import Function
from teastorm.autoscale.manifest import Controller, read_manifest
from teastorm.autoscale.manifest_metrics import DEFAULT_METRICS, MetricTarget

WHOLE = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: inference, labels: {app: teashop}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: inference}
  minReplicas: 2
  maxReplicas: 8
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}
    - type: ContainerResource
      containerResource:
        {name: memory, container: app, target: {type: AverageValue, averageValue: 1Gi}}
    - type: Pods
      pods: {metric: {name: in_flight}, target: {type: AverageValue, averageValue: 2500m}}
    - type: External
      external: {metric: {name: offered}, target: {type: Value, value: 10}}
  behavior:
    scaleDown:
      selectPolicy: Min
      tolerance: 350m
      policies: [{type: Pods, value: 1, periodSeconds: 60}]
"""


def test_a_whole_manifest():
    manifest = read_manifest(WHOLE, Controller(downscale_stabilization_s=120))
    assert (manifest.name, manifest.target_kind, manifest.target_name) == (
        "inference",
        "Deployment",
        "inference",
    )
    assert (manifest.spec.min_replicas, manifest.spec.max_replicas) == (2, 8)
    assert manifest.metrics == (
        MetricTarget(function=Function.RESOURCE_UTILIZATION, target=60, name="cpu"),
        MetricTarget(
            function=Function.RESOURCE_AVERAGE_VALUE,
            target=1024**3 * 1000,
            name="memory",
            container="app",
        ),
        MetricTarget(function=Function.PODS_AVERAGE_VALUE, target=2500, name="in_flight"),
        MetricTarget(function=Function.EXTERNAL_VALUE, target=10_000, name="offered"),
    )
    behaviour = manifest.spec.behaviour
    assert behaviour.up == DEFAULT_UP
    assert behaviour.down.select is Select.MIN
    assert behaviour.down.stabilization_window_s == 120
    assert behaviour.down.tolerance == 0.35000000000000003
    assert [(each.type, each.value, each.period_s) for each in behaviour.down.policies] == [
        (PolicyType.PODS, 1, 60)
    ]


def test_defaults():
    head = WHOLE[: WHOLE.index("  minReplicas")]
    manifest = read_manifest(head + "  maxReplicas: 3\n")
    assert manifest.spec.min_replicas == 1
    assert manifest.metrics == DEFAULT_METRICS
    assert manifest.spec.behaviour is None


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("minReplicas: 2", "minReplica: 2", "spec.minReplica is not a known field"),
        ("selectPolicy", "selectpolicy", "spec.behavior.scaleDown.selectpolicy is not a known fi"),
        ("averageUtilization: 60", "averageUtilisation: 60", "target.averageUtilisation is not a"),
        ("averageUtilization: 60", "value: 60", "target.value does not belong to the type Util"),
        ("averageUtilization: 60", "averageUtilization: 0", "averageUtilization must be from 1 "),
        ("autoscaling/v2", "apps/v1", "want autoscaling/v2 HorizontalPodAutoscaler, got apps/v1 H"),
        ("autoscaling/v2", "autoscaling/v1", "spec.metrics is not a known field of autoscaling/v1"),
        ("autoscaling/v2", "autoscaling/v2beta2", "write autoscaling/v2, its fields are the same"),
        ("autoscaling/v2", "autoscaling/v2beta1", "kubectl get hpa.v2.autoscaling NAME -o yaml"),
        ("maxReplicas: 8", "maxReplicas: 1", "spec.maxReplicas must be at least minReplicas 2, g"),
        ("maxReplicas: 8", "", "spec.maxReplicas is missing; it must be a whole number"),
        ("2500m", "fast", "'fast' is not a quantity"),
        ("1Gi", "0", "averageValue must be above 0"),
        ("periodSeconds: 60", "periodSeconds: 1801", "periodSeconds must be from 1 to 1800, got "),
        ("type: Pods\n", "type: Pod\n", "spec.metrics[2].type must be one of Resource, Container"),
        ("350m", "-1", "tolerance must not be negative"),
        ("{name: in_flight}", "{nam: in_flight}", "pods.metric.nam is not a known field"),
        ("[{type: Pods, value: 1, periodSeconds: 60}]", "[]", "policies must not be empty"),
        ("metadata: {", "metadata: [", "the manifest is not YAML"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(old, new, sentence):
    assert old in WHOLE
    with pytest.raises(FieldError) as caught:
        read_manifest(WHOLE.replace(old, new))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_minimum_of_zero_needs_a_metric_that_exists_without_pods():
    zero = WHOLE.replace("minReplicas: 2", "minReplicas: 0")
    assert read_manifest(zero).spec.min_replicas == 0
    without = zero[: zero.index("    - type: External")] + "  behavior: {}\n"
    with pytest.raises(FieldError, match="needs an Object or External metric"):
        read_manifest(without)


@pytest.mark.parametrize(
    ("text", "milli"),
    [("1", 1000), ("500m", 500), ("1.5", 1500), (".5", 500), ("2Ki", 2_048_000), ("1e3", 10**6),
     ("3k", 3_000_000), ("1u", 1), ("1001u", 2), ("-1", -1000), ("1E", 10**21 // 1000 * 1)],
)  # fmt: skip
def test_quantities_are_rounded_up_to_thousandths(text, milli):
    if text == "1E":
        with pytest.raises(ValueError, match="too large"):
            quantity.milli(text)
    else:
        assert quantity.milli(text) == milli


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "1Kb", "0x1", "nan"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError, match="not a quantity"):
        quantity.exact(text)


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), ("2", 2.0), ("0.1", 0.1), ("50m", 0.05)])
def test_tolerances_as_doubles(text, value):
    assert quantity.approximate(text) == value


@pytest.mark.parametrize("text", ["", "- a\n- list\n", "words"])
def test_what_is_no_mapping_is_no_manifest(text):
    with pytest.raises(FieldError, match="the manifest must be a mapping"):
        read_manifest(text)


DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: till}\n"
MEANT = read_manifest(WHOLE)


def listed(*manifests: str, kind: str = "List", leaves_out: tuple[str, ...] = ()) -> str:
    """As `kubectl get … -o yaml` prints several objects, or an API server its own list."""
    items = [yaml.safe_load(each) for each in manifests]
    for key in leaves_out:
        for item in items:
            del item[key]
    version = "v1" if kind == "List" else "autoscaling/v2"
    return yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": {}, "items": items})


@pytest.mark.parametrize(
    "text",
    [
        f"---\n{WHOLE}",
        f"{DEPLOYMENT}---\n{WHOLE}",
        f"{WHOLE}---\n---\n# nothing more\n",
        listed(WHOLE),
        listed(DEPLOYMENT, WHOLE),
        listed(WHOLE, kind="HorizontalPodAutoscalerList", leaves_out=("kind", "apiVersion")),
        json.dumps(yaml.safe_load(WHOLE)),
        "\ufeff" + WHOLE.replace("\n", "\r\n"),
    ],
    ids=["a mark", "beside another", "before nothing", "a list", "a list of more", "the server's list",
         "JSON", "from Windows"],
)  # fmt: skip
def test_the_only_hpa_of_a_file_is_read(text):
    assert read_manifest(text) == MEANT


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind: A\n---\nkind: B\n", "holds no HorizontalPodAutoscaler, but A, B"),
        (f"{WHOLE}---\n{WHOLE.replace('name: inference, labels', 'name: b, labels')}",
         "holds 2 of HorizontalPodAutoscaler (inference, b); keep one of them in the file"),
        (listed(WHOLE, WHOLE.replace("{name: inference, l", "{name: b, namespace: till, l")),
         "(inference, till/b)"),
        (listed(), "holds no HorizontalPodAutoscaler, but nothing"),
        ("apiVersion: v1\nkind: List\n", "holds no HorizontalPodAutoscaler, but nothing"),
        (f"{WHOLE}---\n- a\n", "the manifest must be a mapping"),
    ],
)  # fmt: skip
def test_a_file_of_none_or_several_is_refused_and_names_them(text, sentence):
    with pytest.raises(FieldError) as caught:
        read_manifest(text)
    assert sentence in str(caught.value)


V1 = """
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: till}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: till}
  minReplicas: 2
  maxReplicas: 8
  targetCPUUtilizationPercentage: 65
status: {currentReplicas: 2, desiredReplicas: 2}
"""


def test_version_1_says_a_share_of_cpu_at_most():
    manifest = read_manifest(V1)
    assert (manifest.spec.min_replicas, manifest.spec.max_replicas) == (2, 8)
    assert manifest.metrics == (
        MetricTarget(function=Function.RESOURCE_UTILIZATION, target=65, name="cpu"),
    )
    without = V1.replace("  targetCPUUtilizationPercentage: 65\n", "")
    assert read_manifest(without).metrics == DEFAULT_METRICS


ANNOTATED = "{name: till, annotations: {autoscaling.alpha.kubernetes.io/metrics: '[]'}}\nspec"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("{name: till}\nspec", ANNOTATED, "io/metrics holds what autoscaling/v1 has no fields for"),
        ("Percentage: 65", "Percentage: 0", "targetCPUUtilizationPercentage must be from 1"),
        ("  minReplicas: 2", "  behavior: {}", "spec.behavior is not a known field of autoscaling/v1"),
    ],
)  # fmt: skip
def test_what_version_1_cannot_say_is_refused(old, new, sentence):
    assert old in V1
    with pytest.raises(FieldError) as caught:
        read_manifest(V1.replace(old, new))
    assert sentence in str(caught.value)
