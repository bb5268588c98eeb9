import pytest

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
        ("autoscaling/v2", "autoscaling/v1", "want autoscaling/v2 HorizontalPodAutoscaler, got a"),
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


def test_two_manifests_in_one_file_are_refused():
    with pytest.raises(FieldError, match="expected a single document"):
        read_manifest("kind: A\n---\nkind: B\n")
