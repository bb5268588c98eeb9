"""Values that the schema takes one by one and that do not fit together: refused in one sentence."""

from __future__ import annotations

import pytest
from tests.charts.conftest import CHART, helm


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"drain": {"preStopS": 15, "graceS": 6}},
            "drain.terminationS must be at least preStopS + graceS + 10, for orders 31, got 30",
        ),
        (
            {"gateway": {"settings": {"common": {"grace_s": 20}}}},
            "drain.terminationS must be at least preStopS + graceS + 10, for gateway 35, got 30",
        ),
        (
            {"inference": {"autoscaling": {"minReplicas": 7}}},
            "inference.autoscaling.minReplicas must not be above maxReplicas, got 7 and 6",
        ),
        (
            {"podLabels": {"app.kubernetes.io/component": "mine"}},
            "podLabels.app.kubernetes.io/component is the chart's own label",
        ),
        (
            {
                "orders": {
                    "autoscaling": {"enabled": True},
                    "resources": {"requests": {"cpu": None, "memory": "96Mi"}},
                }
            },
            "in percent of orders.resources.requests.cpu; give that, or follow another metric",
        ),
        (
            {
                "gateway": {"service": {"type": "NodePort", "nodePort": 30080}},
                "prometheus": {
                    "enabled": True,
                    "service": {"type": "NodePort", "nodePort": 30080},
                },
            },
            "gateway.service.nodePort and prometheus.service.nodePort are both 30080",
        ),
    ],
)
def test_values_that_do_not_fit_together_are_refused(attempt, values, sentence):
    done = attempt(**values)
    assert done.returncode != 0
    assert sentence in done.stderr


def test_the_defaults_fit_and_so_does_the_least_that_is_asked_for(render):
    assert render(drain={"preStopS": 10, "graceS": 5, "terminationS": 25}).of("Deployment")


@pytest.mark.parametrize(("length", "taken"), [(40, True), (41, False)])
def test_a_release_name_leaves_room_for_what_is_made_from_it(length, taken):
    done = helm("template", "t" * length, str(CHART), "--kube-version", "1.34.0")
    assert (done.returncode == 0) is taken
    assert taken or "must have at most 40 characters" in done.stderr


@pytest.mark.parametrize("name", ["my.shop", "1shop"])
def test_a_release_name_that_no_service_may_have_is_refused(name):
    done = helm("template", name, str(CHART), "--kube-version", "1.34.0")
    assert done.returncode != 0
    assert f"the release name {name} must begin with a letter and have no dots" in done.stderr


@pytest.mark.parametrize(
    "resources",
    [{"requests": {"cpu": None, "memory": "1Gi"}, "limits": {"cpu": 1}}, {"requests": {"cpu": 1}}],
)
def test_a_cpu_limit_is_a_request_too(render, resources):
    rendered = render(orders={"autoscaling": {"enabled": True}, "resources": resources})
    assert rendered.of("HorizontalPodAutoscaler")


def test_without_a_cpu_request_demand_can_be_followed(render):
    scaling = {"enabled": True, "metric": "offered"}
    resources = {"requests": {"cpu": None, "memory": "96Mi"}}
    rendered = render(inference={"autoscaling": scaling, "resources": resources})
    assert rendered.of("HorizontalPodAutoscaler")


@pytest.mark.parametrize("kind", ["NodePort", "ClusterIP"])
def test_a_node_port_is_asked_for_only_where_there_is_one(render, kind):
    """The testbed's own default is a NodePort; over it, `type: ClusterIP` must be enough."""
    ports = {"tea-front": 30080, "tea-prometheus": 30090}
    front, prometheus = ({"type": kind, "nodePort": port} for port in ports.values())
    rendered = render(
        gateway={"service": front}, prometheus={"enabled": True, "service": prometheus}
    )
    for name, port in ports.items():
        spec = rendered.one("Service", name)["spec"]
        wanted = port if kind == "NodePort" else None
        assert (spec["type"], spec["ports"][0].get("nodePort")) == (kind, wanted)
