"""A setting as a metric and its target, as planned floors, and as what is written of it."""

import pytest
import yaml

from teastorm.autoscale.functions import Function
from teastorm.tune import manifests, words
from teastorm.tune.setting import Metric, Setting, crowd_of


@pytest.mark.parametrize(
    ("metric", "function", "target"),
    [
        (Metric.CPU, Function.RESOURCE_UTILIZATION, 80),  # (20 + 980 * 0.8) of 1000
        (Metric.IN_FLIGHT, Function.PODS_AVERAGE_VALUE, 6400),
        (Metric.OFFERED, Function.EXTERNAL_AVERAGE_VALUE, 12_800),
    ],
)
def test_a_headroom_means_the_same_share_of_a_replica_for_every_metric(
    service, metric, function, target
):
    found = Setting(metric=metric, headroom=0.25).target(service)
    assert found.function is function
    assert found.target == target


def test_the_values_name_the_charts_fields(service):
    def autoscaling(metric):
        text = manifests.values(Setting(metric=metric), service)
        return yaml.safe_load(text)["inference"]["autoscaling"]

    assert autoscaling(Metric.CPU)["targetCPUUtilization"] == 80
    assert autoscaling(Metric.IN_FLIGHT)["targetInFlight"] == 6.4
    assert autoscaling(Metric.OFFERED)["targetOfferedRps"] == 12.8
    assert {autoscaling(metric)["metric"] for metric in Metric} == {"cpu", "inFlight", "offered"}


def test_a_planned_floor_stands_from_before_the_crowd_to_its_end(service):
    setting = Setting(min_replicas=1, ahead_s=60, ahead_replicas=3)
    start, end = setting.planned(service, service.scenario.demand)
    assert (start.at_s, start.min_replicas) == (90, 3)
    assert (end.at_s, end.min_replicas) == (450, 0)
    assert "3 replicas planned from 0:01:30 until 0:07:30" in words.ahead(setting, service)
    comments = [line for line in manifests.hpa(setting, service).splitlines() if line[0] == "#"]
    patch = "#   kubectl patch hpa RELEASE-inference --type merge -p '{}'"
    assert comments[2:] == [
        "# At 0:01:30:",
        patch.format('{"spec":{"minReplicas":3}}'),
        "# At 0:07:30:",
        patch.format('{"spec":{"minReplicas":1}}'),
    ]
    assert (
        Setting(min_replicas=3, ahead_s=60, ahead_replicas=3).planned(
            service, service.scenario.demand
        )
        == ()
    )
    assert crowd_of(service.scenario.demand, 40.0) is None
