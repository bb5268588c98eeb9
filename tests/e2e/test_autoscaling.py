"""The cluster's own HorizontalPodAutoscaler with its metrics-server: up under load, and back."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.e2e.conftest import Until

from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.start import start_load
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings

pytestmark = pytest.mark.slow  # five minutes: up in one or two, and down again after a quiet while

BUSY_RPS = 30.0
SCALING = {
    "inference": {
        "autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 3},
    }
}


def test_inference_is_scaled_under_load_and_back(
    settings: ClusterSettings, tmp_path: Path, until: Until
) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(SCALING))
    platform = KubernetesPlatform(replace(settings, values=(*settings.values, values)))
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    try:
        counts = {"gateway": 1, "orders": 1, "dispatch": 1, "inference": 1}
        platform.deploy(ShopPlan(replicas=counts, run_dir=run_dir))
        platform.wait_ready(platform.ready_within_s)
        # One replica's capacity is about half of two replicas' 64 a second: this keeps it full.
        plan = LoadPlan(
            capacity_rps=BUSY_RPS,
            phases=(Phase(name="busy", seconds=150.0, factor=1.0, fault=True),),
            base_factor=1.0,
        )
        load = start_load(
            plan=plan,
            seed=1,
            run_dir=run_dir,
            endpoints_file=platform.door_file,
            t0_unix_s=time.time(),
        )
        since_s = time.monotonic()
        try:
            until(lambda: len(platform.endpoints("inference")) >= 2, "a second one is ready", 140)
        finally:
            load.stop()
        lag = platform.autoscaling_lag("inference", since_s)
        assert lag is not None
        assert lag.total_s is not None
        assert lag.total_s > 0
        until(lambda: platform.autoscaling()[-1].desired == 1, "it wants one again", 240)
        until(lambda: len(platform.replicas("inference")) == 1, "and has one", 90)
    finally:
        assert not platform.tear_down()
    assert (run_dir / "autoscaling.json").is_file()
