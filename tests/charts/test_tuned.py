"""What `teastorm tune` writes is what the chart and the API server take."""

from __future__ import annotations

import dataclasses

import pytest
import yaml
from tests.charts.test_schema import manifest_problems

from teastorm.autoscale.chart_values import read_hpa
from teastorm.autoscale.manifest import read_manifest
from teastorm.simulate.demand import Demand
from teastorm.simulate.models import InferenceModel
from teastorm.simulate.scenario import Scenario
from teastorm.tune import manifests
from teastorm.tune.service import Service
from teastorm.tune.setting import Metric, Setting

DEMAND = Demand.of_rates("a crowd", [(0, 6.0), (120, 90.0), (450, 6.0), (600, 6.0)])
SERVICE = Service(scenario=Scenario(demand=DEMAND, inference=InferenceModel(startup_s=30.0)))


@pytest.fixture(params=Metric)
def setting(request: pytest.FixtureRequest) -> Setting:
    """Each metric, with floors planned ahead and targets that are no whole numbers."""
    return Setting(
        metric=request.param,
        headroom=0.35,
        min_replicas=2,
        max_replicas=7,
        up_percent=400,
        up_window_s=30,
        down_percent=10,
        down_window_s=900,
        ahead_s=120,
        ahead_replicas=4,
    )


def test_the_chart_renders_the_values_to_the_manifest_that_is_written_beside(setting, render):
    written = yaml.safe_load(manifests.hpa(setting, SERVICE))
    values = yaml.safe_load(manifests.values(setting, SERVICE))

    rendered = render(**values).one("HorizontalPodAutoscaler", "tea-inference")

    assert rendered["spec"]["scaleTargetRef"]["name"] == "tea-inference"
    told, meant = (read_manifest(yaml.safe_dump(manifest)) for manifest in (rendered, written))
    assert told.spec == meant.spec
    assert told.planned == meant.planned == read_hpa(yaml.safe_dump(values)).planned
    assert len(told.planned) == 2
    assert read_hpa(yaml.safe_dump(values)).metrics == told.metrics
    # The chart looks at its own container's CPU; what is written for any pod, at the pod's.
    assert [dataclasses.replace(metric, container="") for metric in told.metrics] == [
        *meant.metrics
    ]
    assert manifest_problems(rendered) == []


def test_the_manifest_is_one_that_the_api_server_knows(setting):
    manifest = yaml.safe_load(manifests.hpa(setting, SERVICE))

    assert manifest_problems(manifest) == []
    manifest["spec"]["behavior"]["scaleUp"]["window"] = 3
    assert manifest_problems(manifest) != []
