"""Autoscalers and disruption budgets: when they are there and what they say."""

from __future__ import annotations

import pytest
from tests.charts.conftest import SERVICES


def test_by_default_nobody_scales_and_copies_are_fixed(render):
    rendered = render()
    assert rendered.of("HorizontalPodAutoscaler") == {}
    for service in SERVICES:
        assert rendered.one("Deployment", f"tea-{service}")["spec"]["replicas"] == 2


@pytest.mark.parametrize("service", SERVICES)
def test_an_autoscaler_owns_the_number_of_copies(render, service):
    rendered = render(**{service: {"autoscaling": {"enabled": True}}})
    assert set(rendered.of("HorizontalPodAutoscaler")) == {f"tea-{service}"}
    # A number here would fight the autoscaler on every upgrade.
    assert "replicas" not in rendered.one("Deployment", f"tea-{service}")["spec"]
    spec = rendered.one("HorizontalPodAutoscaler", f"tea-{service}")["spec"]
    assert spec["scaleTargetRef"]["name"] == f"tea-{service}"
    (metric,) = spec["metrics"]
    assert metric["containerResource"]["container"] == service
    assert metric["containerResource"]["target"]["averageUtilization"] == 60
    assert set(spec["behavior"]) == {"scaleUp", "scaleDown"}


@pytest.mark.parametrize(
    ("metric", "kind", "target"),
    [("inFlight", "pods", "12"), ("offered", "external", "25")],
)
def test_demand_can_be_followed_where_an_adapter_is(render, metric, kind, target):
    rendered = render(inference={"autoscaling": {"enabled": True, "metric": metric}})
    (found,) = rendered.one("HorizontalPodAutoscaler", "tea-inference")["spec"]["metrics"]
    assert found[kind]["target"] == {"type": "AverageValue", "averageValue": target}


def test_late_scaling_is_slow_in_every_step(render):
    late = render("values-late-scaling.yaml").one("HorizontalPodAutoscaler", "tea-inference")
    ready = render(inference={"autoscaling": {"enabled": True}}).one(
        "HorizontalPodAutoscaler", "tea-inference"
    )

    def threshold(hpa):
        (metric,) = hpa["spec"]["metrics"]
        return metric["containerResource"]["target"]["averageUtilization"]

    def most_in_a_minute(hpa):
        policies = hpa["spec"]["behavior"]["scaleUp"]["policies"]
        return max(p["value"] * 60 / p["periodSeconds"] for p in policies if p["type"] == "Pods")

    assert threshold(late) > threshold(ready)
    assert late["spec"]["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 60
    assert ready["spec"]["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert most_in_a_minute(late) == 1 < most_in_a_minute(ready)
    spec = render("values-late-scaling.yaml").one("Deployment", "tea-inference")["spec"]
    assert spec["template"]["spec"]["initContainers"][0]["command"][-2:] == ["sleep", "60"]


def test_ci_scales_down_soon_and_leaves_the_way_up_alone(render):
    rendered = render("values-ci.yaml", inference={"autoscaling": {"enabled": True}})
    behavior = rendered.one("HorizontalPodAutoscaler", "tea-inference")["spec"]["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 15
    assert len(behavior["scaleUp"]["policies"]) == 2


@pytest.mark.parametrize(("replicas", "there"), [(0, False), (1, False), (2, True), (5, True)])
def test_a_budget_from_two_copies_on(render, replicas, there):
    budgets = render(orders={"replicas": replicas}).of("PodDisruptionBudget")
    assert ("tea-orders" in budgets) is there
    assert "tea-gateway" in budgets


@pytest.mark.parametrize(("least", "there"), [(1, False), (2, True)])
def test_with_an_autoscaler_its_least_counts(render, least, there):
    scaling = {"enabled": True, "minReplicas": least}
    budgets = render(orders={"replicas": 9, "autoscaling": scaling}).of("PodDisruptionBudget")
    assert ("tea-orders" in budgets) is there


def test_a_budget_lets_one_go_and_does_not_guard_the_broken(render):
    budget = render().one("PodDisruptionBudget", "tea-gateway")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
