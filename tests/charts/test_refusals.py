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


@pytest.mark.parametrize(("kind", "port"), [("NodePort", 30080), ("ClusterIP", None)])
def test_a_node_port_is_asked_for_only_where_there_is_one(render, kind, port):
    """The testbed's own default is a NodePort; over it, `type: ClusterIP` must be enough."""
    service = {"type": kind, "nodePort": 30080}
    rendered = render(
        gateway={"service": service}, prometheus={"enabled": True, "service": service}
    )
    for name in ("tea-front", "tea-prometheus"):
        spec = rendered.one("Service", name)["spec"]
        assert (spec["type"], spec["ports"][0].get("nodePort")) == (kind, port)
