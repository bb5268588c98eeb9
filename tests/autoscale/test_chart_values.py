"""An HPA's file may be a manifest or values of charts/teashop, with what was planned beside it."""

import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from teastorm.autoscale.chart_values import DEFAULTS, read_hpa
from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.functions import Function
from teastorm.autoscale.manifest_metrics import MetricTarget
from teastorm.autoscale.planned import ANNOTATION, Planned, read_planned, write_planned

CHART = Path(__file__).parents[2] / "charts" / "teashop" / "values.yaml"


def values(**changes):
    return yaml.safe_dump({"inference": {"autoscaling": {"enabled": True} | changes}})


def manifest(**annotations):
    return yaml.safe_dump(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "x", "annotations": annotations},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "maxReplicas": 6},
        }
    )


def test_the_defaults_are_the_charts():
    assert yaml.safe_load(CHART.read_text())["inference"]["autoscaling"] == DEFAULTS


def test_values_are_read_over_the_charts_own():
    usual = read_hpa(values())
    assert (usual.spec.min_replicas, usual.spec.max_replicas) == (2, 6)
    assert usual.metrics == (
        MetricTarget(
            function=Function.RESOURCE_UTILIZATION, target=60, name="cpu", container="inference"
        ),
    )
    assert usual.planned == ()
    slower = read_hpa(values(behavior={"scaleUp": {"stabilizationWindowSeconds": 60}}))
    up, before = slower.spec.behaviour.up, usual.spec.behaviour.up
    assert up == dataclasses.replace(before, stabilization_window_s=60)
    assert slower.spec.behaviour.down == usual.spec.behaviour.down
    # A null takes the chart's default away: what is left is the API server's.
    assert read_hpa(values(behavior={"scaleDown": None})).spec.behaviour.down == (
        usual.spec.behaviour.down
    )


@pytest.mark.parametrize(
    ("changes", "metric"),
    [
        (
            {"metric": "inFlight", "targetInFlight": 6.4},
            MetricTarget(
                function=Function.PODS_AVERAGE_VALUE, target=6400, name="teashop_in_flight"
            ),
        ),
        (
            {"metric": "offered", "targetOfferedRps": "12800m", "offeredMetric": "wished"},
            MetricTarget(function=Function.EXTERNAL_AVERAGE_VALUE, target=12_800, name="wished"),
        ),
    ],
)
def test_each_metric_of_the_chart(changes, metric):
    assert read_hpa(values(**changes)).metrics == (metric,)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"enabled": False}, "inference.autoscaling.enabled is not true: these values have no HPA"),
        ({"minReplica": 1}, "inference.autoscaling.minReplica is not a known field"),
        ({"minReplicas": 7}, "inference.autoscaling.maxReplicas must be at least 7, got 6"),
        ({"minReplicas": 0}, "inference.autoscaling.minReplicas must be from 1 to"),
        ({"maxReplicas": "6"}, "inference.autoscaling.maxReplicas must be a whole number"),
        ({"maxReplicas": None}, "inference.autoscaling.maxReplicas is missing"),
        ({"metric": "memory"}, "inference.autoscaling.metric must be one of cpu, inFlight, offer"),
        ({"metric": "offered", "targetOfferedRps": "x"}, "autoscaling.targetOfferedRps: 'x' is no"),
        ({"metric": "inFlight", "targetInFlight": 0}, "targetInFlight must be above 0"),
        ({"behavior": {"scaleUpp": {}}}, "autoscaling.behavior.scaleUpp is not a known field"),
        (
            {"behavior": {"scaleUp": {"policies": []}}},
            "inference.autoscaling.behavior.scaleUp.policies must not be empty",
        ),
    ],
)
def test_values_that_the_chart_would_refuse_are(changes, sentence):
    with pytest.raises(FieldError) as caught:
        read_hpa(values(**changes))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("inference: 3", "inference must be an object"),
        ("inference: {}", "inference.autoscaling is missing"),
        ("gateway: {}", "gateway is not a known field"),
        ("[]", "must be a mapping"),
    ],
)
def test_what_is_neither_is_refused(text, sentence):
    with pytest.raises(FieldError) as caught:
        read_hpa(text)
    assert sentence in str(caught.value)


floors = st.lists(
    st.tuples(st.floats(0, 1e7, allow_subnormal=False), st.integers(0, 6)),
    unique_by=lambda pair: pair[0],
).map(lambda pairs: tuple(Planned(at_s=at, min_replicas=n) for at, n in sorted(pairs)))


@given(planned=floors)
def test_what_is_planned_survives_being_written(planned):
    text = write_planned(planned)
    assert read_planned(Fields({ANNOTATION: text}), 6) == planned
    for file in (manifest(**{ANNOTATION: text}), values(annotations={ANNOTATION: text})):
        assert read_hpa(file).planned == planned


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("soon", "teastorm/planned must be a list in JSON, but expecting value"),
        ("{}", "teastorm/planned must be a list"),
        ("[3]", "teastorm/planned[0] must be an object"),
        ([{"at_s": 3}], "teastorm/planned[0].min_replicas is missing"),
        ([{"at_s": 3, "min_replicas": 2, "x": 1}], "teastorm/planned[0].x is not a known field"),
        ([{"at_s": -1, "min_replicas": 2}], "teastorm/planned[0].at_s must be a time from 0 on"),
        ('[{"at_s": NaN, "min_replicas": 2}]', "teastorm/planned[0].at_s must be a time from 0 "),
        ([{"at_s": 5, "min_replicas": 2}] * 2, "[1].at_s must be a time from 0 on, later than"),
        ([{"at_s": 5, "min_replicas": 7}], "[0].min_replicas must be at most maxReplicas 6, got 7"),
        ([{"at_s": 5, "min_replicas": -1}], "[0].min_replicas must be from 0 to"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(rows, sentence):
    text = rows if isinstance(rows, str) else json.dumps(rows)
    with pytest.raises(FieldError) as caught:
        read_hpa(manifest(**{ANNOTATION: text}))
    assert str(caught.value).startswith("metadata.annotations.teastorm/planned")
    assert sentence in str(caught.value)
